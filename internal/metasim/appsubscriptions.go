package metasim

import "slices"

// AppSubscription is a webhook of the app's, as set up in the App Dashboard:
// what GET /{app-id}/subscriptions lists.
type AppSubscription struct {
	Object      string // "instagram"
	CallbackURL string
	Fields      []string
	Inactive    bool
	// PlainFields lists the names alone, as Meta's reference has it. Real
	// answers have {"name","version"} for each, and so has the Sim by default.
	PlainFields bool
}

// SetAppSubscriptions replaces the app's webhooks; a new Sim has none. No
// delivery depends on them: Deliver is told its URL.
func (s *Sim) SetAppSubscriptions(all ...AppSubscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.appSubscriptions = slices.Clone(all)
}

// listAppSubscriptions serves GET /{app-id}/subscriptions, for the app's own
// token.
func (s *Sim) listAppSubscriptions(c *call) (any, error) {
	app, err := s.authorizeApp(c)
	if err != nil {
		return nil, err
	}
	if app.kind != appToken {
		return nil, &fault{code: 15, message: "(#15) This method must be called with an app access_token."}
	}
	if c.id != s.cfg.AppID {
		return nil, c.missingObject()
	}
	data := []object{}
	for _, sub := range s.appSubscriptions {
		data = append(data, object{
			"object": sub.Object, "callback_url": sub.CallbackURL, "active": !sub.Inactive, "fields": sub.fields(c.version),
		})
	}
	return object{"data": data}, nil
}

func (sub AppSubscription) fields(version string) any {
	if sub.PlainFields {
		return sub.Fields
	}
	fields := []object{}
	for _, name := range sub.Fields {
		fields = append(fields, object{"name": name, "version": version})
	}
	return fields
}
