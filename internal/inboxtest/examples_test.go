package inboxtest_test

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"igconnect/internal/metasim"
	"igconnect/internal/supalite/supalitetest"
)

const person = "5614879045272581"

// TestWorkers runs both examples through the same.
func TestWorkers(t *testing.T) {
	lite := supalitetest.Shared(t)
	for name, build := range map[string]func(*testing.T) *worker{"Go": buildGo, "TypeScript": installTypeScript} {
		t.Run(name, func(t *testing.T) {
			k := build(t)
			t.Run("answers", func(t *testing.T) {
				w := start(t, lite, brand(1))
				w.connect(t)
				testAnswers(t, w, k)
			})
			t.Run("tries again", func(t *testing.T) {
				w := start(t, lite, brand(1))
				w.connect(t)
				testTriesAgain(t, w, k)
			})
			t.Run("stops", func(t *testing.T) {
				w := start(t, lite, brand(1))
				w.connect(t)
				testStops(t, w, k)
			})
		})
	}
}

func testAnswers(t *testing.T, w *world, k *worker) {
	hello := metasim.Message(person, account(1), "hello")
	w.deliver(t, hello, hello.Reaction("react"), metasim.Echo(account(1), person, "hi"), metasim.Message(person, account(1), "bye"))
	w.deliver(t, metasim.Comment(person, "nice"))
	k.drain(t, w)
	w.wantAnswers(t, 2, person)
	got := w.sql(t, `select count(*)::int as n, count(finished_at)::int as finished from public.instagram_events`)[0]
	if got["n"] != 5.0 || got["finished"] != 5.0 {
		t.Errorf("%v finished of %v", got["finished"], got["n"])
	}
}

// An answer that Meta refuses, with the token in its message, is tried again
// later, and holds what comes behind it in its conversation.
func testTriesAgain(t *testing.T, w *world, k *worker) {
	w.deliver(t, metasim.Message(person, account(1), "hello"), metasim.Message(person, account(1), "are you there?"))
	w.meta.Order(metasim.Order{Step: "messages", Times: 1, Code: 190, Subcode: 463, Message: "Malformed access token " + w.pageTokens(t, account(1))[0]})
	said := k.drain(t, w)
	if len(w.meta.Replies()) != 0 {
		t.Errorf("answered: %v", w.meta.Replies())
	}
	row := w.sql(t, "select attempts, last_error from public.instagram_events order by occurred_at, id")[0]
	reason, _ := row["last_error"].(string)
	if row["attempts"] != 1.0 || !strings.Contains(reason, "Meta answered 400, code 190, subcode 463") {
		t.Errorf("tried: %v", row)
	}
	if !strings.Contains(said, reason) {
		t.Errorf("the reason is not in what it printed: %s", said)
	}

	w.sql(t, "update public.instagram_events set next_try_at = now()")
	w.sql(t, "update public.instagram_conversations set due_at = now()")
	k.drain(t, w)
	w.wantAnswers(t, 2, person)
}

// A worker that keeps running answers what comes in, outlives a failing
// database, and ends well when it is told to.
func testStops(t *testing.T, w *world, k *worker) {
	for _, signal := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		w.meta.Reset()
		cmd, said := k.start(t, w)
		w.deliver(t, metasim.Message(person, account(1), "hello"))
		for end := time.Now().Add(30 * time.Second); len(w.meta.Replies()) == 0 && time.Now().Before(end); {
			time.Sleep(20 * time.Millisecond)
		}
		if err := cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("after %v: %v: %s", signal, err, said)
		}
		w.wantAnswers(t, 1, person)
		if rows := w.sql(t, "select id from public.instagram_events where finished_at is null"); len(rows) > 0 {
			t.Errorf("left unfinished by %v: %v", signal, rows)
		}
		w.watch.See("workers", said.Bytes())
	}
}
