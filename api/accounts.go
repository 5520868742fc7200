package api

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"igconnect/lib/config"
	"igconnect/lib/web"
)

// Accounts is /api/accounts: what this user connected; disconnect one, or all of a user who leaves.
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
	user, byServer, err := r.AccountsUser()
	if err != nil {
		return web.Response{}, err
	}

	// 3. Remove it here, and then at Meta what nobody else needs. Only the app's server asks without a
	// query and means all, of a user who leaves: a name that is spelled wrong must not. A query that
	// can't be read names one, which nobody has.
	switch query, malformed := url.ParseQuery(r.URL.RawQuery); {
	case malformed != nil || query.Has("instagram_id"):
		err = r.App.Connect.Disconnect(r.Context(), user, query.Get("instagram_id"))
	case byServer && len(query) == 0:
		err = r.App.Connect.DisconnectAll(r.Context(), user)
	default:
		err = &web.Failure{Code: web.BadRequest, Cause: errors.New("no instagram_id")}
	}
	if err != nil {
		return web.Response{}, err
	}
	return web.Empty(http.StatusNoContent), nil
}
