package api

import (
	"net/http"
	"time"

	"igconnect/lib/config"
	"igconnect/lib/web"
)

// Renew is /api/renew, by cron: check every connection, renew what ends soon,
// mark what its person must connect again, repair subscriptions.
func Renew(w http.ResponseWriter, r *http.Request) {
	web.Serve(w, r, web.Route{
		Name: "renew", Acts: true, Needs: config.Renewal, Limit: 55 * time.Second, API: true,
		Methods: map[string]web.Handler{http.MethodGet: renewConnections},
	})
}

func renewConnections(r *web.Request) (web.Response, error) {
	if err := r.ByOperator(); err != nil {
		return web.Response{}, err
	}
	result, err := r.App.Renew.Run(r.Context())
	if err != nil {
		return web.Response{}, err
	}
	return web.JSON(http.StatusOK, result), nil
}
