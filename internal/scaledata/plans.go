package scaledata

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Plan is how PostgreSQL ran one statement: the client's own, or one inside a function.
type Plan struct {
	Query string `json:"Query Text"`
	Root  Node   `json:"Plan"`
	JIT   *struct {
		Functions int
	}
}

// Node is a step of a plan. The counts of rows are averages over Loops.
type Node struct {
	Type      string  `json:"Node Type"`
	Table     string  `json:"Relation Name"`
	Index     string  `json:"Index Name"`
	Rows      float64 `json:"Actual Rows"`
	Filtered  float64 `json:"Rows Removed by Filter"`
	Rechecked float64 `json:"Rows Removed by Index Recheck"`
	Loops     float64 `json:"Actual Loops"`
	SortedOn  string  `json:"Sort Space Type"` // Disk or Memory
	Cached    int     `json:"Shared Hit Blocks"`
	Fetched   int     `json:"Shared Read Blocks"`
	Plans     []Node
}

// All returns the node and those below it.
func (n Node) All() []Node {
	all := []Node{n}
	for _, below := range n.Plans {
		all = append(all, below.All()...)
	}
	return all
}

// Read is how many rows the node looked at, those included that it threw away.
func (n Node) Read() int { return int((n.Rows + n.Filtered + n.Rechecked) * n.Loops) }

// Blocks is how many blocks of 8 kB the node and those below it looked at.
func (n Node) Blocks() int { return n.Cached + n.Fetched }

// Explainer is a session of a superuser that tells how its statements were run.
type Explainer struct {
	*pgx.Conn
	plans []Plan
	err   error
}

// NewExplainer opens a session as service_role. Beyond that it is as a client's: it keeps plans and uses
// them again.
func NewExplainer(ctx context.Context, config *pgx.ConnConfig) (*Explainer, error) {
	e := &Explainer{}
	config = config.Copy()
	config.OnNotice = func(_ *pgconn.PgConn, notice *pgconn.Notice) {
		_, text, found := strings.Cut(notice.Message, "plan:\n")
		if !found {
			return
		}
		var plan Plan
		e.err = errors.Join(e.err, json.Unmarshal([]byte(text), &plan))
		e.plans = append(e.plans, plan)
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	e.Conn = conn
	_, err = conn.Exec(ctx, `
		load 'auto_explain';
		set auto_explain.log_min_duration = 0;
		set auto_explain.log_nested_statements = on;
		set auto_explain.log_analyze = on;
		set auto_explain.log_timing = off;
		set auto_explain.log_buffers = on;
		set auto_explain.log_format = json;
		set auto_explain.log_level = notice;
		set role service_role`)
	return e, err
}

// Plans returns what ran since it was last asked.
func (e *Explainer) Plans() ([]Plan, error) {
	plans, err := e.plans, e.err
	e.plans, e.err = nil, nil
	return plans, err
}
