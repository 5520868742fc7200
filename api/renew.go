package api

import (
	"net/http"
	"time"

	"igconnect/lib/app"
	"igconnect/lib/config"
)

// Renew is /api/renew, by cron: check every connection, renew what ends soon,
// mark what its person must connect again, repair subscriptions.
func Renew(w http.ResponseWriter, r *http.Request) {
	app.Serve(w, r, app.Route{
		Name: "renew", Needs: config.Renewal, Limit: 55 * time.Second, API: true,
		Methods: map[string]app.Handler{http.MethodGet: renewConnections},
	})
}

func renewConnections(c *app.Call) error {
	if err := c.ByOperator(); err != nil {
		return err
	}
	run, err := c.Renew()
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, run)
}
