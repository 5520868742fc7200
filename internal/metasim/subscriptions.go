package metasim

import (
	"fmt"
	"slices"
	"strings"
)

// pageFields are the Page fields that the app can subscribe to, with the
// permission each needs besides pages_manage_metadata.
var pageFields = map[string]string{
	"feed": "", "mention": "", "name": "", "picture": "", "ratings": "",
	"messages":            "pages_messaging",
	"message_edits":       "pages_messaging",
	"message_reactions":   "pages_messaging",
	"message_deliveries":  "pages_messaging",
	"message_echoes":      "pages_messaging",
	"message_reads":       "pages_messaging",
	"messaging_handovers": "pages_messaging",
	"messaging_optins":    "pages_messaging",
	"messaging_postbacks": "pages_messaging",
	"messaging_referrals": "pages_messaging",
	"standby":             "pages_messaging",
}

// Subscribed returns the fields that the Page's subscribed_apps now holds for
// the app, nil if it is not subscribed.
func (s *Sim) Subscribed(pageID string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.subscriptions[pageID])
}

// DropSubscription ends the Page's subscription behind the app's back, as
// somebody does in the Page's settings.
func (s *Sim) DropSubscription(pageID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.subscriptions, pageID)
}

// pageOf is authorize for the Page tokens of the Page that c names, and refuses
// any other token.
func (s *Sim) pageOf(c *call) (view, error) {
	v, err := s.authorize(c)
	if err != nil {
		return view{}, err
	}
	if v.token.kind != pageToken {
		return view{}, &fault{code: 210, message: "(#210) A page access token is required to request this resource."}
	}
	if v.token.page != c.id && c.id != "me" {
		return view{}, c.missingObject()
	}
	c.id = v.token.page
	return v, v.readsData()
}

// manages is pageOf for calls that change or read the subscription.
func (s *Sim) manages(c *call) (*consent, error) {
	v, err := s.pageOf(c)
	if err != nil {
		return nil, err
	}
	if !v.consent.has("pages_manage_metadata") || !v.consent.shares(c.id) {
		return nil, &fault{code: 200, message: "(#200) Requires pages_manage_metadata permission to manage the object"}
	}
	return v.consent, nil
}

// subscribe replaces the whole list; one field that is unknown or not
// authorised rejects the whole call.
func (s *Sim) subscribe(c *call) (any, error) {
	consent, err := s.manages(c)
	if err != nil {
		return nil, err
	}
	if c.param("subscribed_fields") == "" {
		return nil, &fault{code: 100, message: "(#100) The parameter subscribed_fields is required."}
	}
	fields := strings.Split(c.param("subscribed_fields"), ",")
	for i, name := range fields {
		if _, known := pageFields[name]; !known {
			return nil, &fault{code: 100, message: fmt.Sprintf("(#100) Param subscribed_fields[%d] must be one of {%s} - got %q.", i, pageFieldNames(), name)}
		}
	}
	for _, name := range fields {
		if need := pageFields[name]; need != "" && !consent.has(need) {
			return nil, &fault{code: 200, message: fmt.Sprintf("(#200) To subscribe to the %s field, one of these permissions is needed: %s", name, need)}
		}
	}
	s.subscriptions[c.id] = fields
	return object{"success": true}, nil
}

func (s *Sim) subscribedApps(c *call) (any, error) {
	if _, err := s.manages(c); err != nil {
		return nil, err
	}
	data := []object{}
	if fields, ok := s.subscriptions[c.id]; ok {
		data = append(data, object{"id": s.cfg.AppID, "name": "Simulated app", "category": "Business", "subscribed_fields": fields})
	}
	return object{"data": data}, nil
}

func (s *Sim) unsubscribe(c *call) (any, error) {
	if _, err := s.manages(c); err != nil {
		return nil, err
	}
	delete(s.subscriptions, c.id)
	return object{"success": true}, nil
}

func pageFieldNames() string {
	var all []string
	for name := range pageFields {
		all = append(all, name)
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}
