package supalite_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

func testInboxFinish(t *testing.T, in *inbox) {
	in.finish(t, 0)
	in.ingest(t, 3, in.event("a", "ann", 1), in.event("b", "ann", 2), in.event("c", "ann", 3))
	in.wantClaim(t, 2, "a", "b")
	in.finish(t, 1, in.id("a"), in.id("unknown"), in.id("a"))
	in.wantClaim(t, 10) // b is left: the lease holds
	in.finish(t, 1, in.ids("a", "b")...)
	in.wantClaim(t, 10, "c")
	in.finish(t, 0, in.ids("a", "b")...) // touches nobody's lease
	in.wantClaim(t, 10)
}

// testInboxFinishLate finishes after the lease has run out.
func testInboxFinishLate(t *testing.T, in *inbox) {
	in.ingest(t, 2, in.event("a", "ann", 1), in.event("b", "ann", 2))
	in.wantClaim(t, 1, "a")
	in.pass(t, "10 minutes")
	in.finish(t, 1, in.id("a"))
	in.wantClaim(t, 10, "b")

	in.pass(t, "10 minutes")
	in.wantClaim(t, 10, "b")    // another worker has it now
	in.finish(t, 1, in.id("b")) // and the first one did it all the same
	in.finish(t, 0, in.id("b"))
	in.fail(t, 0, in.id("b"))
	in.wantClaim(t, 10)
}

func testInboxFail(t *testing.T, in *inbox) {
	in.fail(t, 0)
	in.ingest(t, 2, in.event("a", "ann", 1), in.event("b", "ann", 2))
	in.fail(t, 0, in.id("a"), in.id("unknown")) // claimed by nobody
	in.wantClaim(t, 1, "a")
	in.fail(t, 1, in.id("a"), in.id("a"))
	in.fail(t, 0, in.id("a")) // the same call once more is no second try

	// Its delay holds what is behind it, and nobody else's.
	in.ingest(t, 2, in.event("c", "ann", 3), in.event("d", "bob", 9))
	in.wantClaim(t, 10, "d")
	in.pass(t, "19 seconds")
	in.wantClaim(t, 10)
	in.pass(t, "1 second")
	if rows := in.wantClaim(t, 10, "a", "b", "c"); rows[0].Attempts != 1 || rows[1].Attempts != 0 {
		t.Errorf("attempts = %d, %d; want 1, 0", rows[0].Attempts, rows[1].Attempts)
	}
}

// testInboxFailGivesBack fails the first of several: those behind it are free with it, and were not tried.
func testInboxFailGivesBack(t *testing.T, in *inbox) {
	in.ingest(t, 3, in.event("a", "ann", 1), in.event("b", "ann", 2), in.event("c", "ann", 3))
	in.wantClaim(t, 10, "a", "b", "c")
	in.fail(t, 1, in.id("a"))
	in.fail(t, 0, in.id("b"))
	in.finish(t, 1, in.id("c")) // done is done
	in.wantClaim(t, 10)
	in.pass(t, "20 seconds")
	if rows := in.wantClaim(t, 10, "a", "b"); rows[1].Attempts != 0 {
		t.Errorf("attempts = %d, want 0", rows[1].Attempts)
	}
	in.fail(t, 2, in.ids("a", "b")...)
}

// testInboxFailMiddle leaves one claimed in front of the one that failed.
func testInboxFailMiddle(t *testing.T, in *inbox) {
	in.ingest(t, 3, in.event("a", "ann", 1), in.event("b", "ann", 2), in.event("c", "ann", 3))
	in.wantClaim(t, 2, "a", "b")
	in.fail(t, 1, in.id("b"))
	in.pass(t, "1 minute")
	in.wantClaim(t, 10) // a is still somebody's
	in.pass(t, "9 minutes")
	in.wantClaim(t, 1, "a")
	in.finish(t, 1, in.id("a"))
	in.wantClaim(t, 10, "b", "c")
}

func testInboxDead(t *testing.T, in *inbox) {
	in.ingest(t, 2, in.event("a", "ann", 1), in.event("b", "ann", 2))
	for try := 1; try <= 10; try++ {
		if rows := in.wantClaim(t, 1, "a"); rows[0].Attempts != try-1 {
			t.Errorf("try %d: attempts = %d", try, rows[0].Attempts)
		}
		in.fail(t, 1, in.id("a"))
		if try == 10 {
			break
		}
		delay := in.sql(t, "select extract(epoch from next_try_at - now())::float8 as seconds from public.instagram_events where id = $1", in.id("a"))[0]["seconds"].(float64)
		want := min(10*math.Pow(2, float64(try)), 3600)
		if delay > want || delay < want-10 {
			t.Errorf("try %d: the next in %g seconds, want %g", try, delay, want)
		}
		in.wantClaim(t, 1)
		in.pass(t, fmt.Sprintf("%g seconds", want))
	}
	in.wantClaim(t, 10, "b") // no longer in the way, at once
	in.finish(t, 0, in.id("a"))
	got := in.sql(t, "select attempts, last_error, dead_at is not null as dead from public.instagram_events where id = $1", in.id("a"))[0]
	if got["attempts"] != 10.0 || got["last_error"] != "Meta is asleep" || got["dead"] != true {
		t.Errorf("the dead letter: %v", got)
	}
	in.ingest(t, 0, in.event("a", "ann", 1))
}

func testInboxReason(t *testing.T, in *inbox) {
	in.ingest(t, 1, in.event("a", "ann", 1))
	for _, test := range []struct{ reason, want any }{
		{strings.Repeat("é", 5000), strings.Repeat("é", 1000)},
		{nil, nil},
	} {
		in.wantClaim(t, 1, "a")
		in.wantCount(t, 1, "fail_instagram_events", object{"ids": in.ids("a"), "reason": test.reason})
		got := in.sql(t, "select last_error from public.instagram_events where id = $1", in.id("a"))[0]["last_error"]
		if got != test.want {
			t.Errorf("last_error = %v, want %v", got, test.want)
		}
		in.pass(t, "1 hour")
	}
}

// testInboxEarlier receives an event that belongs in front of one that waits for its next try.
func testInboxEarlier(t *testing.T, in *inbox) {
	in.ingest(t, 1, in.event("b", "ann", 5))
	in.wantClaim(t, 1, "b")
	in.fail(t, 1, in.id("b"))
	in.ingest(t, 2, in.event("a", "ann", 1), in.event("c", "ann", 9))
	in.wantClaim(t, 10, "a")
	in.finish(t, 1, in.id("a"))
	in.wantClaim(t, 10)
	in.pass(t, "20 seconds")
	in.wantClaim(t, 10, "b", "c")
}
