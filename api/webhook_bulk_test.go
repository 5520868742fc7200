package api_test

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"igconnect/internal/deploytest"
	"igconnect/internal/metasim"
)

// bulk is a delivery of several accounts, each with so many messages of ten people, and where given one
// bad message in the middle of the first account's.
func (d deployment) bulk(accounts, messages int, bad ...metasim.Event) []byte {
	var entries []metasim.Entry
	for account := range accounts {
		events := metasim.Batch(messages, func(i int) metasim.Event {
			return metasim.Message(fmt.Sprint(100+i%10), instagramID(account), fmt.Sprint(i))
		})
		if account == 0 {
			events = slices.Insert(events, messages/2, bad...)
		}
		entries = append(entries, metasim.Entry{Account: instagramID(account), Events: events})
	}
	return d.Meta.DeliveryOf(entries...)
}

// wantInbox wants the messages of a bulk delivery, each once, those of a conversation in their order, and
// returns what else is there.
func (d deployment) wantInbox(accounts, messages int) (others []map[string]any) {
	d.T.Helper()
	stored, last := 0, map[string]string{}
	for _, event := range d.Supabase.Inbox() {
		said, _ := event["payload"].(map[string]any)["message"].(map[string]any)
		text, _ := said["text"].(string)
		if event["kind"] != "message" {
			others = append(others, event)
			continue
		}
		conversation := fmt.Sprint(event["account"], "/", event["counterpart"])
		if before := last[conversation]; len(text) < len(before) || len(text) == len(before) && text <= before {
			d.T.Errorf("%s: %s came after %s", conversation, text, before)
		}
		last[conversation], stored = text, stored+1
	}
	if stored != accounts*messages {
		d.T.Errorf("%d messages are stored, want %d", stored, accounts*messages)
	}
	return others
}

// send delivers a body as Meta does, and wants that status.
func (d deployment) send(body []byte, want int) {
	d.T.Helper()
	if status, err := d.Meta.Deliver(d.T.Context(), d.URL+"/api/webhook", body); status != want || err != nil {
		d.T.Errorf("%d, %v, want %d\n%s", status, err, want, d.Watch.Log())
	}
}

// A delivery of any size comes in, in calls of a size that the database is soon done with.
func TestBulkDelivery(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ accounts, messages, most int }{
		"one call": {5, 50, 1}, "Meta's own limit": {7, 143, 5}, "many accounts": {900, 1, 4}, "more than that": {3, 400, 5},
	} {
		parallel(t, name, func(t *testing.T) {
			d := deploy(t)
			d.send(d.bulk(c.accounts, c.messages), http.StatusOK)
			d.wantInbox(c.accounts, c.messages)
			calls := d.ingested()
			for _, call := range calls {
				if len(call) > 250 {
					t.Errorf("%d events in one call", len(call))
				}
			}
			if len(calls) > c.most {
				t.Errorf("%d calls", len(calls))
			}
		})
	}
	parallel(t, "large events", func(t *testing.T) {
		d := deploy(t)
		large := metasim.Batch(5, func(i int) metasim.Event {
			return metasim.Message("9", instagramID(1), fmt.Sprint(10+i)).With("attachments", strings.Repeat("x", 120_000))
		})
		d.send(d.Meta.Delivery(instagramID(1), large...), http.StatusOK)
		d.wantInbox(1, 5)
		for _, request := range d.Supabase.Requests() {
			if len(request.Body) > 600<<10 {
				t.Errorf("%d bytes in one call", len(request.Body))
			}
		}
	})
}

// A delivery that could not be stored in time is not begun anew: what was stored stays, and what comes
// again passes in a few calls. Here three calls go through each time: no number of rounds would do if each
// took up where the first did.
func TestBulkDeliveryGoesOn(t *testing.T) {
	t.Parallel()
	skipShort(t, "waits for the pauses between tries")
	d := deploy(t)
	body, status := d.bulk(3, 500), 0
	for round := 0; status != http.StatusOK; round++ {
		d.Supabase.Fault("ingest", append(make([]http.HandlerFunc, 3), html(502), html(502), html(502))...)
		var err error
		status, err = d.Meta.Deliver(t.Context(), d.URL+"/api/webhook", body)
		stored := len(d.Supabase.Inbox())
		if err != nil || round == 8 || status == http.StatusOK && stored < 1500 {
			t.Fatalf("%d, %v with %d events stored", status, err, stored)
		}
	}
	d.wantInbox(3, 500)
}

