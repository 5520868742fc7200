package identity

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"igconnect/lib/secret"
)

// NoAudience is a [JWT.Audience]: tokens of the issuer carry none, as those of Clerk
// and WorkOS. One that does is refused then.
const NoAudience = "none"

// JWT knows the users of an app by the JSON Web Tokens of the app's own issuer, verified
// with the keys that it publishes. All fields but Cookie and Origins must be set.
type JWT struct {
	Issuer   string   // the claim iss, byte for byte
	Audience string   // one of the claim aud, or client_id where there is no aud; or [NoAudience]
	Cookie   string   // the cookie that holds the token itself; "": none does
	Origins  []string // of the app's pages and ours: a claim azp that is an origin must be one of them
	Keys     *KeySet
	Now      func() time.Time
}

// algorithms are those that a token may be signed with, by the names in its header.
// "Ed25519" is EdDSA's new name (RFC 9864). HS256 is for tickets alone: a public key
// must never be taken for a secret.
var algorithms = map[string]jwt.SigningMethod{
	"ES256":   jwt.SigningMethodES256,
	"RS256":   jwt.SigningMethodRS256,
	"EdDSA":   jwt.SigningMethodEdDSA,
	"Ed25519": jwt.SigningMethodEdDSA,
}

// CurrentUser implements [Source]: the token is a script's Bearer, else in the form of a
// POST, else in the cookie. It makes no call while the keys are fresh.
func (j JWT) CurrentUser(ctx context.Context, c Credentials) (user string, err error) {
	return oneUser(ctx, c.tokens(j.inCookie), subject, j.verify)
}

// OnlyOthers implements [Source].
func (j JWT) OnlyOthers(cookies []*http.Cookie, user string) bool {
	return onlyOthers(j.inCookie(cookies), subject, user)
}

func (j JWT) inCookie(cookies []*http.Cookie) (tokens []secret.String) {
	if j.Cookie != "" {
		for _, value := range values(cookies, j.Cookie) {
			tokens = append(tokens, secret.New(value))
		}
	}
	return latestFirst(tokens)
}

// subject reads the user's id from a token without verifying anything, and reports
// whether there is one.
func subject(token secret.String) (string, bool) {
	user, err := unverified(token).user()
	return user, err == nil
}

// verify returns the user's id of a token. What it claims comes first: a token that is of
// no use costs no look-up of keys.
func (j JWT) verify(ctx context.Context, sent secret.String) (user string, err error) {
	refused := func(reason error) (string, error) { return "", fmt.Errorf("%w: %w", ErrSignedOut, reason) }
	t, err := readToken(sent.Reveal())
	if err != nil {
		return refused(err)
	}
	name, _ := t.header.text("alg")
	algorithm, ok := algorithms[name]
	if !ok {
		return refused(errors.New("the algorithm is not ES256, RS256 or EdDSA"))
	}
	if user, err = j.check(t.claims); err != nil {
		return refused(err)
	}
	kid, ok := t.header.text("kid")
	if _, there := t.header["kid"]; there && !ok {
		return refused(errors.New("kid is no text"))
	}
	keys, err := j.Keys.matching(ctx, kid, algorithm.Alg())
	if err != nil {
		return "", err
	}
	if len(keys) == 0 {
		return refused(errors.New("the issuer has no such key"))
	}
	for _, public := range keys {
		if algorithm.Verify(t.signed, t.signature, public) == nil {
			return user, nil
		}
	}
	return refused(errors.New("the signature is another's"))
}

// check returns the user's id if the claims are those of a session at our app.
func (j JWT) check(c claims) (user string, err error) {
	if j.Issuer == "" || j.Audience == "" {
		return "", errors.New("no issuer or no audience is set")
	}
	options := []jwt.ParserOption{jwt.WithIssuer(j.Issuer)}
	_, bound := c.object["aud"]
	switch client, ok := c.text("client_id"); {
	case j.Audience != NoAudience && !bound && ok: // Cognito's access tokens
		if client != j.Audience {
			return "", errors.New("client_id is another audience")
		}
	case j.Audience != NoAudience:
		options = append(options, jwt.WithAudience(j.Audience))
	case bound:
		return "", errors.New("it has an audience")
	}
	if err := c.check(j.Now, options...); err != nil {
		return "", err
	}
	if azp, err := c.optional("azp"); err != nil {
		return "", err
	} else if origin := PageOrigin(azp); origin != "" && !slices.Contains(j.Origins, origin) {
		return "", errors.New("azp is another origin")
	}
	if sts, err := c.optional("sts"); err != nil || cmp.Or(sts, active) != active {
		return "", errors.New("the session is not active (sts)")
	}
	return c.user()
}

// active is Clerk's sts of a session in which no step of the sign-in is left to do.
const active = "active"

// PageOrigin returns the origin that the claim azp is, in lower case. With some issuers it is
// a client id, which says nothing about pages: then it returns "".
func PageOrigin(azp string) string {
	address, err := url.Parse(azp)
	if err != nil || address.Host == "" || strings.Trim(address.Path, "/") != "" {
		return ""
	}
	return strings.ToLower(address.Scheme + "://" + address.Host)
}
