package store

import (
	"context"
	"net/http"
)

// Probes are the questions of the health check to the database.
type Probes struct{ Of *Store }

// SchemaVersion is the newest migration that this build expects.
const SchemaVersion = "20261123090800"

// Version asks the database for its newest migration.
func (p Probes) Version(ctx context.Context) (string, error) {
	return call[string](ctx, p.Of, "asking for the migrations", "igconnect_schema_version", args{})
}

// Backlog is since when the longest waiting have waited, nil where nothing waits, and
// counts, up to a thousand of each kind.
type Backlog struct {
	Unchecked *Timestamp `json:"unchecked_since"` // connections, for the daily check
	Ending    int        `json:"ending"`          // connections that end within a week, not checked for 36 hours
	Failing   int        `json:"failing"`         // connections whose check fails for two days, not among Unchecked
	Waiting   *Timestamp `json:"waiting_since"`   // events, for a worker
	Dead      *Timestamp `json:"dead_since"`      // events that were given up
	Unopened  int        `json:"unopened"`        // connections whose token Vault can't open
	LeftOut   Text       `json:"left_out"`        // what Meta said last of a webhook field that it refused
	Mute      int        `json:"mute"`            // working connections that are not subscribed to messages, up to a hundred
}

// Backlog asks for the longest waiting.
func (p Probes) Backlog(ctx context.Context) (Backlog, error) {
	const op = "looking for what waits"
	rows, err := call[[]Backlog](ctx, p.Of, op, "igconnect_backlog", args{})
	if err == nil && len(rows) != 1 {
		err = &Error{Op: op, Status: http.StatusOK, cause: errNotSupabase}
	}
	if err != nil {
		return Backlog{}, err
	}
	return rows[0], nil
}

// Vault reports whether Vault gives back what was sealed.
func (p Probes) Vault(ctx context.Context) (bool, error) {
	return call[bool](ctx, p.Of, "probing Vault", "probe_vault", args{})
}
