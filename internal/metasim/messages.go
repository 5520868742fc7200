package metasim

import (
	"encoding/json"
	"slices"
	"time"
)

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
func (s *Sim) Replies() []Reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.replies)
}

// lastWritten are the times at which people last wrote, by Page and by person.
type lastWritten map[string]map[string]time.Time

// note keeps when d's sender wrote to the Page; a time that is missing or still to come counts as
// now.
func (l lastWritten) note(page string, d delivered, now time.Time) {
	at := d.at
	if at.IsZero() || at.After(now) {
		at = now
	}
	if l[page] == nil {
		l[page] = map[string]time.Time{}
	}
	if at.After(l[page][d.from]) {
		l[page][d.from] = at
	}
}

// sendMessage serves POST /{page-id}/messages. Nobody gets the message: Replies keeps it.
func (s *Sim) sendMessage(a access) (any, error) {
	var to struct{ ID string }
	var message struct {
		Text                    string
		Attachment, Attachments json.RawMessage
	}
	switch {
	case !a.consent.has("instagram_manage_messages") || !a.consent.shares(a.id):
		return nil, errorf(10, "(#10) This endpoint requires the 'instagram_manage_messages' permission.")
	case json.Unmarshal([]byte(a.param("recipient")), &to) != nil || to.ID == "":
		return nil, errorf(100, "(#100) The parameter recipient is required")
	case json.Unmarshal([]byte(a.param("message")), &message) != nil ||
		message.Text == "" && message.Attachment == nil && message.Attachments == nil:
		return nil, errorf(100, "(#100) The parameter message is required")
	}
	// As long as nobody has written to any account, everybody may be written to: so calls can be
	// tested without deliveries.
	at, wrote := s.lastWritten[a.id][to.ID]
	if len(s.lastWritten) > 0 && (!wrote || a.now.Sub(at) > replyWindow) {
		const text = "(#10) This message is sent outside of allowed window."
		return nil, &apiError{Code: 10, Subcode: 2534022, Message: text}
	}
	id := newMID()
	s.replies = append(s.replies, Reply{
		PageID: a.id, Recipient: to.ID, Text: message.Text, Token: a.token.value, MessageID: id, At: a.now,
	})
	return object{"recipient_id": to.ID, "message_id": id}, nil
}

// newMID makes a message id up.
func newMID() string { return "aWdf" + random(letters, 60) }
