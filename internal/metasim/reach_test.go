package metasim

import (
	"errors"
	"strings"
	"sync"
	"testing"
)

// subscribed makes a rig whose Page 901 is subscribed to the fields.
func subscribed(t *testing.T, fields ...string) *rig {
	r := newRig(t)
	if len(fields) > 0 {
		token := r.pageTokenFor("901", "pages_manage_metadata", "pages_messaging")
		r.call("POST", "/901/subscribed_apps", token, "subscribed_fields", strings.Join(fields, ",")).want(t, 200, 0, 0, "")
	}
	return r
}

// Deliveries reach accounts whose Page is subscribed to the field.
func TestReach(t *testing.T) {
	tests := []struct {
		name    string
		fields  []string
		account string
		event   Event
		reached bool
	}{
		{"not subscribed", nil, "17841001", hello(), false},
		{"an account that is nobody's", nil, "17849999", hello(), true},
		{"the field", []string{"messages"}, "17841001", hello(), true},
		{"by the Page's id", []string{"messages"}, "901", hello(), true},
		{"by the Page's id, not subscribed", nil, "901", hello(), false},
		{"numeric ids", nil, "17841001", hello().NumericIDs(), false},
		{"another field", []string{"messages"}, "17841001", hello().Reaction("react"), false},
		{"feed", []string{"feed"}, "17841001", hello(), true},
		{"another Page's account", []string{"messages"}, "17841003", hello(), false},
		{"echo", []string{"messages"}, "17841001", Echo("17841001", "5614", "x"), true},
		{"deleted", []string{"messages"}, "17841001", hello().Deleted(), true},
		{"edit", []string{"message_edits"}, "17841001", hello().Edit(1, "x"), true},
		{"edit, messages only", []string{"messages"}, "17841001", hello().Edit(1, "x"), false},
		{"reaction", []string{"message_reactions"}, "17841001", hello().Reaction("unreact"), true},
		{"postback", []string{"messaging_postbacks"}, "17841001", Postback("1", "2", "x", "y"), true},
		{"referral", []string{"messaging_referrals"}, "17841001", Referral("1", "2", "x"), true},
		{"standby", []string{"standby"}, "17841001", Standby(hello()), true},
		{"standby, messages only", []string{"messages"}, "17841001", Standby(hello()), false},
		{"no Page field: any will do", []string{"name"}, "17841001", hello().Read(), true},
		{"no Page field: none", nil, "17841001", hello().Read(), false},
		{"comment", []string{"messages"}, "17841001", Comment("5614", "x"), true},
		{"comment, not subscribed", nil, "17841001", Comment("5614", "x"), false},
		{"the Test button", nil, "17841001", TestMessage(), true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, h := subscribed(t, tt.fields...), newHook(t)
			err := r.DeliverUntilAcknowledged(t.Context(), h.url, r.Delivery(tt.account, tt.event), 3, 0)
			switch {
			case tt.reached && (err != nil || len(h.got) != 1):
				t.Errorf("not delivered: %v", err)
			case !tt.reached && (!errors.Is(err, ErrNotSubscribed) || !strings.Contains(err.Error(), "after 1 of 3 tries") || len(h.got) != 0):
				t.Errorf("error %v, %d requests", err, len(h.got))
			}
		})
	}
}

// One entry that reaches nobody stops the delivery, and its senders have not
// written.
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
			if _, err := r.Deliver(t.Context(), h.url, body); err != nil {
				t.Error(err)
			}
			if a := r.call("POST", "/901/messages", token, "recipient", `{"id":"5614"}`, "message", `{"text":"thanks"}`); a.status != 200 {
				t.Errorf("answering: %s", a.body)
			}
			r.SetLatency(0)
			r.Replies()
		})
	}
	all.Wait()
	if len(h.got) != 8 || len(r.Replies()) != 8 {
		t.Errorf("%d deliveries, %d replies", len(h.got), len(r.Replies()))
	}
}
