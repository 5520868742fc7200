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
	if web.BringsTicket(r) {
		return goOnWithTicket(r)
	}

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
	login := r.App.Connect
	dialog, err := login.Begin(r.Jar, login.States.New(user, options))
	if err != nil {
		return web.Response{}, err
	}
	return r.ToDialog(dialog), nil
}

// goOnWithTicket goes on with a login whose user only the app's backend knows: it vouches for the
// one who is signed in there, and sends the browser back.
func goOnWithTicket(r *web.Request) (web.Response, error) {
	// 1. The state is sealed in a cookie of one host.
	if location, elsewhere := r.OnOtherHost(); elsewhere {
		return web.Redirect(http.StatusTemporaryRedirect, location), nil
	}

	// 2. Whom does the app vouch for? Its ticket is good in this browser only, and once.
	ticket, err := web.OpenTicket(r)
	if err != nil {
		return web.Response{}, err
	}
	state, err := r.App.Connect.States.OpenAwaiting(r.Jar, ticket)
	if err != nil {
		return web.Response{}, err
	}
	if err := r.Resume(state.User, state.LoginOptions); err != nil {
		return web.Response{}, err
	}

	// 3. Seal the state with its user, and off to the dialog.
	dialog, err := r.App.Connect.Begin(r.Jar, state)
	if err != nil {
		return web.Response{}, err
	}
	return r.ToDialog(dialog), nil
}
