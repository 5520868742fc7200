package web

import (
	"errors"
	"net/http"
	"strings"

	"igconnect/lib/app"
	"igconnect/lib/connect"
	"igconnect/lib/identity"
	"igconnect/lib/note"
	"igconnect/lib/sealed"
	"igconnect/lib/secret"
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
func (r *Request) CurrentUser() (string, error) {
	credentials := identity.Credentials{Cookies: r.Cookies()}
	if token, ok := bearer(r); ok {
		credentials.Bearer = &token
	} else if r.Method == http.MethodPost {
		form := secret.New(r.PostFormValue("access_token"))
		credentials.Form = &form
	}
	user, err := r.App.Identity.CurrentUser(r.Context(), credentials)
	if err == nil {
		note.Add(r.Context(), "user_id", user)
	}
	return user, err
}

// SameUser fails with [connect.ErrUserChanged] if the browser now holds the
// session of somebody else than the user who began. Without a session that user
// counts. The session is not verified here: it can only stop a login, never
// start one.
func (r *Request) SameUser(user string) error {
	note.Add(r.Context(), "user_id", user)
	if now, known := r.App.Identity.BrowserUser(r.Cookies()); known && now != user {
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
