package api

import (
	"errors"
	"net/http"
	"time"

	"igconnect/lib/config"
	"igconnect/lib/connect"
	"igconnect/lib/page"
	"igconnect/lib/web"
)

// Choose is /api/choose: the person picks among several accounts, or tries
// once more to save, and is told what came of it.
func Choose(w http.ResponseWriter, r *http.Request) {
	web.Serve(w, r, web.Route{
		Name: "choose", Needs: config.Connect, Limit: 24 * time.Second,
		Methods: map[string]web.Handler{http.MethodGet: showChoice, http.MethodPost: connectChosen},
	})
}

func showChoice(r *web.Request) (web.Response, error) {
	// 1. The sealed grant is this user's. It ends with the choice.
	flow := r.URL.Query().Get("flow")
	grant, err := web.OpenGrant(r, flow)
	if errors.Is(err, connect.ErrState) {
		return web.ShowEnded(r, flow, err)
	}
	if err != nil {
		return web.Response{}, err
	}

	// 2. The accounts are read again from Meta: none is kept in the browser.
	found, err := r.App.Connect.Discover(r.Context(), grant.Token)
	if err != nil {
		return web.Response{}, err
	}
	return web.OfferChoice(r, grant, found, "")
}

func connectChosen(r *web.Request) (web.Response, error) {
	// 1. The form is ours, and the sealed grant is this user's.
	form, err := r.OwnForm()
	if err != nil {
		return web.Response{}, err
	}
	grant, err := web.OpenGrant(r, form.Get("flow"))
	if errors.Is(err, connect.ErrState) {
		return web.EndedBefore(r, form.Get("flow"), err)
	}
	if err != nil {
		return web.Response{}, err
	}

	// 2. The accounts are read again from Meta: an id only selects among them.
	found, err := r.App.Connect.Discover(r.Context(), grant.Token)
	if err != nil {
		return web.Response{}, err
	}
	wanted := form["instagram_id"]
	if !form.Has("choosing") && len(wanted) == 0 { // a new try with what was chosen before
		wanted = grant.Chosen
	}
	chosen := found.Chosen(wanted)

	// 3. Save, or ask once more.
	if len(chosen) == 0 {
		return web.OfferChoice(r, grant, found, page.NoneTicked)
	}
	return r.SaveConnections(grant, found, chosen)
}
