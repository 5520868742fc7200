package metasim

import "encoding/json"

// sendMessage serves POST /{page-id}/messages. It delivers to nobody.
func (s *Sim) sendMessage(c *call) (any, error) {
	consent, err := s.pageOf(c)
	if err != nil {
		return nil, err
	}
	if !consent.has("instagram_manage_messages") || !consent.shares(c.id) {
		return nil, &fault{code: 10, message: "(#10) This endpoint requires the 'instagram_manage_messages' permission."}
	}
	var recipient struct {
		ID string `json:"id"`
	}
	if json.Unmarshal([]byte(c.param("recipient")), &recipient) != nil || recipient.ID == "" {
		return nil, &fault{code: 100, message: "(#100) The parameter recipient is required"}
	}
	if c.param("message") == "" {
		return nil, &fault{code: 100, message: "(#100) The parameter message is required"}
	}
	return object{"recipient_id": recipient.ID, "message_id": "aWdf" + randomText(60)}, nil
}
