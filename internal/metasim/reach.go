package metasim

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// ErrNotSubscribed says that Meta would not deliver: the account's Page is not
// subscribed, or not to the event's field.
var ErrNotSubscribed = errors.New("the Page is not subscribed")

// SetDeliverOnFeed says whether a Page that is subscribed to "feed" gets every
// field. It does by default: whether Meta holds it so is unconfirmed.
func (s *Sim) SetDeliverOnFeed(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notOnFeed = !on
}

// SetDeliverToAll delivers to accounts whose Page is not subscribed, too.
func (s *Sim) SetDeliverToAll(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.toAll = on
}

// news is what the Sim has to know of an event in a delivery.
type news struct {
	account string // the entry's id
	field   string // the Page field that carries it; "": any
	from    string
	at      time.Time // zero: not told
	writes  bool      // it opens the window in which from may be answered
	free    bool      // needs no subscription
}

// readDelivery reads a body that goes out. It is read, not remembered from
// Delivery, because tests change bodies. A body of another shape has no news.
func readDelivery(body []byte) []news {
	var d struct {
		Entry []struct {
			ID        looseText
			Messaging []wireEvent
			Standby   []wireEvent
			Changes   []struct{ Field string }
		}
	}
	if json.Unmarshal(body, &d) != nil {
		return nil
	}
	var all []news
	for _, e := range d.Entry {
		for _, event := range e.Messaging {
			all = append(all, event.news(string(e.ID)))
		}
		for _, event := range e.Standby {
			n := event.news(string(e.ID))
			n.field = "standby"
			all = append(all, n)
		}
		for _, c := range e.Changes {
			// A Page field in changes is the dashboard's Test button, which asks no Page.
			_, test := pageFields[c.Field]
			all = append(all, news{account: string(e.ID), free: test})
		}
	}
	return all
}

// wireEvent is an item of messaging or standby.
type wireEvent struct {
	Sender    struct{ ID looseText }
	Timestamp looseText
	Message   *struct {
		IsEcho    bool `json:"is_echo"`
		IsDeleted bool `json:"is_deleted"`
	}
	MessageEdit json.RawMessage `json:"message_edit"`
	Reaction    json.RawMessage
	Postback    json.RawMessage
	Referral    json.RawMessage
}

func (e wireEvent) news(account string) news {
	n := news{account: account, from: string(e.Sender.ID), at: e.Timestamp.time()}
	kind := ""
	switch {
	case e.Message != nil:
		kind, n.writes = "message", !e.Message.IsEcho && !e.Message.IsDeleted
	case e.Postback != nil:
		kind, n.writes = "postback", true
	case e.MessageEdit != nil:
		kind = "message_edit"
	case e.Reaction != nil:
		kind = "reaction"
	case e.Referral != nil:
		kind = "referral"
	}
	n.field = kindFields[kind]
	return n
}

// looseText is a JSON string or number.
type looseText string

// UnmarshalJSON takes whatever is no string as it is written.
func (t *looseText) UnmarshalJSON(raw []byte) error {
	if raw[0] != '"' {
		*t = looseText(raw)
		return nil
	}
	return json.Unmarshal(raw, (*string)(t))
}

// time reads seconds or milliseconds; above 1e11 they are milliseconds (as
// seconds that would be the year 5138).
func (t looseText) time() time.Time {
	n, err := strconv.ParseInt(string(t), 10, 64)
	switch {
	case err != nil:
		return time.Time{}
	case n > 1e11:
		return time.UnixMilli(n)
	}
	return time.Unix(n, 0)
}

// tell checks that all of it reaches somebody and notes who has written.
func (s *Sim) tell(all []news) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range all {
		if page := s.pageOfAccount(n.account); page != "" && !s.reaches(page, n) {
			return fmt.Errorf("delivering to account %s, field %q: %w", n.account, n.field, ErrNotSubscribed)
		}
	}
	now := s.Now()
	for _, n := range all {
		if page := s.pageOfAccount(n.account); page != "" && n.writes {
			s.noteWritten(page, n, now)
		}
	}
	return nil
}

// reaches reports whether the subscription of the Page carries n.
func (s *Sim) reaches(page string, n news) bool {
	fields := s.subscriptions[page]
	switch {
	case s.toAll, n.free:
		return true
	case n.field == "":
		return len(fields) > 0
	}
	return slices.Contains(fields, n.field) || !s.notOnFeed && slices.Contains(fields, "feed")
}

// pageOfAccount returns the id of the Page that has the account, or that is
// the account's id itself; "" if no person has it.
func (s *Sim) pageOfAccount(id string) string {
	for i := range s.people {
		for _, page := range s.people[i].everyPage() {
			if page.ID == id || page.Instagram != nil && page.Instagram.ID == id {
				return page.ID
			}
		}
	}
	return ""
}
