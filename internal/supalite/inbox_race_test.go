package supalite_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"igconnect/internal/supalite"
	"igconnect/internal/supalite/pgtest"
	"igconnect/internal/supalite/supalitetest"
)

// TestInboxIngestWhileFinishing finishes the last event of a conversation while the next is being stored: whichever comes
// first, the conversation must not be taken for empty.
func TestInboxIngestWhileFinishing(t *testing.T) {
	supalitetest.Need(t)
	url := pgtest.Start(t)
	p := startWith(t, supalite.Options{DatabaseURL: url})
	defer stop(t, p)
	in := newInbox(t, p)
	in.ingest(t, 1, in.event("a", "ann", 1))
	in.wantClaim(t, 1, "a")

	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "select public.ingest_instagram_events($1::jsonb)", []object{in.event("b", "ann", 2)}); err != nil {
		t.Fatal(err)
	}
	finished := make(chan error, 1)
	go func() {
		var n int
		finished <- p.call(t.Context(), "finish_instagram_events", object{"ids": in.ids("a")}, &n)
	}()
	for deadline := time.Now().Add(10 * time.Second); len(finished) == 0 && time.Now().Before(deadline); {
		if len(p.sql(t, "select from pg_locks where not granted")) > 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-finished; err != nil {
		t.Fatal(err)
	}
	p.wantConsistent(t)
	in.wantClaim(t, 1, "b")
}
