package api

import (
	"net/http"
	"time"

	"igconnect/lib/app"
	"igconnect/lib/config"
)

// Callback is /api/callback: Meta sends the browser back with a code, and the
// code becomes a saved connection.
func Callback(w http.ResponseWriter, r *http.Request) {
	app.Serve(w, r, app.Route{
		Name: "callback", Needs: config.Connect, Limit: 24 * time.Second,
		Methods: map[string]app.Handler{http.MethodGet: finishLogin},
	})
}

func finishLogin(c *app.Call) error {
	ctx, query := c.R.Context(), c.R.URL.Query()

	// 1. The state shows that this browser began this login. It works once.
	state, err := c.TakeState(query.Get("state"))
	if err != nil {
		return err
	}
	if err := c.SameUser(state.User); err != nil {
		return err
	}

	// 2. What did the person say?
	code, err := c.Approved(query)
	if err != nil {
		return err
	}
	if code == "" {
		return c.Denied()
	}

	// 3. The code becomes a short-lived token, and that one of 60 days.
	short, err := c.Graph.Exchange(ctx, code, c.Config.RedirectURI)
	if err != nil {
		return err
	}
	long, err := c.Graph.Upgrade(ctx, short.Value)
	if err != nil {
		return err
	}

	// 4. Which Pages and Instagram accounts does it lead to?
	found, err := c.Discover(long)
	if err != nil {
		return err
	}

	// 5. None: say why. The only one, or the one to reconnect: save it. Else let
	// the person choose.
	grant := c.Granted(state, long)
	accounts, wanted := found.Accounts(), found.Chosen([]string{state.Account})
	switch {
	case len(accounts) == 0:
		return c.WhyMissing(grant, found)
	case len(wanted) == 1:
		return c.Connect(state.Flow(), grant, found, wanted)
	case len(accounts) == 1 && state.Account == "":
		return c.Connect(state.Flow(), grant, found, accounts)
	default:
		return c.Choose(state.Flow(), grant, found, "")
	}
}
