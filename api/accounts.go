package api

import (
	"net/http"
	"time"

	"igconnect/lib/app"
	"igconnect/lib/config"
	"igconnect/lib/store"
)

// Accounts is /api/accounts: what this user connected; disconnect one.
func Accounts(w http.ResponseWriter, r *http.Request) {
	app.Serve(w, r, app.Route{
		Name: "accounts", Needs: config.Connect, Limit: 24 * time.Second, API: true, Shared: true,
		Methods: map[string]app.Handler{http.MethodGet: listAccounts, http.MethodDelete: disconnectAccount},
	})
}

func listAccounts(c *app.Call) error {
	user, err := c.Who()
	if err != nil {
		return err
	}
	connections, err := c.Store.OfUser(c.R.Context(), user)
	if err != nil {
		return err
	}
	accounts := make([]store.Account, len(connections))
	for i, connection := range connections {
		accounts[i] = connection.Account
	}
	return c.JSON(http.StatusOK, map[string]any{"accounts": accounts})
}

func disconnectAccount(c *app.Call) error {
	// 1. Only a page of ours, or of an allowed origin, may write with the person's cookies.
	if err := c.FromAllowedPage(); err != nil {
		return err
	}

	// 2. Whose account is it?
	user, err := c.Who()
	if err != nil {
		return err
	}

	// 3. Remove it here, and then at Meta what nobody else needs.
	if err := c.Disconnect(user, c.R.URL.Query().Get("instagram_id")); err != nil {
		return err
	}
	c.W.WriteHeader(http.StatusNoContent)
	return nil
}
