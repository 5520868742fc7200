package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
)

// ownHealth is what /api/health answers.
type ownHealth struct {
	OK      *bool
	Version string
	Checks  []struct {
		Name, Problem, Fix string
		OK                 bool
	}
}

const healthName = "/api/health"

// health asks the deployment how it finds itself: as the operator, whom it tells everything, and
// as a stranger, whom it must not.
func (d *doctor) health(ctx context.Context) []check {
	stranger, problem := d.readHealth(ctx, nil)
	switch {
	case problem != nil:
		return []check{*problem}
	case len(stranger.Checks) > 0 || stranger.Version != "":
		return []check{wrong(healthName, "It tells strangers how this is set up.", "Deploy the newest version of igconnect.")}
	case d.cron.Empty():
		said := map[bool]string{true: "no setting is missing", false: "a setting is missing or broken"}[*stranger.OK]
		return []check{unchecked(healthName, "It says that "+said+". More it tells only with the CRON_SECRET of the deployment: set that variable here, or use -secret-file.")}
	}
	own, problem := d.readHealth(ctx, map[string]string{"Authorization": "Bearer " + d.cron.Reveal()})
	switch {
	case problem != nil:
		return []check{*problem}
	case len(own.Checks) == 0:
		return []check{wrong(healthName, "It does not know this CRON_SECRET, or has none.",
			"Set the same CRON_SECRET here and in the deployment's environment variables, then deploy again.")}
	}
	var lines []check
	if own.Version != "" {
		lines = append(lines, note("version", own.Version))
	}
	for _, c := range own.Checks {
		line := passed(c.Name)
		if !c.OK {
			line = wrong(c.Name, c.Problem, c.Fix)
		}
		lines = append(lines, line)
	}
	if !slices.ContainsFunc(lines, func(c check) bool { return c.Name == "redirect_uri" }) {
		lines = append(lines, unchecked("Supabase and Meta", "They are asked as soon as the settings are right."))
	}
	return lines
}

// readHealth reads the answer, or says what is wrong with it.
func (d *doctor) readHealth(ctx context.Context, header map[string]string) (own ownHealth, problem *check) {
	got := d.get(ctx, "/api/health", header)
	known := got.status == http.StatusOK || got.status == http.StatusServiceUnavailable
	if !known || json.Unmarshal(got.body, &own) != nil || own.OK == nil {
		return own, new(notIgconnect(healthName, got))
	}
	return own, nil
}

// notIgconnect is for an answer that igconnect would not give, or none.
func notIgconnect(name string, got answer) check {
	if got.err != nil {
		return wrong(name, "No answer: "+reason(got.err)+".", "Try again.")
	}
	return wrong(name, fmt.Sprintf("It answers %d, but not as igconnect does.", got.status),
		"Use the address of REDIRECT_URI. Is it the production deployment? Previews are behind Vercel's sign-in. Does your app forward all paths of igconnect?")
}
