package web

import (
	"errors"
	"io"
	"net/http"
	"net/url"

	"igconnect/lib/webhook"
)

const (
	// maxForm bounds a form of ours, in bytes: some 2,000 chosen accounts.
	maxForm = 64 << 10
	// maxDelivery bounds a delivery, in bytes. The platform's own limit is 4.5 MB.
	maxDelivery = 4 << 20
)

// OwnForm reads a form that a page of ours posted; one of another website is
// refused. Our sealed cookies are SameSite=Lax and would not come along with
// it: this says so a second time. Clients that are no browsers send no Origin.
func (r *Request) OwnForm() (url.Values, error) {
	if origin := r.Header.Get("Origin"); origin != "" && origin != r.App.Config.Origin {
		return nil, fail(ForbiddenOrigin, errors.New("the form is not of our own origin"))
	}
	return postedForm(r)
}

// postedForm reads a posted form.
func postedForm(r *Request) (url.Values, error) {
	r.Body = http.MaxBytesReader(nil, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return nil, unreadable(err, "the form cannot be read")
	}
	return r.PostForm, nil
}

// unreadable is the failure of a body that is too large, or that ends early or
// is malformed, which problem says.
func unreadable(err error, problem string) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return fail(TooLarge, err)
	}
	return fail(BadRequest, errors.New(problem))
}

// Delivery reads the events of a webhook delivery. Nothing in it is looked at
// before its signature.
func (r *Request) Delivery() ([]webhook.Event, error) {
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxDelivery))
	if err != nil {
		return nil, unreadable(err, "the body ended early")
	}
	if !webhook.VerifySignature(body, r.Header.Get("X-Hub-Signature-256"), r.App.Config.AppSecrets) {
		return nil, fail(BadSignature, errors.New("not signed with one of the app's secrets"))
	}
	return webhook.ParseDelivery(body)
}

// SignedRequest reads and verifies what Meta posts when a person removes the
// app or asks for erasure.
func (r *Request) SignedRequest() (webhook.SignedRequest, error) {
	form, err := postedForm(r)
	if err != nil {
		return webhook.SignedRequest{}, err
	}
	return webhook.ParseSignedRequest(form.Get("signed_request"), r.App.Config.AppSecrets, r.App.Now())
}

// Challenge returns the challenge of Meta's handshake to whoever knows the
// verify token.
// https://developers.facebook.com/docs/graph-api/webhooks/getting-started#verification-requests
func (r *Request) Challenge() (string, error) {
	query := r.URL.Query()
	if query.Get("hub.mode") != "subscribe" || !r.App.Config.VerifyToken.Equal(query.Get("hub.verify_token")) {
		return "", fail(Forbidden, errors.New("the verify token differs"))
	}
	return query.Get("hub.challenge"), nil
}
