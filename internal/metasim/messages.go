package metasim

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// ErrNotSubscribed says that Meta would not deliver: the account's Page is not subscribed, or not
// to the event's field.
var ErrNotSubscribed = errors.New("the Page is not subscribed")

// delivered is what the Sim has to know of an event in a delivery.
type delivered struct {
	account string // the entry's id
	field   string // the Page field that carries it; "": any
	from    string
	at      time.Time // zero: not told
	opens   bool      // it opens the window in which from may be answered
	free    bool      // needs no subscription
}

// parseDelivery reads a body that goes out. It is read, not remembered from Delivery, because
// tests change bodies. A body of another shape has no events.
func parseDelivery(body []byte) []delivered {
	var d struct {
		Entry []struct {
			ID                 textOrJSON
			Messaging, Standby []delivered
			Changes            []struct{ Field string }
		}
	}
	if json.Unmarshal(body, &d) != nil {
		return nil
	}
	var all []delivered
	for _, e := range d.Entry {
		for i := range e.Standby {
			e.Standby[i].field = "standby"
		}
		for _, c := range e.Changes {
			// A Page field in changes is the dashboard's Test button, which asks no Page.
			e.Messaging = append(e.Messaging, delivered{free: slices.Contains(pageFields, c.Field)})
		}
		for _, event := range slices.Concat(e.Messaging, e.Standby) {
			event.account = string(e.ID)
			all = append(all, event)
		}
	}
	return all
}

// UnmarshalJSON reads an item of messaging or standby.
func (d *delivered) UnmarshalJSON(raw []byte) error {
	var event struct {
		Sender    struct{ ID textOrJSON }
		Timestamp textOrJSON
		Message   struct {
			IsEcho    bool `json:"is_echo"`
			IsDeleted bool `json:"is_deleted"`
		}
	}
	var members map[string]json.RawMessage
	if err := cmp.Or(json.Unmarshal(raw, &event), json.Unmarshal(raw, &members)); err != nil {
		return err
	}
	d.from, d.at = string(event.Sender.ID), event.Timestamp.time()
	for kind, field := range kindFields {
		if members[kind] != nil {
			d.field = field
			d.opens = kind == "postback" || kind == "message" && !event.Message.IsEcho && !event.Message.IsDeleted
		}
	}
	return nil
}

// time reads seconds or milliseconds; above 1e11 they are milliseconds (as seconds that would be
// the year 5138). What is neither is the zero time.
func (t textOrJSON) time() time.Time {
	n, err := strconv.ParseInt(string(t), 10, 64)
	switch {
	case err != nil:
		return time.Time{}
	case n > 1e11:
		return time.UnixMilli(n)
	}
	return time.Unix(n, 0)
}

// writer names a person who wrote to a Page. The id of a Page has no slash.
func writer(page, person string) string { return page + "/" + person }

// admit returns ErrNotSubscribed unless all events reach their accounts, and else opens the reply
// windows of their senders.
func (s *Sim) admit(all []delivered) error {
	s.mu.Lock()
	defer s.unlock()
	now, written := s.Now(), map[string]time.Time{}
	for _, d := range all {
		page := s.pageOfAccount(d.account)
		if page != "" && !s.reaches(page, d) {
			return fmt.Errorf("delivering to account %s, field %q: %w", d.account, d.field, ErrNotSubscribed)
		}
		if page == "" || !d.opens {
			continue
		}
		if d.at.IsZero() || d.at.After(now) {
			d.at = now
		}
		if key := writer(page, d.from); d.at.After(written[key]) && d.at.After(s.lastWritten[key]) {
			written[key] = d.at
		}
	}
	maps.Copy(s.lastWritten, written)
	return nil
}

// reaches reports whether the subscription of the Page carries d. Whether "feed" carries every
// field, as here, is unconfirmed.
func (s *Sim) reaches(page string, d delivered) bool {
	fields := s.subscriptions[page]
	if d.field == "" {
		return d.free || len(fields) > 0
	}
	return slices.Contains(fields, d.field) || slices.Contains(fields, "feed")
}

// pageOfAccount returns the id of the Page that has the account, or that is the account's id
// itself; "" if no person has it.
func (s *Sim) pageOfAccount(id string) string {
	for _, page := range s.allPages() {
		if page.ID == id || page.Instagram != nil && page.Instagram.ID == id {
			return page.ID
		}
	}
	return ""
}

// replyWindow is how long after a person's last message an account may answer.
const replyWindow = 24 * time.Hour

// Reply is a message that an account sent through the Graph API.
type Reply struct {
	PageID    string
	Recipient string // the person's Instagram-scoped id
	Text      string // "" where only attachments were sent
	Token     string // the Page token that it came with
	MessageID string
	At        time.Time // by Sim.Now
}

// Replies returns the messages sent so far, in order. Those refused are not among them; Requests
// has them all.
func (s *Sim) Replies() []Reply { return read(s, func() []Reply { return slices.Clone(s.replies) }) }

// sendMessage serves POST /{page-id}/messages. Nobody gets the message: Replies keeps it.
func (s *Sim) sendMessage(c *call) (any, error) {
	var to struct{ ID string }
	var message struct {
		Text                    string
		Attachment, Attachments json.RawMessage
	}
	switch {
	case !c.consent.has("instagram_manage_messages") || !c.consent.shares(c.id):
		return nil, errorf(10, "(#10) This endpoint requires the 'instagram_manage_messages' permission.")
	case json.Unmarshal([]byte(c.param("recipient")), &to) != nil || to.ID == "":
		return nil, errorf(100, "(#100) The parameter recipient is required")
	case json.Unmarshal([]byte(c.param("message")), &message) != nil ||
		message.Text == "" && message.Attachment == nil && message.Attachments == nil:
		return nil, errorf(100, "(#100) The parameter message is required")
	}
	// As long as nobody has written to any account, everybody may be written to: so calls can be
	// tested without deliveries.
	at, wrote := s.lastWritten[writer(c.id, to.ID)]
	if len(s.lastWritten) > 0 && (!wrote || c.now.Sub(at) > replyWindow) {
		const text = "(#10) This message is sent outside of allowed window."
		return nil, &apiError{Code: 10, Subcode: 2534022, Message: text}
	}
	id := newMID()
	s.replies = append(s.replies, Reply{
		PageID: c.id, Recipient: to.ID, Text: message.Text, Token: c.token.Value, MessageID: id, At: c.now,
	})
	return object{"recipient_id": to.ID, "message_id": id}, nil
}

// newMID makes a message id up.
func newMID() string { return "aWdf" + random(letters, 60) }
