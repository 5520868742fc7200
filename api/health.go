package api

import (
	"net/http"
	"time"

	"igconnect/lib/web"
)

// Health is /api/health: what is missing in the set-up.
func Health(w http.ResponseWriter, r *http.Request) {
	web.Serve(w, r, web.Route{
		Name: "health", Limit: 20 * time.Second, API: true,
		Methods: map[string]web.Handler{http.MethodGet: showHealth},
	})
}

func showHealth(r *web.Request) (web.Response, error) {
	report := r.App.Health.Check(r.Context(), r.Hostname(), r.ByOperator() == nil)
	if !report.OK {
		return web.JSON(http.StatusServiceUnavailable, report), nil
	}
	return web.JSON(http.StatusOK, report), nil
}
