package metasim

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const recipient, thanks = `{"id":"5614"}`, `{"text":"Thänks"}`

// Parameters come in a form or, as usual, as JSON with everything but the proof in the body.
func TestMessages(t *testing.T) {
	const image = `{"attachment":{"type":"image","payload":{"url":"https://example.com/a.jpg"}}}`
	r := newRig(t)
	token := r.pageTokenFor("901", "instagram_manage_messages")
	asJSON := "/v24.0/me/messages?appsecret_proof=" + proofOf(token, testSecret)
	for text, a := range map[string]reply{
		"Thänks": r.call("POST", "/901/messages", token, "recipient", recipient, "message", thanks),
		"":       r.send("POST", asJSON, token, "application/json", `{"recipient":`+recipient+`,"message":`+image+`}`),
	} {
		a.want(t, 200, 0, 0, "")
		a.has(t, "recipient_id", "5614")
		want := Reply{PageID: "901", Recipient: "5614", Text: text, Token: token, MessageID: a.at("message_id").(string), At: start}
		if got := r.Replies(); len(got) != 2 || !slices.Contains(got, want) {
			t.Errorf("kept %+v, want %+v", got, want)
		}
	}
	if r.Reset(); r.Replies() != nil {
		t.Errorf("kept over Reset: %v", r.Replies())
	}
}

func TestMessagesRefused(t *testing.T) {
	r := newRig(t)
	user := r.Grant(Grant{Scopes: []string{"pages_show_list", "instagram_manage_messages"}})
	token := r.pageToken("901", user)
	for _, tt := range []struct {
		name, path, token, recipient, message string
		status, code, subcode                 int
		problem                               string
	}{
		{"no recipient", "/901", token, "", thanks, 400, 100, 0, "recipient"},
		{"a recipient without id", "/901", token, `{}`, thanks, 400, 100, 0, "recipient"},
		{"a bare id", "/901", token, "5614", thanks, 400, 100, 0, "recipient"},
		{"no message", "/901", token, recipient, "", 400, 100, 0, "message"},
		{"an empty text", "/901", token, recipient, `{"text":""}`, 400, 100, 0, "message"},
		{"a bare text", "/901", token, recipient, "Hello", 400, 100, 0, "message"},
		{"the user's token", "/901", user, recipient, thanks, 403, 210, 0, "page access token"},
		{"another Page's token", "/903", token, recipient, thanks, 400, 100, 33, "does not exist"},
		{"no token", "/901", "", recipient, thanks, 400, 104, 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r.call("POST", tt.path+"/messages", tt.token, "recipient", tt.recipient, "message", tt.message).want(t, tt.status, tt.code, tt.subcode, tt.problem)
		})
	}
	r.do("POST", "/v24.0/901/messages", token, map[string][]string{"recipient": {recipient}, "message": {thanks}}).want(t, 400, 100, 0, "appsecret_proof")
	r.call("POST", "/901/messages", r.pageTokenFor("901"), "recipient", recipient, "message", thanks).want(t, 403, 10, 0, "instagram_manage_messages")
	if got := r.Replies(); got != nil {
		t.Errorf("kept what was refused: %v", got)
	}
}

