package api

import (
	"net/http"
	"time"

	"igconnect/lib/app"
	"igconnect/lib/config"
)

// Deauthorize is /api/deauthorize: Meta says that a person removed the app.
func Deauthorize(w http.ResponseWriter, r *http.Request) {
	app.Serve(w, r, app.Route{
		Name: "deauthorize", Needs: config.Deliveries, Limit: 8 * time.Second, API: true,
		Methods: map[string]app.Handler{http.MethodPost: forgetTokens},
	})
}

func forgetTokens(c *app.Call) error {
	request, err := c.SignedRequest()
	if err != nil {
		return err
	}
	changed, err := c.Store.Deauthorize(c.R.Context(), request.PersonID, "You removed this app at Facebook.", request.Issued)
	if err != nil {
		return err
	}
	c.Note("deauthorized", changed)
	c.W.WriteHeader(http.StatusOK)
	return nil
}
