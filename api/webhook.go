package api

import (
	"net/http"
	"time"

	"igconnect/lib/app"
	"igconnect/lib/config"
)

// Webhook is /api/webhook: Meta's handshake, and deliveries into the inbox.
// Meta gives five seconds, and delivers again what was not acknowledged.
func Webhook(w http.ResponseWriter, r *http.Request) {
	app.Serve(w, r, app.Route{
		Name: "webhook", Limit: 4500 * time.Millisecond, API: true,
		Methods: map[string]app.Handler{http.MethodGet: confirmWebhook, http.MethodPost: receiveDelivery},
	})
}

func confirmWebhook(c *app.Call) error {
	if err := c.Need(config.Handshake); err != nil {
		return err
	}
	return c.Confirmed(c.R.URL.Query())
}

func receiveDelivery(c *app.Call) error {
	if err := c.Need(config.Deliveries); err != nil {
		return err
	}

	// 1. Meta signed it, and these are its events.
	events, err := c.Delivery()
	if err != nil {
		return err
	}

	// 2. They are acknowledged only after they are committed; what came before
	// is swallowed there.
	if err := c.Keep(events); err != nil {
		return err
	}
	c.W.WriteHeader(http.StatusOK)
	return nil
}
