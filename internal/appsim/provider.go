package appsim

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Provider issues JWTs as the provider of its Style does, and serves the key set to check them
// by. It is an http.Handler; the key set is all that it answers.
type Provider struct {
	// Style says whom it plays. It must be set.
	Style Style
	// URL is where it is served, without a slash at the end; it may have a path. It must be set.
	URL string
	// Origin is the app's, for the claim azp of Clerk. Empty: no such claim.
	Origin string
	// Now is the clock. Nil: time.Now.
	Now func() time.Time

	mu      sync.Mutex
	made    int   // generations of keys
	keys    []key // the newest first: it signs
	fetches int
	tokens  []string
}

// Token returns a JWT for a user, good for Style.Lifetime from now, with the changes applied to
// its claims.
func (p *Provider) Token(sub string, changes ...Claims) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := clock(p.Now)
	claims := Claims{
		"iss": p.issuer(), "sub": sub, "iat": now.Unix(), "exp": now.Add(p.Style.Lifetime).Unix(),
	}.with(p.Style.claims(p, sub, now.Unix())).with(changes...)
	signing := p.listed()[0]
	header := Claims{"alg": p.Style.Algorithm, "kid": signing.id}.with(p.Style.header)
	token := compact(header, claims, signer(signing.private))
	p.tokens = append(p.tokens, token)
	return token
}

// Rotate makes a new key, which signs from now on. The former one stays in the key set until the
// next rotation.
func (p *Provider) Rotate() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rotate()
}

// Fetches returns how often the key set was asked for.
func (p *Provider) Fetches() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fetches
}

// Secrets returns the tokens issued so far, for a search of what must not hold them.
func (p *Provider) Secrets() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.tokens)
}

// Settings returns the variables that the founder sets for this provider. JWT_JWKS_URL is left
// out where the default is right, JWT_COOKIE where no cookie holds the JWT.
func (p *Provider) Settings() map[string]string {
	settings := map[string]string{"JWT_ISSUER": p.issuer(), "JWT_AUDIENCE": p.expand(p.Style.audience)}
	standard := strings.TrimSuffix(p.issuer(), "/") + "/.well-known/jwks.json"
	if location := p.URL + p.Style.keySet; location != standard {
		settings["JWT_JWKS_URL"] = location
	}
	if p.Style.Cookie != "" {
		settings["JWT_COOKIE"] = p.Style.Cookie
	}
	return settings
}

// ServeHTTP serves the key set where this provider has it.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	at, err := url.Parse(p.URL)
	if err != nil || r.Method != http.MethodGet || r.URL.Path != at.Path+p.Style.keySet {
		http.NotFound(w, r)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fetches++
	set := map[string][]Claims{"keys": {}}
	for _, k := range p.listed() {
		set["keys"] = append(set["keys"], k.public)
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(set) // a caller who has left needs no answer
}

func (p *Provider) issuer() string { return p.expand(p.Style.issuer) }

// expand puts the provider's own address into a text of the table of styles.
func (p *Provider) expand(text string) string { return strings.ReplaceAll(text, "{URL}", p.URL) }

// listed returns the keys of the key set; the first one signs. p.mu is held.
func (p *Provider) listed() []key {
	if p.made == 0 {
		p.rotate()
	}
	return p.keys
}

func (p *Provider) rotate() {
	var newest []key
	for i := range p.Style.keys {
		newest = append(newest, p.Style.newKey(p.made+i))
	}
	p.made++
	p.keys = append(newest, p.keys...)
	p.keys = p.keys[:min(len(p.keys), 2*p.Style.keys)]
}
