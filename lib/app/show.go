package app

import (
	"fmt"
	"net/http"
	"slices"

	"igconnect/lib/graph"
	"igconnect/lib/page"
	"igconnect/lib/store"
)

// WhyMissing is the answer when no account was found: what each Page lacks.
func (c *Call) WhyMissing(grant Grant, found graph.Found) error {
	_, stopped := c.Reconcile(grant, found)
	failure := Fail(NoInstagramAccount, fmt.Errorf("%d Pages, none with an Instagram account", len(found.Pages)))
	shown := page.Missing{
		Pages: verdicts(found.Pages, nil), Declined: c.declinedAmongAsked(found), Person: found.Person.Name, Stopped: usernames(stopped),
		Again: c.Again("Ask Meta again"), RequestID: c.RequestID,
	}
	if c.Wish.ReturnTo != "" {
		shown.Back = page.Action{Label: "Back to the app", Href: c.Wish.ReturnTo}
	}
	failure.Page = shown
	return failure
}

// Choose shows the accounts to pick from, and leaves the grant sealed in the
// browser meanwhile.
func (c *Call) Choose(flow string, grant Grant, found graph.Found, notice string) error {
	known, stopped := c.Reconcile(grant, found)
	if err := c.KeepGrant(flow, grant); err != nil {
		return err
	}
	chooser := page.Chooser{
		Action: "/api/choose", Fields: append(flowField(flow), page.Field{Name: "choosing", Value: "1"}), Notice: notice, Stopped: usernames(stopped),
		Again:  page.Action{Label: "Ask Meta again", Href: Wish{ReturnTo: c.Wish.ReturnTo, Explain: true}.login()},
		Cancel: page.Action{Label: "Cancel", Href: withResult(c.Wish.ReturnTo, "error", string(AccessDenied))},
	}
	for _, p := range found.Accounts() {
		chooser.Accounts = append(chooser.Accounts, page.Account{
			InstagramID: p.Instagram.ID, Username: p.Instagram.Username, Name: p.Instagram.Name,
			PictureURL: p.Instagram.PictureURL, PageName: p.Name, CannotMessage: p.Token.Empty() || !p.CanMessage(),
			Connected: slices.ContainsFunc(known, func(k store.Stored) bool {
				return k.InstagramID == p.Instagram.ID && k.Status != store.StatusReconnect
			}),
		})
	}
	status := http.StatusOK
	if notice != "" {
		status = http.StatusBadRequest
		c.W.Header().Set("X-Error-Code", string(BadRequest))
	}
	return c.Render(status, chooser)
}

// flowField tells /api/choose which of several sealed grants a form is about.
func flowField(flow string) []page.Field { return []page.Field{{Name: "flow", Value: flow}} }

// declinedAmongAsked are the permissions that we asked for and the person
// declined: here, those that we can do without.
func (c *Call) declinedAmongAsked(found graph.Found) []page.Permission {
	return page.Permissions(slices.DeleteFunc(slices.Clone(found.Declined), func(scope string) bool {
		return !slices.Contains(c.Config.Scopes, scope)
	}))
}

// Explanation tells which Pages gave no working account, after those in rows
// were connected. There is none where nothing is missing.
func (c *Call) Explanation(found graph.Found, rows []store.Connection, came []store.Subscription, done string) (explanation page.Missing, missing bool) {
	connected := map[string]page.VerdictKind{}
	for i, row := range rows {
		connected[row.InstagramID] = page.Connected
		if came[i].Error != "" {
			connected[row.InstagramID] = page.Silent
		}
	}
	explanation = page.Missing{
		Pages: verdicts(found.Pages, connected), Declined: c.declinedAmongAsked(found), Person: found.Person.Name,
		Saved: true, Again: c.Again("Ask Meta again"), Back: page.Action{Label: "Back to the app", Href: done}, RequestID: c.RequestID,
	}
	return explanation, slices.ContainsFunc(explanation.Pages, func(v page.Verdict) bool { return v.Kind != page.Connected })
}

// verdicts say what each Page lacks. An account that could be connected and
// was not needs no verdict.
func verdicts(pages []graph.Page, connected map[string]page.VerdictKind) []page.Verdict {
	var all []page.Verdict
	for _, p := range pages {
		if verdict := verdictOn(p, connected); verdict.Kind != 0 {
			all = append(all, verdict)
		}
	}
	return all
}

func verdictOn(p graph.Page, connected map[string]page.VerdictKind) page.Verdict {
	switch {
	case p.Instagram == nil && p.Personal == "":
		return page.Verdict{PageName: p.Name, Kind: page.NoInstagram}
	case p.Instagram == nil:
		return page.Verdict{PageName: p.Name, Username: p.Personal, Kind: page.NotProfessional}
	case p.Token.Empty():
		return page.Verdict{PageName: p.Name, Username: p.Instagram.Username, Kind: page.NoToken}
	case !p.CanMessage():
		return page.Verdict{PageName: p.Name, Username: p.Instagram.Username, Kind: page.NoTask}
	}
	return page.Verdict{PageName: p.Name, Username: p.Instagram.Username, Kind: connected[p.Instagram.ID]}
}

func usernames(connections []store.Stored) []string {
	var names []string
	for _, connection := range connections {
		if connection.Username != nil && *connection.Username != "" {
			names = append(names, *connection.Username)
		} else {
			names = append(names, connection.InstagramID)
		}
	}
	return names
}
