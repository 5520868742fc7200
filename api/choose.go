package api

import (
	"net/http"
	"time"

	"igconnect/lib/app"
	"igconnect/lib/config"
)

// Choose is /api/choose: the person picks among several accounts, or tries
// once more to save.
func Choose(w http.ResponseWriter, r *http.Request) {
	app.Serve(w, r, app.Route{
		Name: "choose", Needs: config.Connect, Limit: 24 * time.Second,
		Methods: map[string]app.Handler{http.MethodPost: connectChosen},
	})
}

func connectChosen(c *app.Call) error {
	// 1. The form is ours, and the sealed grant is this user's.
	form, err := c.OwnForm()
	if err != nil {
		return err
	}
	flow, grant, err := c.OpenGrant(form.Get("flow"))
	if err != nil {
		return err
	}
	if err := c.SameUser(grant.User); err != nil {
		return err
	}

	// 2. The accounts are read again from Meta: an id only selects among them.
	found, err := c.Discover(grant.Token)
	if err != nil {
		return err
	}
	wanted := form["instagram_id"]
	if !form.Has("choosing") && len(wanted) == 0 { // a new try with what was chosen before
		wanted = grant.Chosen
	}
	chosen := found.Chosen(wanted)

	// 3. Save, or ask once more.
	if len(chosen) == 0 {
		return c.Choose(flow, grant, found, "Choose at least one account, then press Connect.")
	}
	return c.Connect(flow, grant, found, chosen)
}
