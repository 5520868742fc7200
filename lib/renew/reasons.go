package renew

import (
	"slices"
	"time"

	"igconnect/lib/graph"
	"igconnect/lib/store"
)

// lostScopes are those that are required, were granted, and are not any more.
func lostScopes(required, before, after []string) []string {
	return slices.DeleteFunc(slices.Clone(required), func(scope string) bool {
		return !slices.Contains(before, scope) || slices.Contains(after, scope)
	})
}

// prognosis says how long the connection will last by itself.
func prognosis(inspection graph.Inspection, now time.Time) (status, reason string) {
	switch {
	case ends(inspection.Expires, now):
		return store.StatusExpiring, "Meta did not prolong the access. Reconnect before " + day(inspection.Expires) + "."
	case ends(inspection.DataAccessExpires, now):
		return store.StatusExpiring, "Meta asks for your consent again. Reconnect before " + day(inspection.DataAccessExpires) + "."
	}
	return store.StatusActive, ""
}

// ends reports whether a time is near or past; zero is never.
func ends(at, now time.Time) bool { return !at.IsZero() && at.Before(now.Add(renewWithin)) }

func day(at time.Time) string { return at.UTC().Format("2 January 2006") }

// whyDead says why Meta does not accept a token any more, and reports whether
// Meta named the reason.
// https://developers.facebook.com/docs/graph-api/guides/error-handling#subcodes
func whyDead(subcode int) (reason string, named bool) {
	reason, named = map[int]string{
		458: "You removed this app at Facebook.",
		459: "Facebook wants you to log in there and confirm that it is you.",
		460: "You changed your Facebook password.",
		463: "The access has run out.",
		464: "Your Facebook account is not confirmed.",
		492: "You no longer have a role on the Facebook Page.",
		493: "Your consent at Facebook has run out.",
	}[subcode]
	if !named {
		reason = "Facebook ended the access."
	}
	return reason, named
}
