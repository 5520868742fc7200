package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"igconnect/lib/identity"
	"igconnect/lib/note"
)

// askApp seals a state for a user who is not known yet, and sends the browser to the app's backend,
// which vouches for whoever is signed in there. A form that posts a token has said already who it
// means: where tokens count for nothing, that one is signed out.
func askApp(r *Request, cause error) (Response, error) {
	if r.App.Config.JWTIssuer == "" && r.Method == http.MethodPost && r.PostFormValue("access_token") != "" {
		return Response{}, cause
	}
	nonce, err := r.App.Connect.States.AwaitTicket(r.Jar, r.Login)
	if err != nil {
		return Response{}, err
	}
	vouch, err := url.Parse(r.App.Config.VouchURL)
	if err != nil {
		return Response{}, fail(Misconfigured, err)
	}
	query := vouch.Query()
	query.Set("nonce", nonce)
	vouch.RawQuery = query.Encode()
	note.Add(r.Context(), "vouch", true)
	return Redirect(http.StatusFound, vouch.String()), nil
}

// BringsTicket reports whether the address brings a ticket, or what should be one. Such a login is
// never sent to VOUCH_URL again: it would go round and round.
func BringsTicket(r *Request) bool {
	return r.App.Tickets != nil && len(valuesOf(r.URL.RawQuery, "ticket")) > 0
}

// OpenTicket opens the one ticket of the address. The error is [identity.ErrTicket].
func OpenTicket(r *Request) (identity.Ticket, error) {
	all := valuesOf(r.URL.RawQuery, "ticket")
	if len(all) != 1 {
		return identity.Ticket{}, fmt.Errorf("%w: there are %d in the address", identity.ErrTicket, len(all))
	}
	return r.App.Tickets.Open(all[0])
}

// valuesOf are the values that a name has in a query. What is not well escaped, which [url.Values]
// leaves out, is there, too, as it is.
func valuesOf(query, name string) (values []string) {
	for pair := range strings.SplitSeq(query, "&") {
		key, value, _ := strings.Cut(pair, "=")
		if unescaped, err := url.QueryUnescape(key); err != nil || unescaped != name {
			continue
		}
		if unescaped, err := url.QueryUnescape(value); err == nil {
			value = unescaped
		}
		values = append(values, value)
	}
	return values
}
