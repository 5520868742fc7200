package deploytest_test

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"igconnect/internal/deploytest"
	"igconnect/internal/metasim"
)

// TestWorkers runs both workers of examples/ through the same.
func TestWorkers(t *testing.T) {
	for name, build := range map[string]func(*testing.T) *worker{"Go": buildGo, "TypeScript": installTypeScript} {
		t.Run(name, func(t *testing.T) {
			w := build(t)
			for name, test := range map[string]func(*testing.T, deployment, *worker){
				"answers": testAnswers, "tries again": testTriesAgain, "is told": testIsTold, "stops": testStops,
			} {
				t.Run(name, func(t *testing.T) { test(t, connected(t), w) })
			}
		})
	}
}

func message(text string) metasim.Event {
	return metasim.Message(sender, deploytest.InstagramID(1), text)
}

func testAnswers(t *testing.T, d deployment, w *worker) {
	hello := message("hello")
	d.deliver(hello, hello.Reaction("react"), metasim.Echo(deploytest.InstagramID(1), sender, "hi"), message("bye"))
	d.deliver(metasim.Comment(sender, "nice"))
	d.drain(w)
	d.wantAnswers(2)
	got := d.SQL(`select count(*)::int as n, count(finished_at)::int as finished from public.instagram_events`)[0]
	if got["n"] != 6.0 || got["finished"] != 6.0 { // with the one that tells of the connection
		t.Errorf("%v finished of %v", got["finished"], got["n"])
	}
}

// An answer that Meta refuses, with the token in its message, is tried again later, and
// holds what comes behind it in its conversation.
func testTriesAgain(t *testing.T, d deployment, w *worker) {
	d.deliver(message("hello"), message("are you there?"))
	d.Meta.Inject(metasim.Fault{
		Step: "messages", Times: 1, Code: 190, Subcode: 463, Message: "Malformed access token " + d.Row(1)["page_token"].(string),
	})
	said := d.drain(w)
	if len(d.Meta.Replies()) != 0 {
		t.Errorf("answered: %v", d.Meta.Replies())
	}
	row := d.SQL("select attempts, last_error from public.instagram_events where kind = 'message' order by occurred_at, place")[0]
	reason, _ := row["last_error"].(string)
	if row["attempts"] != 1.0 || !strings.Contains(reason, "Meta answered 400, code 190, subcode 463") {
		t.Errorf("tried: %v", row)
	}
	if !strings.Contains(said, reason) {
		t.Errorf("the reason is not in what it printed: %s", said)
	}

	d.SQL("update public.instagram_events set next_try_at = now()")
	d.SQL("update public.instagram_conversations set due_at = now()")
	d.drain(w)
	d.wantAnswers(2)
}

// What tells of a connection is finished without an answer, also where there is no token any more.
func testIsTold(t *testing.T, d deployment, w *worker) {
	d.SQL("update public.user_configs set status = 'reconnect', status_reason = 'A reason.'")
	d.SQL("delete from public.user_configs")
	told := d.SQL("select payload ->> 'change' as change from public.instagram_events order by occurred_at")
	if fmt.Sprint(told) != "[map[change:connected] map[change:attention] map[change:disconnected]]" {
		t.Errorf("told: %v", told)
	}
	if said := d.drain(w); said != "" {
		t.Errorf("printed: %s", said)
	}
	if left := d.SQL("select kind, last_error from public.instagram_events"); len(left) > 0 || len(d.Meta.Replies()) > 0 {
		t.Errorf("left: %v, answered: %v", left, d.Meta.Replies())
	}
}

// A worker that keeps running answers what comes in, and ends well when it is told to.
func testStops(t *testing.T, d deployment, w *worker) {
	for _, signal := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		d.Meta.Reset()
		cmd, said := d.start(w)
		d.deliver(message("hello"))
		for end := time.Now().Add(30 * time.Second); len(d.Meta.Replies()) == 0 && time.Now().Before(end); {
			time.Sleep(20 * time.Millisecond)
		}
		if err := cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("after %v: %v: %s", signal, err, said)
		}
		d.wantAnswers(1)
		d.wantFinished()
		d.Watch.See("workers", said.Bytes())
	}
}
