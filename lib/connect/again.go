package connect

import (
	"context"
	"slices"
	"time"

	"igconnect/lib/graph"
	"igconnect/lib/identity"
	"igconnect/lib/sealed"
	"igconnect/lib/store"
)

// Ended is a login that has ended in this browser. It stays there for ten minutes,
// sealed, so that a callback or a choice that comes a second time, by a double tap, a
// reload or a scanner of links, leads where the first one did.
type Ended struct {
	identity.User
	Begun     int64    `json:"begun"`               // Unix seconds; what it saved is newer
	Connected []string `json:"connected,omitempty"` // Instagram ids, unless they are too many for a cookie
	Waiting   []string `json:"waiting,omitempty"`   // likewise: saved, and waiting for their person
	Denied    bool     `json:"denied,omitempty"`
	LoginOptions
}

// Ended is the login's end, before anything is known about it.
func (s State) Ended() Ended {
	return Ended{User: s.User, Begun: s.Begun, LoginOptions: s.LoginOptions}
}

// Endings are what logins ended with. A [Service] has them.
type Endings struct {
	cookies sealed.Cookies[Ended]
	store   *store.Store
}

// maxKept bounds the ids in the cookie, which comes along with every request for ten
// minutes. The database has them, too.
const maxKept = 20

// Keep leaves in the browser what the named login ended with.
func (e Endings) Keep(jar *sealed.Jar, flow string, ended Ended) {
	if len(ended.Connected)+len(ended.Waiting) > maxKept {
		ended.Connected, ended.Waiting = nil, nil
	}
	_ = e.cookies.Set(jar, flow, ended) // what does not fit is not kept: a second time is refused then
}

// Open opens what the named login ended with in this browser, or the newest one where
// flow is empty, and names it. The error is [ErrState] or [ErrExpired].
func (e Endings) Open(jar *sealed.Jar, flow string) (opened string, ended Ended, err error) {
	if opened, ended, err = e.cookies.Open(jar, flow); err != nil {
		return "", Ended{}, unsealing(err)
	}
	return opened, ended, nil
}

// Accounts returns what the login saved, as it stands in the database now.
func (e Endings) Accounts(ctx context.Context, ended Ended) ([]store.Account, error) {
	connections, err := e.store.OfUser(ctx, ended.User.ID)
	saved := slices.Concat(ended.Connected, ended.Waiting)
	var accounts []store.Account
	for _, c := range connections {
		if slices.Contains(saved, c.InstagramID) {
			accounts = append(accounts, c.Account)
		}
	}
	return accounts, err
}

// Saved returns the Instagram ids that the login connected: of those that were too many
// for the cookie, the user's working connections that were made since it began.
func (e Endings) Saved(ctx context.Context, ended Ended) ([]string, error) {
	if len(ended.Connected)+len(ended.Waiting) > 0 {
		return ended.Connected, nil
	}
	connections, err := e.store.OfUser(ctx, ended.User.ID)
	var ids []string
	for _, c := range connections {
		if c.Connected != nil && c.Connected.Unix() >= ended.Begun && c.Status != store.StatusReconnect {
			ids = append(ids, c.InstagramID)
		}
	}
	return ids, err
}

const (
	// awaitLimit is longer than the calls between a code's use and the saved row take.
	awaitLimit = 6 * time.Second
	awaitPause = 500 * time.Millisecond
)

// Await waits for what another request for the same callback saves: browsers may send
// two at once, of which Meta takes the code of one, and may drop the answer to that
// one. refusal is Meta's to this one. It reports whether something was saved.
func (e Endings) Await(ctx context.Context, jar *sealed.Jar, state State, refusal error) (Ended, bool) {
	if graph.ClassOf(refusal) != graph.CodeRejected {
		return Ended{}, false
	}
	ctx, cancel := context.WithTimeout(ctx, awaitLimit)
	defer cancel()
	pause := time.NewTicker(awaitPause)
	defer pause.Stop()
	for ctx.Err() == nil {
		ended := state.Ended()
		if ids, err := e.Saved(ctx, ended); err == nil && len(ids) > 0 {
			ended.Connected = ids
			e.Keep(jar, state.Flow(), ended)
			return ended, true
		}
		select {
		case <-pause.C:
		case <-ctx.Done():
		}
	}
	return Ended{}, false
}
