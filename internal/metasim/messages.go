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

// Replies returns the messages sent so far, in order. Those refused are not
// among them; Requests has them all.
func (s *Sim) Replies() []Reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.replies)
}

// writers are the times at which people last wrote, by Page and by person.
type writers map[string]map[string]time.Time

// noteWritten keeps when n.from last wrote to the Page; a time that is missing
// or still to come counts as now.
func (s *Sim) noteWritten(page string, n news, now time.Time) {
	at := n.at
	if at.IsZero() || at.After(now) {
		at = now
	}
	if s.written[page] == nil {
		s.written[page] = map[string]time.Time{}
	}
	if at.After(s.written[page][n.from]) {
		s.written[page][n.from] = at
	}
}

// sendMessage serves POST /{page-id}/messages. Nobody gets the message:
// Replies keeps it.
func (s *Sim) sendMessage(c *call) (any, error) {
	v, err := s.pageOf(c)
	if err != nil {
		return nil, err
	}
	if !v.consent.has("instagram_manage_messages") || !v.consent.shares(c.id) {
		return nil, &fault{code: 10, message: "(#10) This endpoint requires the 'instagram_manage_messages' permission."}
	}
	reply := Reply{PageID: c.id, Token: v.token.value, MessageID: newMID(), At: c.now}
	if reply.Recipient, reply.Text, err = c.message(); err != nil {
		return nil, err
	}
	if err := s.checkWindow(reply); err != nil {
		return nil, err
	}
	s.replies = append(s.replies, reply)
	return object{"recipient_id": reply.Recipient, "message_id": reply.MessageID}, nil
}

// message reads what the call sends, and to whom.
func (c *call) message() (recipient, text string, err error) {
	var to struct{ ID string }
	if json.Unmarshal([]byte(c.param("recipient")), &to) != nil || to.ID == "" {
		return "", "", &fault{code: 100, message: "(#100) The parameter recipient is required"}
	}
	var m struct {
		Text                    string
		Attachment, Attachments json.RawMessage
	}
	if json.Unmarshal([]byte(c.param("message")), &m) != nil || m.Text == "" && m.Attachment == nil && m.Attachments == nil {
		return "", "", &fault{code: 100, message: "(#100) The parameter message is required"}
	}
	return to.ID, m.Text, nil
}

// checkWindow refuses an answer to whom has not written within 24 hours. As
// long as nobody has written to any account, everybody may be written to: so
// calls can be tested without deliveries.
func (s *Sim) checkWindow(r Reply) error {
	if len(s.written) == 0 {
		return nil
	}
	if at, ok := s.written[r.PageID][r.Recipient]; ok && r.At.Sub(at) <= replyWindow {
		return nil
	}
	return &fault{code: 10, subcode: 2534022, message: "(#10) This message is sent outside of allowed window."}
}

// newMID makes a message id up.
func newMID() string { return "aWdf" + randomText(60) }
