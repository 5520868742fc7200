package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"igconnect/internal/appsim"
	"igconnect/lib/config"
)

// What -users can be: who says who the app's users are.
const (
	supabaseUsers = "supabase" // Supabase Auth
	jwtUsers      = "jwt"      // the app's own JWTs
	vouchUsers    = "vouch"    // the app's backend, with a ticket at each login
)

// usersFrom returns the way that is in force. Without the flag it is what .env names, by default
// Supabase Auth. An error says that there is no such way, or that .env names another one: the
// app that it names is used, and none is simulated beside it.
func (o options) usersFrom() (string, error) {
	var named []string // by .env
	if o.env["VOUCH_URL"] != "" {
		named = append(named, vouchUsers)
	}
	if o.env["JWT_ISSUER"] != "" {
		named = append(named, jwtUsers)
	}
	switch ways := []string{supabaseUsers, jwtUsers, vouchUsers}; {
	case o.users == "":
		return append(named, supabaseUsers)[0], nil
	case !slices.Contains(ways, o.users):
		return "", fmt.Errorf("-users is one of %s, and not %q", strings.Join(ways, ", "), o.users)
	case len(named) > 0 && !slices.Contains(named, o.users):
		return "", fmt.Errorf("-users %s does not fit .env, which names your app's own way (-users %s): "+
			"leave -users out, or take VOUCH_URL and JWT_ISSUER out of .env", o.users, strings.Join(named, " or "))
	}
	return o.users, nil
}

// check refuses options that contradict each other.
func (o options) check() error {
	_, err := o.usersFrom()
	return errors.Join(o.env.check(), err)
}

// Paths of what plays the app and its issuer of JWTs.
const (
	appPath    = "/dev/app"
	issuerPath = "/dev/issuer"
)

// jwtStyle is how the simulated issuer signs. Its JWTs live as long as the session, since nothing
// of the demo app runs in the browser that would get new ones.
var jwtStyle = func() appsim.Style {
	style := appsim.Plain
	style.Cookie, style.Lifetime = "app_jwt", 12*time.Hour
	return style
}()

// addApp sets what the functions must know of the app that is simulated, where it is one. The
// secret is that of its tickets, unless .env names one.
func (o options) addApp(e env, at addresses, ticketSecret string) {
	from, _ := o.usersFrom() // whose error check has returned
	if from == vouchUsers && e["VOUCH_SECRET"] == "" {
		e["VOUCH_SECRET"] = ticketSecret
	}
	if from == supabaseUsers || !e.supabaseUsers() {
		return
	}
	app := e.pagesOrigin(at.main) + appPath
	if from == vouchUsers {
		e["VOUCH_URL"] = app + "/instagram/vouch"
	} else {
		issuer := appsim.Provider{Style: jwtStyle, URL: at.main + issuerPath}
		e["JWT_JWKS_URL"] = "" // the default
		maps.Copy(e, issuer.Settings())
		if e["SIGN_IN_URL"] == "" {
			e["SIGN_IN_URL"] = app + "/sign-in"
		}
	}
	if origin := e.pagesOrigin(at.main); origin != e.origin(at.main) {
		e["ALLOWED_ORIGINS"] = strings.TrimPrefix(e["ALLOWED_ORIGINS"]+","+origin, ",") // people come back to it
	}
}

// supabaseUsers reports whether Supabase Auth says who the app's users are.
func (e env) supabaseUsers() bool {
	c, _ := config.Load(e.get)
	return c.SupabaseUsers
}

// playedApp is the app that is simulated; nil where .env names a real one, or there is none but
// the pages of Supabase Auth's demo users.
func (o options) playedApp(e env, at addresses) *appsim.App {
	if e.supabaseUsers() || !o.env.supabaseUsers() {
		return nil
	}
	app := &appsim.App{Igconnect: e.origin(at.main), Server: at.main, Prefix: appPath, People: appsim.Demo()}
	if e["VOUCH_URL"] != "" {
		app.Secret, _, _ = strings.Cut(e["VOUCH_SECRET"], ",")
	} else {
		app.Provider = &appsim.Provider{Style: jwtStyle, URL: e["JWT_ISSUER"]}
	}
	return app
}

// usersLine says in a line who says who the app's users are.
func (s *system) usersLine() string {
	simulated := "the simulated app at " + s.env.pagesOrigin(s.at.main) + appPath + "/"
	switch {
	case s.env.supabaseUsers():
		return "Supabase Auth"
	case s.played != nil && s.played.Provider != nil:
		return "JWTs of " + simulated
	case s.played != nil:
		return "tickets of " + simulated
	}
	var ways []string
	if url := s.env["VOUCH_URL"]; url != "" {
		ways = append(ways, "tickets of your app, "+url)
	}
	if issuer := s.env["JWT_ISSUER"]; issuer != "" {
		ways = append(ways, "JWTs of "+issuer)
	}
	return strings.Join(ways, ", and ")
}
