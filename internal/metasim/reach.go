package metasim

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// ErrNotSubscribed says that Meta would not deliver: the account's Page is not subscribed, or not
// to the event's field.
var ErrNotSubscribed = errors.New("the Page is not subscribed")

// SetDeliverOnFeed says whether a Page that is subscribed to "feed" gets every field. It does by
// default: whether Meta holds it so is unconfirmed.
func (s *Sim) SetDeliverOnFeed(on bool) { s.locked(func() { s.feedIsOnlyFeed = !on }) }

// SetDeliverToAll delivers to accounts whose Page is not subscribed, too.
func (s *Sim) SetDeliverToAll(on bool) { s.locked(func() { s.toAll = on }) }

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
			ID        textOrJSON
			Messaging []wireEvent
			Standby   []wireEvent
			Changes   []struct{ Field string }
		}
	}
	if json.Unmarshal(body, &d) != nil {
		return nil
	}
	var all []delivered
	for _, e := range d.Entry {
		account := string(e.ID)
		for _, event := range e.Messaging {
			all = append(all, event.delivered(account))
		}
		for _, event := range e.Standby {
			event := event.delivered(account)
			event.field = "standby"
			all = append(all, event)
		}
		for _, c := range e.Changes {
			// A Page field in changes is the dashboard's Test button, which asks no Page.
			all = append(all, delivered{account: account, free: slices.Contains(pageFields, c.Field)})
		}
	}
	return all
}

// wireEvent is an item of messaging or standby.
type wireEvent struct {
	Sender    struct{ ID textOrJSON }
	Timestamp textOrJSON
	Message   *struct {
		IsEcho    bool `json:"is_echo"`
		IsDeleted bool `json:"is_deleted"`
	}
	MessageEdit json.RawMessage `json:"message_edit"`
	Reaction    json.RawMessage
	Postback    json.RawMessage
	Referral    json.RawMessage
}

func (e wireEvent) delivered(account string) delivered {
	d := delivered{account: account, from: string(e.Sender.ID), at: e.Timestamp.time()}
	switch {
	case e.Message != nil:
		d.field, d.opens = kindFields["message"], !e.Message.IsEcho && !e.Message.IsDeleted
	case e.Postback != nil:
		d.field, d.opens = kindFields["postback"], true
	case e.MessageEdit != nil:
		d.field = kindFields["message_edit"]
	case e.Reaction != nil:
		d.field = kindFields["reaction"]
	case e.Referral != nil:
		d.field = kindFields["referral"]
	}
	return d
}

// time reads seconds or milliseconds; above 1e11 they are milliseconds (as seconds that would be
// the year 5138).
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

// admit returns ErrNotSubscribed unless all events reach their accounts, and else opens the reply
// windows of their senders.
func (s *Sim) admit(all []delivered) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range all {
		if page := s.pageOfAccount(d.account); page != "" && !s.reaches(page, d) {
			return fmt.Errorf("delivering to account %s, field %q: %w", d.account, d.field, ErrNotSubscribed)
		}
	}
	now := s.Now()
	for _, d := range all {
		if page := s.pageOfAccount(d.account); page != "" && d.opens {
			s.lastWritten.note(page, d, now)
		}
	}
	return nil
}

// reaches reports whether the subscription of the Page carries d.
func (s *Sim) reaches(page string, d delivered) bool {
	fields := s.subscriptions[page]
	switch {
	case s.toAll, d.free:
		return true
	case d.field == "":
		return len(fields) > 0
	}
	return slices.Contains(fields, d.field) || !s.feedIsOnlyFeed && slices.Contains(fields, "feed")
}

// pageOfAccount returns the id of the Page that has the account, or that is the account's id
// itself; "" if no person has it.
func (s *Sim) pageOfAccount(id string) string {
	page := s.findPage(func(p *Page) bool { return p.ID == id || p.Instagram != nil && p.Instagram.ID == id })
	if page == nil {
		return ""
	}
	return page.ID
}
