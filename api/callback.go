package api

import (
	"errors"
	"net/http"
	"time"

	"igconnect/lib/config"
	"igconnect/lib/connect"
	"igconnect/lib/web"
)

// Callback is /api/callback: Meta sends the browser back with a code, and the
// code becomes a saved connection.
func Callback(w http.ResponseWriter, r *http.Request) {
	web.Serve(w, r, web.Route{
		Name: "callback", Acts: true, Needs: config.Connect, Limit: 24 * time.Second,
		Methods: map[string]web.Handler{http.MethodGet: finishLogin},
	})
}

func finishLogin(r *web.Request) (web.Response, error) {
	ctx, query, login := r.Context(), r.URL.Query(), r.App.Connect

	// 1. The state shows that this browser began this login. It works once.
	sent := connect.SentState(query)
	state, err := login.States.Consume(r.Jar, sent)
	if errors.Is(err, connect.ErrState) {
		return finishAgain(r, connect.State{State: sent}.Flow(), err)
	}
	if err != nil {
		return web.Response{}, err
	}
	if err := r.Resume(state.User, state.LoginOptions); err != nil {
		return web.Response{}, err
	}

	// 2. What did the person say?
	code, err := connect.AuthorizationCode(query)
	if errors.Is(err, connect.ErrDenied) {
		return r.Denied(state)
	}
	if err != nil {
		return web.Response{}, err
	}

	// 3. The code becomes a short-lived token, and that one of 60 days.
	short, err := login.Provider.Exchange(ctx, code)
	if err != nil {
		return web.CodeRefused(r, state, err)
	}
	long, err := login.Provider.Extend(ctx, short.Value)
	if err != nil {
		return web.Response{}, err
	}

	return connectGranted(r, login.NewGrant(state, long))
}

func connectGranted(r *web.Request, grant connect.Grant) (web.Response, error) {
	// 4. Which Pages and Instagram accounts does the token lead to?
	found, err := r.App.Connect.Discover(r.Context(), grant.Token)
	if err != nil {
		return web.Response{}, err
	}

	// 5. None: say why. The only one, or the one to reconnect: save it. Else let
	// the person choose.
	selected, err := r.App.Connect.Select(r.Context(), grant, found)
	if err != nil {
		return web.Response{}, err
	}
	if len(selected) == 0 {
		return web.AwaitChoice(r, grant, found)
	}
	return r.SaveConnections(grant, found, selected)
}

// finishAgain answers a callback that this browser sends once more: what was granted
// is still to be chosen or saved, or all is done.
func finishAgain(r *web.Request, flow string, cause error) (web.Response, error) {
	grant, err := web.OpenGrant(r, flow)
	switch {
	case errors.Is(err, connect.ErrState), errors.Is(err, connect.ErrExpired):
		return web.EndedBefore(r, flow, cause)
	case err != nil:
		return web.Response{}, err
	case len(grant.Chosen) == 0:
		return web.ToChoice(grant), nil
	}
	return connectGranted(r, grant)
}
