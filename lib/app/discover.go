package app

import (
	"fmt"
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
		failure.Page = page.Missing{Declined: page.Permissions(missing), Person: found.Person.Name, Again: c.Again("Ask Meta again"), RequestID: c.RequestID}
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
