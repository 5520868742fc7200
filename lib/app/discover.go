package app

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"igconnect/lib/config"
	"igconnect/lib/graph"
	"igconnect/lib/page"
)

// Discover finds everything that the person granted, and makes sure that what
// we cannot do without is among it.
func (c *Call) Discover(token graph.Token) (graph.Found, error) {
	found, err := c.Graph.LookUp(c.R.Context(), token)
	if err != nil {
		return found, err
	}
	for _, err := range found.Skipped {
		c.Note("skipped", err.Error())
	}
	if missing := c.missingScopes(found); len(missing) > 0 {
		failure := Fail(MissingPermission, fmt.Errorf("not granted: %s", strings.Join(missing, ", ")))
		failure.Page = page.Missing{Declined: declined(missing), Again: c.Again("Ask Meta again"), RequestID: c.RequestID}
		return found, failure
	}
	return found, nil
}

// missingScopes are those of the seed's four that were asked for and not
// granted. With a login configuration Meta knows what was asked for: there
// only an outright refusal counts.
func (c *Call) missingScopes(found graph.Found) []string {
	var missing []string
	for _, scope := range config.SeedScopes {
		refused := slices.Contains(found.Declined, scope)
		asked := c.Config.LoginConfigID == "" && slices.Contains(c.Config.Scopes, scope)
		if refused || asked && !slices.Contains(found.Granted, scope) {
			missing = append(missing, scope)
		}
	}
	return missing
}

// declined says for each permission what does not work without it.
func declined(scopes []string) []page.Permission {
	lost := map[string]string{
		"instagram_basic":           "We cannot see which Instagram account belongs to your Page.",
		"instagram_manage_messages": "We cannot read or answer the account's messages.",
		"pages_show_list":           "We cannot see your Facebook Pages, and the account is found through its Page.",
		"pages_manage_metadata":     "We are not told when a message arrives.",
	}
	permissions := make([]page.Permission, len(scopes))
	for i, scope := range scopes {
		permissions[i] = page.Permission{Name: scope, Lost: lost[scope]}
	}
	return permissions
}

// WhyMissing is the answer when no account was found: what each Page lacks.
func (c *Call) WhyMissing(found graph.Found) error {
	failure := Fail(NoInstagramAccount, fmt.Errorf("%d Pages, none with an Instagram account", len(found.Pages)))
	shown := page.Missing{Again: c.Again("Ask Meta again"), RequestID: c.RequestID}
	if c.ReturnTo != "" {
		shown.Back = page.Action{Label: "Back to the app", Href: c.ReturnTo}
	}
	for _, p := range found.Pages {
		shown.Pages = append(shown.Pages, page.Verdict{PageName: p.Name, Kind: page.NoInstagram})
	}
	failure.Page = shown
	return failure
}

// Choose shows the accounts to pick from, and leaves the grant sealed in the
// browser meanwhile.
func (c *Call) Choose(flow string, grant Grant, accounts []graph.Page, notice string) error {
	if err := c.Grants.Set(c.W, c.R, flow, grant); err != nil {
		return err
	}
	chooser := page.Chooser{
		Action: "/api/choose", Fields: flowField(flow), Notice: notice,
		Again: c.Again("Ask Meta again"), Cancel: page.Action{Label: "Cancel", Href: withResult(c.ReturnTo, "error", string(AccessDenied))},
	}
	for _, p := range accounts {
		chooser.Accounts = append(chooser.Accounts, page.Account{
			InstagramID: p.Instagram.ID, Username: p.Instagram.Username, Name: p.Instagram.Name,
			PictureURL: p.Instagram.PictureURL, PageName: p.Name, CannotMessage: !p.CanMessage(),
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
