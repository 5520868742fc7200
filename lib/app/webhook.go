package app

import (
	"cmp"
	"errors"
	"io"
	"net/http"
	"net/url"

	"igconnect/lib/graph"
	"igconnect/lib/store"
)

// maxDelivery is the largest delivery, in bytes. The platform's own limit is
// 4.5 MB.
const maxDelivery = 4 << 20

// Confirmed answers Meta's handshake: the challenge goes back to whoever knows
// the verify token.
// https://developers.facebook.com/docs/graph-api/webhooks/getting-started#verification-requests
func (c *Call) Confirmed(query url.Values) error {
	if query.Get("hub.mode") != "subscribe" || !c.Config.VerifyToken.Equal(query.Get("hub.verify_token")) {
		return Fail(Forbidden, errors.New("the verify token differs"))
	}
	c.W.Header().Set("Content-Type", "text/plain; charset=utf-8")
	c.W.WriteHeader(http.StatusOK)
	_, err := io.WriteString(c.W, query.Get("hub.challenge"))
	return err
}

// Delivery reads a delivery. Nothing in it is looked at before its signature.
func (c *Call) Delivery() ([]graph.Event, error) {
	body, err := io.ReadAll(http.MaxBytesReader(c.W, c.R.Body, maxDelivery))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, Fail(TooLarge, err)
	case err != nil:
		return nil, Fail(BadRequest, errors.New("the body ended early"))
	case !graph.VerifyDelivery(body, c.R.Header.Get("X-Hub-Signature-256"), c.Config.AppSecrets):
		return nil, Fail(BadSignature, errors.New("not signed with one of the app's secrets"))
	}
	events, err := graph.ParseDelivery(body)
	if err != nil {
		return nil, Fail(BadRequest, err)
	}
	return events, nil
}

// Keep puts the events into the inbox, in one call to the database, and
// returns when they are committed.
func (c *Call) Keep(events []graph.Event) error {
	c.Note("events", len(events))
	if len(events) == 0 {
		return nil
	}
	rows := make([]store.Event, len(events))
	for i, e := range events {
		rows[i] = store.Event{
			Account: e.Account, Key: e.Key, Counterpart: e.Counterpart, Kind: e.Kind, Payload: e.Payload,
			Occurred: cmp.Or(e.Occurred, c.now().UTC()),
		}
	}
	fresh, err := c.Store.Ingest(c.R.Context(), rows)
	c.Note("new", fresh)
	return err
}
