package api

import (
	"net/http"
	"time"

	"igconnect/lib/app"
)

// Health is /api/health: what is missing in the set-up.
func Health(w http.ResponseWriter, r *http.Request) {
	app.Serve(w, r, app.Route{
		Name: "health", Limit: 20 * time.Second, API: true,
		Methods: map[string]app.Handler{http.MethodGet: showHealth},
	})
}

func showHealth(c *app.Call) error {
	health := c.Health()
	status := http.StatusOK
	if !health.OK {
		status = http.StatusServiceUnavailable
	}
	return c.JSON(status, health)
}
