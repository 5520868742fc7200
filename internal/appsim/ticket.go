package appsim

import (
	"crypto/hmac"
	"crypto/sha256"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// ticketLife is how long a ticket is good. igconnect takes five minutes at most.
const ticketLife = time.Minute

// vouch tells igconnect who is signed in: the route that docs/users.md shows. Nobody is vouched
// for who is not, and the ticket goes to one address, which no request changes.
func (a *App) vouch(w http.ResponseWriter, r *http.Request) {
	if a.Secret == "" {
		a.problem(w, http.StatusNotFound, "This app signs no tickets.")
		return
	}
	person, signedIn := a.SignedIn(r)
	if !signedIn && a.VouchesForStrangers && len(a.People) > 0 {
		person, signedIn = a.People[0], true
	}
	elsewhere, led := a.openRedirect(r)
	if !signedIn {
		signIn := url.URL{Path: a.Prefix + "/sign-in", RawQuery: url.Values{"next": {r.URL.RequestURI()}}.Encode()}
		if led {
			signIn = *elsewhere
		}
		http.Redirect(w, r, signIn.String(), http.StatusFound)
		return
	}
	// A ticket without a nonce is one of the app's server, and not for a browser's address bar.
	nonce := r.URL.Query().Get("nonce")
	if nonce == "" {
		a.problem(w, http.StatusBadRequest, "Please begin with the button on our page.")
		return
	}
	ticket := a.Ticket(person, nonce)
	location := a.Igconnect + "/api/login?ticket=" + ticket
	if led {
		query := elsewhere.Query()
		query.Set("ticket", ticket)
		elsewhere.RawQuery = query.Encode()
		location = elsewhere.String()
	}
	http.Redirect(w, r, location, http.StatusFound)
}

// openRedirect returns the address out of the query that the app must not follow, and whether it
// does so by mistake.
func (a *App) openRedirect(r *http.Request) (address *url.URL, led bool) {
	if !a.OpenRedirect {
		return nil, false
	}
	query := r.URL.Query()
	for _, name := range redirectNames {
		if address, err := url.Parse(query.Get(name)); err == nil && address.IsAbs() {
			return address, true
		}
	}
	return nil, false
}

// Ticket signs a ticket for the browser that has the nonce, with the changes applied to its claims.
func (a *App) Ticket(person Person, nonce string, changes ...Claims) string {
	claims := Claims{"nonce": nonce}
	if person.Name != "" {
		claims["name"] = person.Name
	}
	return a.sign(person.ID, append([]Claims{claims}, changes...))
}

// ServerTicket signs the ticket with which the app's server asks /api/accounts for a user: it has
// no nonce. The changes are applied to its claims.
func (a *App) ServerTicket(sub string, changes ...Claims) string { return a.sign(sub, changes) }

// sign signs with HMAC-SHA256, which is HS256 (RFC 7518, section 3.2).
func (a *App) sign(sub string, changes []Claims) string {
	now := clock(a.Now)
	claims := Claims{
		"sub": sub, "aud": a.Igconnect, "iat": now.Unix(), "exp": now.Add(ticketLife).Unix(),
	}.with(changes...)
	ticket := compact(Claims{"alg": "HS256"}, claims, func(input []byte) []byte {
		mac := hmac.New(sha256.New, []byte(a.Secret))
		mac.Write(input)
		return mac.Sum(nil)
	})
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tickets = append(a.tickets, ticket)
	return ticket
}

// Secrets returns the tickets and tokens signed so far, for a search of what must not hold them.
func (a *App) Secrets() []string {
	a.mu.Lock()
	secrets := slices.Clone(a.tickets)
	a.mu.Unlock()
	if a.Provider != nil {
		secrets = append(secrets, a.Provider.Secrets()...)
	}
	return secrets
}
