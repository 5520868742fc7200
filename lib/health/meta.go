package health

import (
	"context"
	"slices"
	"time"

	"igconnect/lib/graph"
)

// meta asks Meta whether it knows the app, where it sends events, and what time
// it is there.
func (s *Service) meta(ctx context.Context) []Check {
	var there time.Time
	subscriptions, err := s.Meta.AppSubscriptions(graph.Observe(ctx, func(answer graph.Answer) { there = answer.Date }))
	switch {
	case err != nil && graph.ClassOf(err) == graph.BadApp:
		return broken(ctx, "meta_app", err, "Meta does not accept the app id and secret.", "Compare FB_APP_ID and FB_APP_SECRET with App settings, Basic, at Meta.")
	case err != nil:
		return broken(ctx, "meta", err, "Meta does not answer as it should.", "Try again in some minutes.")
	}
	checks := append(passed("meta_app"), s.webhook(subscriptions)...)
	if skew := s.Now().Sub(there); !there.IsZero() && skew.Abs() > maxSkew {
		return append(checks, failed("clock", "The clock here and the one at Meta differ by more than a minute.", "This is the platform's: ask its support.")...)
	}
	return append(checks, passed("clock")...)
}

// webhook compares what the app is subscribed to with what it should be.
func (s *Service) webhook(subscriptions []graph.AppSubscription) []Check {
	const fix = "At Meta, under Webhooks, Instagram: enter the address of /api/webhook and WEBHOOK_VERIFY_TOKEN, and subscribe to the messages fields."
	at := slices.IndexFunc(subscriptions, func(s graph.AppSubscription) bool { return s.Object == "instagram" })
	switch {
	case at < 0:
		return failed("webhook", "The app is not subscribed to Instagram.", fix)
	case !subscriptions[at].Active:
		return failed("webhook", "Meta has switched the app's subscription off.", fix)
	case subscriptions[at].CallbackURL != s.Config.Origin+"/api/webhook":
		return failed("webhook", "Meta sends events to another address.", fix)
	case !slices.Contains(subscriptions[at].Fields, "messages"):
		return failed("webhook", "The app is not subscribed to messages.", fix)
	}
	return passed("webhook")
}
