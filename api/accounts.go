package api

import (
	"net/http"
	"time"

	"igconnect/lib/config"
	"igconnect/lib/web"
)

// Accounts is /api/accounts: what this user connected; disconnect one.
func Accounts(w http.ResponseWriter, r *http.Request) {
	web.Serve(w, r, web.Route{
		Name: "accounts", Needs: config.Connect, Limit: 24 * time.Second, API: true, Shared: true,
		Methods: map[string]web.Handler{http.MethodGet: listAccounts, http.MethodDelete: disconnectAccount},
	})
}

func listAccounts(r *web.Request) (web.Response, error) {
	user, _, err := r.AccountsUser()
	if err != nil {
		return web.Response{}, err
	}
	accounts, err := r.App.Connect.Accounts(r.Context(), user)
	if err != nil {
		return web.Response{}, err
	}
	return web.JSON(http.StatusOK, map[string]any{"accounts": accounts}), nil
}

func disconnectAccount(r *web.Request) (web.Response, error) {
	// 1. Only a page of ours, or of an allowed origin, may write with the person's cookies.
	if err := r.FromAllowedPage(); err != nil {
		return web.Response{}, err
	}

	// 2. Whose account is it?
	user, _, err := r.AccountsUser()
	if err != nil {
		return web.Response{}, err
	}

	// 3. Remove it here, and then at Meta what nobody else needs.
	if err := r.App.Connect.Disconnect(r.Context(), user, r.URL.Query().Get("instagram_id")); err != nil {
		return web.Response{}, err
	}
	return web.Empty(http.StatusNoContent), nil
}
