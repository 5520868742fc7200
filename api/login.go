// Package api holds the functions: one file, one URL, one flow.
package api

import (
	"net/http"
	"time"

	"igconnect/lib/app"
	"igconnect/lib/config"
)

// Login is /api/login: who is it, seal a state, off to Meta's dialog.
func Login(w http.ResponseWriter, r *http.Request) {
	app.Serve(w, r, app.Route{
		Name: "login", Needs: config.Connect, Limit: 8 * time.Second, Shared: true,
		Methods: map[string]app.Handler{http.MethodGet: startLogin, http.MethodPost: startLogin},
	})
}

func startLogin(c *app.Call) error {
	// 1. Where to afterwards? Nothing else happens before that is known to be ours.
	request, err := c.LoginRequest()
	if err != nil {
		return err
	}
	if err := c.Wants(request); err != nil {
		return err
	}

	// 2. The cookie belongs to one host: begin on the one that Meta comes back to.
	if location := c.OwnHost(); location != "" {
		return c.Redirect(http.StatusTemporaryRedirect, location)
	}

	// 3. Who is it?
	user, err := c.Who()
	if err != nil {
		return c.SignInFirst(err)
	}

	// 4. Seal a state for this browser, and off to the dialog.
	dialog, err := c.Begin(user)
	if err != nil {
		return err
	}
	return c.ToDialog(dialog)
}
