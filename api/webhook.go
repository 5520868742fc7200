package api

import (
	"net/http"
	"time"

	"igconnect/lib/config"
	"igconnect/lib/web"
)

// Webhook is /api/webhook: Meta's handshake, and deliveries into the inbox.
// Meta gives five seconds, and delivers again what was not acknowledged.
func Webhook(w http.ResponseWriter, r *http.Request) {
	web.Serve(w, r, web.Route{
		Name: "webhook", Limit: 4500 * time.Millisecond, API: true,
		Methods: map[string]web.Handler{http.MethodGet: confirmWebhook, http.MethodPost: receiveDelivery},
	})
}

func confirmWebhook(r *web.Request) (web.Response, error) {
	if err := r.Need(config.Handshake); err != nil {
		return web.Response{}, err
	}
	challenge, err := r.Challenge()
	if err != nil {
		return web.Response{}, err
	}
	return web.Text(http.StatusOK, challenge), nil
}

func receiveDelivery(r *web.Request) (web.Response, error) {
	if err := r.Need(config.Deliveries); err != nil {
		return web.Response{}, err
	}

	// 1. Meta signed it, and these are its events.
	events, err := r.Delivery()
	if err != nil {
		return web.Response{}, err
	}

	// 2. They are acknowledged only after all are committed. Else Meta delivers them
	// again, and what was stored is swallowed there.
	r.Note("events", len(events))
	filling, err := r.App.StoreEvents(r.Context(), events)
	r.Note("new", filling.New)
	for _, refused := range filling.Refused {
		r.Note("refused", refused)
	}
	if err != nil {
		return web.Response{}, err
	}
	return web.Empty(http.StatusOK), nil
}