// What the database refuses for one event's sake costs no other event. The one is kept without its payload,
// and left out only where even that is refused.
func TestRefusedEvent(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		code   string
		anyway bool // refused without its payload, too
	}{
		"a number out of range": {400, "22003", false}, "a text that cannot be": {400, "22P05", false},
		"a constraint": {409, "23514", false}, "a trigger": {400, "P0001", false},
		"too deep for it": {500, "54001", false}, "too long for an index": {500, "54000", true}, "too large for a proxy": {413, "", false},
		"whatever it holds": {400, "22000", true},
	} {
		parallel(t, name, func(t *testing.T) {
			d := deploy(t)
			bad := metasim.Message("105", instagramID(0), "bad")
			d.Supabase.Refuse(func(event map[string]any) *deploytest.Refusal {
				if event["key"] == "message/"+bad.MID() && (c.anyway || event["kind"] == "message") {
					return &deploytest.Refusal{Status: c.status, Code: c.code}
				}
				return nil
			})
			body := d.bulk(2, 60, bad)
			d.send(body, http.StatusOK)
			kept := d.wantInbox(2, 60)
			if c.anyway {
				if len(kept) != 0 || !strings.Contains(d.Watch.Log(), "left out") {
					t.Errorf("%v\n%s", kept, d.Watch.Log())
				}
				return
			}
			if len(kept) != 1 || kept[0]["kind"] != "unknown" || kept[0]["key"] != "message/"+bad.MID() || kept[0]["counterpart"] != "105" ||
				!strings.Contains(d.Watch.Log(), instagramID(0)+" message: "+cmp.Or(c.code, "Request Entity Too Large")) {
				t.Errorf("%v\n%s", kept, d.Watch.Log())
			}
			d.send(body, http.StatusOK)
			d.wantInbox(2, 60)
		})
	}
}

// While somebody holds the rows of one account the other accounts' events are stored, those of it come
// again, and its order stays.
func TestLockedAccount(t *testing.T) {
	t.Parallel()
	d := deploy(t)
	body := d.bulk(4, 60)
	d.Supabase.Lock(instagramID(1), true)
	d.send(body, http.StatusServiceUnavailable)
	if n := len(d.Supabase.Inbox()); n != 180 {
		t.Errorf("%d events are stored beside the locked account", n)
	}
	if met := d.count("ingest"); met > 10 {
		t.Errorf("%d calls, some of which wait for a second", met)
	}
	d.Supabase.Lock(instagramID(1), false)
	d.send(body, http.StatusOK)
	d.wantInbox(4, 60)
}

// What may pass stops the delivery, and leaves nothing out.
func TestDeliveryWhileTheDatabaseIsBusy(t *testing.T) {
	t.Parallel()
	skipShort(t, "waits for the pauses between tries")
	busy := func(status int, code string) http.HandlerFunc { return reply(status, `{"code":"`+code+`"}`) }
	for name, answer := range map[string]http.HandlerFunc{
		"a lock": busy(500, "55P03"), "a statement's time": busy(500, "57014"), "a deadlock": busy(500, "40P01"),
		"a conflict": busy(500, "40001"), "read-only": busy(405, "25006"), "no connection": busy(504, "PGRST003"),
		"throttled": busy(429, ""), "not paid for": busy(402, ""),
	} {
		parallel(t, name, func(t *testing.T) {
			d := deploy(t)
			d.Supabase.Break("ingest", answer)
			body := d.bulk(1, 20)
			d.send(body, http.StatusServiceUnavailable)
			d.Supabase.Break("ingest", nil)
			d.send(body, http.StatusOK)
			if others := d.wantInbox(1, 20); len(others) > 0 {
				t.Errorf("%v", others)
			}
		})
	}
}
