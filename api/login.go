// Package api holds the functions: one file, one URL, one flow that reads top to
// bottom. What a step does is in lib/: lib/connect for a login, lib/renew for the
// daily job, lib/web for everything about HTTP.
package api

import (
	"net/http"
	"time"

	"igconnect/lib/config"
	"igconnect/lib/web"
)

// Login is /api/login: who is it, seal a state, off to Meta's dialog.
func Login(w http.ResponseWriter, r *http.Request) {
	web.Serve(w, r, web.Route{
		Name: "login", Acts: true, Needs: config.Connect, Limit: 8 * time.Second, Shared: true,
		Methods: map[string]web.Handler{http.MethodGet: startLogin, http.MethodPost: startLogin},
	})
}

func startLogin(r *web.Request) (web.Response, error) {
	// 1. Where to afterwards? Nothing else happens before that is known to be ours.
	options, err := r.LoginOptions()
	if err != nil {
		return web.Response{}, err
	}

	// 2. The cookie belongs to one host: begin on the one that Meta comes back to.
	if location, elsewhere := r.OnOtherHost(); elsewhere {
		return web.Redirect(http.StatusTemporaryRedirect, location), nil
	}

	// 3. Who is it?
	user, err := r.CurrentUser()
	if err != nil {
		return r.SignInFirst(err)
	}

	// 4. Seal a state for this browser, and off to the dialog.
	dialog, err := r.App.Connect.Begin(r.Jar, user, options)
	if err != nil {
		return web.Response{}, err
	}
	return r.ToDialog(dialog), nil
}
