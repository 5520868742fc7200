package web

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"igconnect/lib/app"
	"igconnect/lib/connect"
	"igconnect/lib/identity"
	"igconnect/lib/note"
	"igconnect/lib/sealed"
	"igconnect/lib/secret"
	"igconnect/lib/webhook"
)

// Request is one request on its way through a function. [Serve] makes it.
type Request struct {
	*http.Request          // its context ends with the route's limit
	App           *app.App // the deployment that it came to
	ID            string   // to quote when asking for help
	Jar           *sealed.Jar

	// Login is what the person asked for, once that is known and checked: pages
	// lead back with it.
	Login connect.LoginOptions
	// User is for whom a login goes on, once that is known: pages name that one.
	User identity.User
}

// Need fails if one of the variables is missing or broken.
func (r *Request) Need(variables []string) error {
	if err := r.App.Problems.Among(variables); err != nil {
		return fail(Misconfigured, err)
	}
	return nil
}

// CurrentUser returns the id of the app's user who asks, by the session that came
// along and nothing else.
func (r *Request) CurrentUser() (user string, err error) {
	credentials := identity.Credentials{Cookies: r.Cookies()}
	if token, ok := bearer(r); ok {
		credentials.Bearer = &token
	} else if r.Method == http.MethodPost {
		form := secret.New(r.PostFormValue("access_token"))
		credentials.Form = &form
	}
	if user, err = r.App.Identity.CurrentUser(r.Context(), credentials); err == nil {
		note.Add(r.Context(), "user_id", user)
	}
	return user, err
}

// AccountsUser returns the id of the user whose accounts are asked for, and reports
// whether the app's server asks, which a ticket proves; else [Request.CurrentUser] does.
func (r *Request) AccountsUser() (user string, byServer bool, err error) {
	token, ok := bearer(r)
	if !ok || r.App.Tickets == nil || !identity.IsTicket(token) {
		user, err = r.CurrentUser()
		return user, false, err
	}
	if user, err = r.App.Tickets.OfServer(token); err == nil {
		note.Add(r.Context(), "user_id", user)
	}
	return user, true, err
}

// Resume goes on with what a user began, as it was sealed in this browser. It fails
// with [connect.ErrUserChanged] if the browser now holds the session of somebody else,
// and none of that user. Without a session that user counts. The session is not
// verified here: it can only stop a login, never start one. Where to be afterwards
// must be allowed still.
func (r *Request) Resume(user identity.User, options connect.LoginOptions) error {
	note.Add(r.Context(), "user_id", user.ID)
	r.User = user
	if !returnToAllowed(options.ReturnTo, r.App.Config.AllowedOrigins) {
		options.ReturnTo = ""
	}
	r.Login = options
	if r.App.Identity.OnlyOthers(r.Cookies(), user.ID) {
		return connect.ErrUserChanged
	}
	return nil
}

// ByOperator fails without the secret of the cron job and the operator. An empty
// secret admits nobody.
func (r *Request) ByOperator() error {
	sent, ok := bearer(r)
	if !ok || !r.App.Config.CronSecret.Equal(sent.Reveal()) {
		return fail(Unauthorized, errors.New("the cron secret differs"))
	}
	return nil
}

// bearer is the token that a script sent. A browser never sends one by itself.
func bearer(r *Request) (secret.String, bool) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return secret.New(strings.TrimSpace(token)), strings.EqualFold(scheme, "Bearer")
}

// byScript reports whether a script asks, which gets an answer instead of a
// redirect.
func byScript(r *Request) bool {
	_, ok := bearer(r)
	return ok
}

// Note adds a field of docs/reference.md to the request's log record.
func (r *Request) Note(key string, value any) { note.Add(r.Context(), key, value) }

const (
	// maxForm bounds a form of ours, in bytes: some 2,000 chosen accounts.
	maxForm = 64 << 10
	// maxDelivery bounds a delivery, in bytes: the platform's own limit of 4.5 MB,
	// whatever it takes for a MB. What it lets through would be refused again and again.
	maxDelivery = 9 << 19
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
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
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
