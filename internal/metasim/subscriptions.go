package metasim

import (
	"slices"
	"strings"
)

// pageFields are the Page fields that the app can subscribe to, in order. Those about messages
// (see needsMessaging) need pages_messaging, all of them pages_manage_metadata.
var pageFields = []string{
	"feed", "mention", "message_deliveries", "message_echoes", "message_edits", "message_reactions", "message_reads",
	"messages", "messaging_handovers", "messaging_optins", "messaging_postbacks", "messaging_referrals", "name",
	"picture", "ratings", "standby",
}

func needsMessaging(field string) bool {
	return strings.HasPrefix(field, "messag") || field == "standby"
}

// canSubscribe reports whether a task on a Page lets its person subscribe it.
// https://developers.facebook.com/docs/graph-api/reference/page/subscribed_apps
func canSubscribe(task string) bool {
	return slices.Contains([]string{"CREATE_CONTENT", "MANAGE", "MODERATE", "FULL_CONTROL"}, strings.TrimPrefix(task, "PROFILE_PLUS_"))
}

// Subscribed returns the fields that the Page's subscribed_apps now holds for the app, nil if it
// is not subscribed.
func (s *Sim) Subscribed(pageID string) []string {
	return read(s, func() []string { return slices.Clone(s.subscriptions[pageID]) })
}

// DropSubscription ends the Page's subscription without the app's doing, as somebody does in the
// Page's settings.
func (s *Sim) DropSubscription(pageID string) { s.locked(func() { delete(s.subscriptions, pageID) }) }

// subscribe serves POST /{page}/subscribed_apps. It replaces the whole list; one field that is
// unknown or not authorised rejects the whole call, and so does a role on the Page without one of
// the tasks that it takes.
func (s *Sim) subscribe(c *call) (any, error) {
	if c.param("subscribed_fields") == "" {
		return nil, errorf(100, "(#100) The parameter subscribed_fields is required.")
	}
	fields := strings.Split(c.param("subscribed_fields"), ",")
	for i, name := range fields {
		if !slices.Contains(pageFields, name) {
			return nil, errorf(100, "(#100) Param subscribed_fields[%d] must be one of {%s} - got %q.",
				i, strings.Join(pageFields, ", "), name)
		}
	}
	for _, name := range fields {
		if needsMessaging(name) && !c.consent.has("pages_messaging") {
			const format = "(#200) To subscribe to the %s field, one of these permissions is needed: pages_messaging"
			return nil, errorf(200, format, name)
		}
	}
	if tasks := c.person.page(c.id).Tasks; tasks != nil && !slices.ContainsFunc(tasks, canSubscribe) {
		return nil, errorf(200, "(#200) User does not have sufficient administrative permission for this action on this page")
	}
	s.subscriptions[c.id] = fields
	return object{"success": true}, nil
}

func (s *Sim) subscribedApps(c *call) (any, error) {
	data := []object{}
	if fields, ok := s.subscriptions[c.id]; ok {
		data = append(data, object{
			"id": s.cfg.AppID, "name": "Simulated app", "category": "Business", "subscribed_fields": fields,
		})
	}
	return object{"data": data}, nil
}

func (s *Sim) unsubscribe(c *call) (any, error) {
	delete(s.subscriptions, c.id)
	return object{"success": true}, nil
}

// AppSubscription is a webhook of the app's, as set up in the App Dashboard: what
// GET /{app-id}/subscriptions lists.
type AppSubscription struct {
	Object      string // "instagram"
	CallbackURL string
	Fields      []string
	Inactive    bool
	// PlainFields lists the names alone, as Meta's reference has it. Real answers have
	// {"name","version"} for each, and so has the Sim by default.
	PlainFields bool
}

// SetAppSubscriptions replaces the app's webhooks; a new Sim has none. No delivery depends on
// them: Deliver is told its URL.
func (s *Sim) SetAppSubscriptions(all ...AppSubscription) {
	s.locked(func() { s.appSubscriptions = slices.Clone(all) })
}

func (s *Sim) listAppSubscriptions(c *call) (any, error) {
	if c.token.Kind != appToken {
		return nil, errorf(15, "(#15) This method must be called with an app access_token.")
	}
	if c.id != s.cfg.AppID {
		return nil, c.missingObject()
	}
	data := []object{}
	for _, sub := range s.appSubscriptions {
		fields := []any{}
		for _, name := range sub.Fields {
			if sub.PlainFields {
				fields = append(fields, name)
			} else {
				fields = append(fields, object{"name": name, "version": c.version})
			}
		}
		data = append(data, object{
			"object": sub.Object, "callback_url": sub.CallbackURL, "active": !sub.Inactive, "fields": fields,
		})
	}
	return object{"data": data}, nil
}