// Who has written may be answered for 24 hours of the Sim's clock.
func TestMessagesWindow(t *testing.T) {
	of, now := New(Config{}).Delivery, hello().At(start)
	at := func(seconds string) []byte {
		return []byte(`{"entry":[{"id":17841001,"messaging":[{"sender":{"id":5614},"timestamp":` + seconds + `,"message":{}}]}]}`)
	}
	for _, tt := range []struct {
		name  string
		body  []byte
		later time.Duration
		open  bool
	}{
		{"at once", of("17841001", now), 0, true},
		{"by the Page's id", of("901", now), 0, true},
		{"numeric ids", at("1773480413000"), 0, true},
		{"in seconds", at("1773480413"), 24 * time.Hour, true},
		{"after 24 hours", of("17841001", now), 24 * time.Hour, true},
		{"after more", of("17841001", now), 24*time.Hour + time.Second, false},
		{"an old message", of("17841001", hello().At(start.Add(-25*time.Hour))), 0, false},
		{"a message from the future", of("17841001", hello().At(start.AddDate(974, 0, 0))), 24*time.Hour + time.Second, false},
		{"in standby", standby(of("17841001", now)), 0, true},
		{"a postback", of("17841001", Postback("5614", "17841001", "x", "y").At(start)), 0, true},
		{"somebody else", of("17841001", Message("5615", "17841001", "Hi").At(start)), 0, false},
		{"to another account", of("17841003", now), 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, h := subscribed(t, "feed"), newHook(t, 503) // failing to deliver unwrites nothing
			r.Sim.subscriptions["903"] = []string{"feed"}
			token := r.pageTokenFor("901", "instagram_manage_messages")
			must(r.Deliver(t.Context(), h.url, tt.body))
			r.Jump(tt.later)
			a := r.call("POST", "/901/messages", token, "recipient", recipient, "message", thanks)
			if tt.open {
				a.want(t, 200, 0, 0, "")
			} else {
				a.want(t, 403, 10, 2534022, "outside of allowed window")
			}
			if got := len(r.Replies()) == 1; got != tt.open {
				t.Errorf("replies %v", r.Replies())
			}
		})
	}
}

// What is no writing opens no window, and a late old message closes none.
func TestMessagesWindowKept(t *testing.T) {
	r, h := subscribed(t, "feed"), newHook(t)
	token := r.pageTokenFor("901", "instagram_manage_messages")
	answer := func(to string) reply {
		return r.call("POST", "/901/messages", token, "recipient", `{"id":"`+to+`"}`, "message", thanks)
	}
	other := Message("77", "17841001", "Hi")
	must(r.Deliver(t.Context(), h.url, r.Delivery("17841001", hello().At(start), hello().At(start.Add(-48*time.Hour)),
		other.Reaction("react").At(start), other.Edit(1, "x").At(start), other.Deleted().At(start), Echo("77", "17841001", "x").At(start),
		Change("messages", object{"sender": object{"id": "12334"}, "message": object{"mid": "m9"}}))))
	answer("5614").want(t, 200, 0, 0, "")
	body := string(r.Delivery("17841001", Message("78", "17841001", "Hi").At(sent)))
	must(r.Deliver(t.Context(), h.url, []byte(strings.Replace(body, "1668022333735", `"soon"`, 1)))) // untimed
	answer("78").want(t, 200, 0, 0, "")
	answer("77").want(t, 403, 10, 2534022, "")
	answer("12334").want(t, 403, 10, 2534022, "")
}

// subscribed makes a rig whose Page 901 is subscribed to the fields.
func subscribed(t *testing.T, fields ...string) *rig {
	r := newRig(t)
	if fields != nil {
		token := r.pageTokenFor("901", "pages_manage_metadata", "pages_messaging")
		r.call("POST", "/901/subscribed_apps", token, "subscribed_fields", strings.Join(fields, ",")).want(t, 200, 0, 0, "")
	}
	return r
}

// standby is the delivery as an app gets it that does not own the thread.
func standby(body []byte) []byte {
	return bytes.Replace(body, []byte("messaging"), []byte("standby"), 1)
}

