package metasim

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const recipient, thanks = `{"id":"5614"}`, `{"text":"Thänks"}`

func TestMessages(t *testing.T) {
	r := newRig(t)
	token := r.pageTokenFor("901", "instagram_manage_messages")
	a := r.call("POST", "/901/messages", token, "recipient", recipient, "message", thanks)
	a.want(t, 200, 0, 0, "")
	id, ok := a.at("message_id").(string)
	if !ok || a.at("recipient_id") != "5614" {
		t.Errorf("got %s", a.body)
	}
	want := []Reply{{PageID: "901", Recipient: "5614", Text: "Thänks", Token: token, MessageID: id, At: start}}
	if diff := cmp.Diff(want, r.Replies()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if r.Reset(); r.Replies() != nil {
		t.Errorf("kept over Reset: %v", r.Replies())
	}
}

// The usual form: JSON, with everything but the proof in the body.
func TestMessagesJSON(t *testing.T) {
	r := newRig(t)
	token := r.pageTokenFor("901", "instagram_manage_messages")
	body := `{"recipient":` + recipient + `,"message":{"attachment":{"type":"image","payload":{"url":"https://example.com/a.jpg"}}}}`
	req, _ := http.NewRequest("POST", r.url+"/v24.0/me/messages?appsecret_proof="+proofOf(token, testSecret), strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if got := r.Replies(); res.StatusCode != 200 || len(got) != 1 || got[0].PageID != "901" || got[0].Recipient != "5614" || got[0].Text != "" {
		t.Errorf("status %d, replies %+v", res.StatusCode, got)
	}
}

func TestMessagesRefused(t *testing.T) {
	r := newRig(t)
	user := r.Grant(Grant{Scopes: []string{"pages_show_list", "instagram_manage_messages"}})
	token := r.pageToken("901", user)
	tests := []struct {
		name, path, token  string
		recipient, message string
		status, code       int
		problem            string
	}{
		{"no recipient", "/901", token, "", thanks, 400, 100, "recipient"},
		{"a recipient without id", "/901", token, `{}`, thanks, 400, 100, "recipient"},
		{"a bare id", "/901", token, "5614", thanks, 400, 100, "recipient"},
		{"no message", "/901", token, recipient, "", 400, 100, "message"},
		{"an empty text", "/901", token, recipient, `{"text":""}`, 400, 100, "message"},
		{"a bare text", "/901", token, recipient, "Hello", 400, 100, "message"},
		{"the user's token", "/901", user, recipient, thanks, 403, 210, "page access token"},
		{"another Page's token", "/903", token, recipient, thanks, 400, 100, "does not exist"},
		{"no token", "/901", "", recipient, thanks, 400, 104, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			subcode := 0
			if tt.path != "/901" {
				subcode = 33
			}
			r.call("POST", tt.path+"/messages", tt.token, "recipient", tt.recipient, "message", tt.message).want(t, tt.status, tt.code, subcode, tt.problem)
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
	from := func(e Event, at time.Time) Event { return e.At(at) }
	tests := []struct {
		name    string
		account string
		event   Event
		later   time.Duration
		open    bool
	}{
		{"at once", "17841001", from(hello(), start), 0, true},
		{"by the Page's id", "901", from(hello(), start), 0, true},
		{"numeric ids", "17841001", from(hello(), start).NumericIDs(), 0, true},
		{"in seconds", "17841001", from(hello(), start).Seconds(), 24 * time.Hour, true},
		{"after 24 hours", "17841001", from(hello(), start), 24 * time.Hour, true},
		{"after more", "17841001", from(hello(), start), 24*time.Hour + time.Second, false},
		{"an old message", "17841001", from(hello(), start.Add(-25*time.Hour)), 0, false},
		{"a message from the future", "17841001", from(hello(), start.AddDate(974, 0, 0)), 24*time.Hour + time.Second, false},
		{"in standby", "17841001", Standby(from(hello(), start)), 0, true},
		{"a postback", "17841001", Postback("5614", "17841001", "x", "y").At(start), 0, true},
		{"somebody else", "17841001", Message("5615", "17841001", "Hi").At(start), 0, false},
		{"to another account", "17841003", from(hello(), start), 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, h := subscribed(t, "feed"), newHook(t, 503) // failing to deliver unwrites nothing
			r.Sim.subscriptions["903"] = []string{"feed"}
			token := r.pageTokenFor("901", "instagram_manage_messages")
			if _, err := r.Deliver(t.Context(), h.url, r.Delivery(tt.account, tt.event)); err != nil {
				t.Fatal(err)
			}
			r.pass(tt.later)
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
	deliver := func(events ...Event) {
		if _, err := r.Deliver(t.Context(), h.url, r.Delivery("17841001", events...)); err != nil {
			t.Fatal(err)
		}
	}
	answer := func(to string) reply {
		return r.call("POST", "/901/messages", token, "recipient", `{"id":"`+to+`"}`, "message", thanks)
	}
	other := Message("77", "17841001", "Hi")
	deliver(hello().At(start), hello().At(start.Add(-48*time.Hour)),
		other.Reaction("react").At(start), other.Edit(1, "x").At(start), other.Deleted().At(start), Echo("77", "17841001", "x").At(start),
		AsChange(other.At(start)), TestMessage())
	answer("5614").want(t, 200, 0, 0, "")
	untimed := bytes.Replace(r.Delivery("17841001", Message("78", "17841001", "Hi").At(sent)), []byte(`"timestamp":1668022333735`), []byte(`"timestamp":"soon"`), 1)
	if _, err := r.Deliver(t.Context(), h.url, untimed); err != nil {
		t.Fatal(err)
	}
	answer("78").want(t, 200, 0, 0, "")
	answer("77").want(t, 403, 10, 2534022, "")
	answer("12334").want(t, 403, 10, 2534022, "")
}
