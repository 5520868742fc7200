package api

import (
	"net/http"
	"time"

	"igconnect/lib/config"
	"igconnect/lib/web"
)

// Deauthorize is /api/deauthorize: Meta says that a person removed the app.
func Deauthorize(w http.ResponseWriter, r *http.Request) {
	web.Serve(w, r, web.Route{
		Name: "deauthorize", Needs: config.Deliveries, Limit: 8 * time.Second, API: true,
		Methods: map[string]web.Handler{http.MethodPost: destroyTokens},
	})
}

func destroyTokens(r *web.Request) (web.Response, error) {
	request, err := r.SignedRequest()
	if err != nil {
		return web.Response{}, err
	}
	changed, err := r.App.Store.Deauthorize(r.Context(), request.PersonID, "You removed this app at Facebook.", request.Issued)
	if err != nil {
		return web.Response{}, err
	}
	r.Note("deauthorized", changed)
	return web.Empty(http.StatusOK), nil
}