// Deliveries reach accounts whose Page is subscribed to the field.
func TestReach(t *testing.T) {
	of := New(Config{}).Delivery
	for _, tt := range []struct {
		name    string
		fields  []string
		body    []byte
		reached bool
	}{
		{"not subscribed", nil, of("17841001", hello()), false},
		{"an account that is nobody's", nil, of("17849999", hello()), true},
		{"the field", []string{"messages"}, of("17841001", hello()), true},
		{"by the Page's id", []string{"messages"}, of("901", hello()), true},
		{"by the Page's id, not subscribed", nil, of("901", hello()), false},
		{"numeric ids", nil, []byte(`{"entry":[{"id":17841001,"messaging":[{"message":{}}]}]}`), false},
		{"another field", []string{"messages"}, of("17841001", hello().Reaction("react")), false},
		{"feed", []string{"feed"}, of("17841001", hello()), true},
		{"another Page's account", []string{"messages"}, of("17841003", hello()), false},
		{"echo", []string{"messages"}, of("17841001", Echo("17841001", "5614", "x")), true},
		{"deleted", []string{"messages"}, of("17841001", hello().Deleted()), true},
		{"edit", []string{"message_edits"}, of("17841001", hello().Edit(1, "x")), true},
		{"edit, messages only", []string{"messages"}, of("17841001", hello().Edit(1, "x")), false},
		{"reaction", []string{"message_reactions"}, of("17841001", hello().Reaction("unreact")), true},
		{"postback", []string{"messaging_postbacks"}, of("17841001", Postback("1", "2", "x", "y")), true},
		{"referral", []string{"messaging_referrals"}, of("17841001", Referral("1", "2", "x")), true},
		{"standby", []string{"standby"}, standby(of("17841001", hello())), true},
		{"standby, messages only", []string{"messages"}, standby(of("17841001", hello())), false},
		{"no Page field: any will do", []string{"name"}, of("17841001", hello().Read()), true},
		{"no Page field: none", nil, of("17841001", hello().Read()), false},
		{"comment", []string{"messages"}, of("17841001", Comment("5614", "x")), true},
		{"comment, not subscribed", nil, of("17841001", Comment("5614", "x")), false},
		{"the Test button", nil, of("17841001", Change("messages", object{"message": object{"mid": "random_mid"}})), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, h := subscribed(t, tt.fields...), newHook(t)
			err := r.DeliverUntilAcknowledged(t.Context(), h.url, tt.body, 3, 0)
			switch {
			case tt.reached && (err != nil || len(h.got) != 1):
				t.Errorf("not delivered: %v", err)
			case !tt.reached && (!errors.Is(err, ErrNotSubscribed) || !strings.Contains(err.Error(), "after 1 of 3 tries") || len(h.got) != 0):
				t.Errorf("error %v, %d requests", err, len(h.got))
			}
		})
	}
}

// One entry that reaches nobody stops the delivery, and its senders have not written.
func TestReachPartly(t *testing.T) {
	r, h := subscribed(t, "messages"), newHook(t)
	body := r.DeliveryOf(Entry{"17841001", sent, []Event{hello()}}, Entry{"17841003", sent, []Event{hello()}})
	if _, err := r.Deliver(t.Context(), h.url, body); !errors.Is(err, ErrNotSubscribed) || !strings.Contains(err.Error(), "17841003") {
		t.Errorf("error %v", err)
	}
	if len(h.got) != 0 || len(r.lastWritten) != 0 {
		t.Errorf("%d requests, %v have written", len(h.got), r.lastWritten)
	}
}

// Deliveries, answers and settings at the same time; for the race detector.
func TestConcurrentDeliveries(t *testing.T) {
	r, h := subscribed(t, "messages"), newHook(t)
	token := r.pageTokenFor("901", "instagram_manage_messages", "pages_manage_metadata", "pages_messaging")
	body := r.Delivery("17841001", hello().At(start))
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			must(r.Deliver(t.Context(), h.url, body))
			r.call("POST", "/901/messages", token, "recipient", recipient, "message", thanks).want(t, 200, 0, 0, "")
			r.SetLatency(0)
			r.Replies()
		})
	}
	all.Wait()
	if len(h.got) != 8 || len(r.Replies()) != 8 {
		t.Errorf("%d deliveries, %d replies", len(h.got), len(r.Replies()))
	}
}
