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
	OK      *bool  `json:"ok"`
	Version string `json:"version"`
	Checks  []struct {
		Name    string `json:"name"`
		OK      bool   `json:"ok"`
		Problem string `json:"problem"`
		Fix     string `json:"fix"`
	} `json:"checks"`
}

const healthName = "/api/health"

// health asks the deployment how it finds itself: as the operator, whom it
// tells everything, and as a stranger, whom it must not.
func (d *doctor) health(ctx context.Context) []check {
	stranger, problem := d.readHealth(ctx, nil)
	switch {
	case problem != nil:
		return []check{*problem}
	case len(stranger.Checks) > 0 || stranger.Version != "":
		return []check{bad(healthName, "It tells strangers how this is set up.", "Deploy the newest version of igconnect.")}
	case d.cron.Empty():
		said := "says that a setting is missing or broken"
		if *stranger.OK {
			said = "says that no setting is missing"
		}
		return []check{unchecked(healthName, "It "+said+". More it tells only with the CRON_SECRET of the deployment: set that variable here, or use -secret-file.")}
	}
	own, problem := d.readHealth(ctx, map[string]string{"Authorization": "Bearer " + d.cron.Reveal()})
	switch {
	case problem != nil:
		return []check{*problem}
	case len(own.Checks) == 0:
		return []check{bad(healthName, "It does not know this CRON_SECRET, or has none.",
			"Set the same CRON_SECRET here and in the deployment's environment variables, then deploy again.")}
	}
	return own.lines()
}

func (h ownHealth) lines() []check {
	var lines []check
	if h.Version != "" {
		lines = append(lines, note("version", h.Version))
	}
	for _, c := range h.Checks {
		line := good(c.Name)
		if !c.OK {
			line = bad(c.Name, c.Problem, c.Fix)
		}
		lines = append(lines, line)
	}
	asked := slices.ContainsFunc(lines, func(c check) bool { return c.Name == "redirect_uri" })
	if !asked {
		lines = append(lines, unchecked("Supabase and Meta", "They are asked as soon as the settings are right."))
	}
	return lines
}

// readHealth reads the answer, or says what is wrong with it.
func (d *doctor) readHealth(ctx context.Context, header map[string]string) (ownHealth, *check) {
	var own ownHealth
	got, err := d.get(ctx, "/api/health", header)
	if err != nil {
		line := silent(healthName, err)
		return own, &line
	}
	known := got.status == http.StatusOK || got.status == http.StatusServiceUnavailable
	if !known || json.Unmarshal(got.body, &own) != nil || own.OK == nil {
		line := notOurs(healthName, got)
		return own, &line
	}
	return own, nil
}

// notOurs is for an answer that igconnect would not give.
func notOurs(name string, got answer) check {
	return bad(name, fmt.Sprintf("It answers %d, but not as igconnect does.", got.status), ownAddress)
}

const ownAddress = "Use the address of REDIRECT_URI. Is it the production deployment? Previews are behind Vercel's sign-in. Does your app forward all paths of igconnect?"
