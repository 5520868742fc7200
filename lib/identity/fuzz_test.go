package identity

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"igconnect/lib/secret"
)

// secondLook takes a token apart with the standard library alone: what its signature is
// of, the signature, and its sub as encoding/json reads it.
func secondLook(text string) (signed string, signature []byte, sub any) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return "", nil, nil
	}
	signature, _ = base64.RawURLEncoding.DecodeString(parts[2])
	payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
	var claims map[string]any
	_ = json.Unmarshal(payload, &claims)
	return parts[0] + "." + parts[1], signature, claims["sub"]
}

// reasons are all that errors say, so that none can say what a token holds.
var reasons = strings.Split("signed out|ticket rejected|it is longer than 8 KB|it has not three parts|it is not base64url|"+
	"a part of it is no JSON object|two members have one name|it demands an extension (crit)|"+
	"the algorithm is not ES256|RS256 or EdDSA|the algorithm is not HS256|kid is no text|"+
	"the issuer has no such key|the signature is another's|"+
	"token is expired|token is not valid yet|token used before issued|token has invalid issuer|token has invalid audience|"+
	"token is missing required claim|exp claim is required|iss claim is required|aud claim is required|"+
	"exp is no time in seconds|nbf is no time in seconds|iat is no time in seconds|iss is no text|azp is no text|sub is no text|"+
	"aud is neither a text nor an array of texts|client_id is another audience|it has an audience|"+
	"it has other audiences as well|it lives for more than 5 minutes|azp is another origin|the session is not active (sts)|"+
	"the id is empty|the id has more than 255 characters|the id has a control character|it has no nonce|it has a nonce", "|")

// onlyReasons reports whether an error, if there is one, consists of reasons.
func onlyReasons(err error) bool {
	if err == nil {
		return true
	}
	said := strings.Split(strings.ReplaceAll(err.Error(), ", ", ": "), ": ")
	return !slices.ContainsFunc(said, func(one string) bool { return !slices.Contains(reasons, one) })
}

// FuzzJWT gives a token as it is, and a header and claims that are signed: nobody comes out
// without the issuer's signature over a sub of that name, and no error holds any of it.
func FuzzJWT(f *testing.F) {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	i := newIssuer(f, published(edJWK("ed", key)))
	app := i.app(atNoon)
	text, _ := json.Marshal(claim(nil))
	f.Add(`{"alg":"EdDSA","kid":"ed"}`, string(text))
	f.Add(`{"alg":"Ed25519"}`, strings.Replace(string(text), "ada", `\ud83d\ude00`, 1))
	f.Add(`{"alg":"EdDSA","crit":[]}`, strings.Replace(string(text), "ada", `\ud83d`, 1))
	f.Add(`{"alg":"HS256"}`, strings.Replace(string(text), `"aud"`, `"client_id"`, 1))
	f.Add("eyJhbGciOiJub25lIn0.e30.", `{"sub":"a","sub":"b"}`)
	f.Fuzz(func(t *testing.T, header, claims string) {
		for _, token := range []string{header, compact(header, claims, unsigned), compact(header, claims, eddsa(key))} {
			user, err := app.CurrentUser(t.Context(), bearer(token))
			cookie := []*http.Cookie{{Name: app.Cookie, Value: token}}
			again, _ := app.CurrentUser(t.Context(), Credentials{Cookies: cookie})
			signed, signature, sub := secondLook(token)
			switch {
			case (user == "") != errors.Is(err, ErrSignedOut) || again != user:
				t.Errorf("%q, %q by the cookie, %v", user, again, err)
			case !onlyReasons(err):
				t.Errorf("the error of %q holds more than a reason: %v", token, err)
			case user == "":
			case !ed25519.Verify(key.Public().(ed25519.PublicKey), []byte(signed), signature):
				t.Errorf("%q of a token that nobody signed", user)
			case sub != any(user) || ValidID(user) != nil || len(token) > 8192:
				t.Errorf("%q of a token of %v", user, sub)
			case app.OnlyOthers(cookie, user) || !app.OnlyOthers(cookie, user+"x"):
				t.Errorf("%q is not named by the own token", user)
			}
		}
	})
}

// FuzzTicket gives a ticket as it is, and a header and claims that are signed.
func FuzzTicket(f *testing.F) {
	text, _ := json.Marshal(says(members{"name": "Ada"}))
	f.Add(`{"alg":"HS256"}`, string(text))
	f.Add(`{"alg":"HS256","typ":"JWT"}`, strings.Replace(string(text), "nonce", "once", 1))
	f.Add(`{"alg":"none"}`, strings.Replace(string(text), "Ada", `\u202e\ud83d\ude00`, 1))
	f.Add("eyJhbGciOiJub25lIn0.e30.", `{"sub":"a","sub":"b"}`)
	f.Fuzz(func(t *testing.T, header, claims string) {
		for _, text := range []string{header, compact(header, claims, unsigned), compact(header, claims, hs256(newSecret))} {
			ticket, err := tickets().Open(text)
			user, ofServer := tickets().OfServer(secret.New(text))
			signed, signature, sub := secondLook(text)
			mac := hmac.New(sha256.New, []byte(newSecret))
			mac.Write([]byte(signed))
			switch {
			case (ticket == Ticket{}) != errors.Is(err, ErrTicket) || (user == "") != errors.Is(ofServer, ErrSignedOut):
				t.Errorf("%v, %v; %q, %v", ticket, err, user, ofServer)
			case !onlyReasons(err) || !onlyReasons(ofServer):
				t.Errorf("the errors of %q hold more than a reason: %v, %v", text, err, ofServer)
			case err != nil && ofServer != nil:
			case err == nil && ofServer == nil:
				t.Errorf("%q is for a browser and for a server", text)
			case !hmac.Equal(mac.Sum(nil), signature) || !IsTicket(secret.New(text)):
				t.Errorf("%q was signed by nobody", text)
			case sub != any(ticket.User.ID+user) || ValidID(ticket.User.ID+user) != nil || len(text) > 8192:
				t.Errorf("%q of a ticket of %v", ticket.User.ID+user, sub)
			case err == nil && ticket.Nonce == "", utf8.RuneCountInString(ticket.User.Name) > 100,
				strings.ContainsFunc(ticket.User.Name, unicode.IsControl), strings.Contains(ticket.User.Name, "\u202e"):
				t.Errorf("%+v", ticket)
			}
		}
	})
}

// FuzzKeySet gives what the address of the keys answers, and one key of it: keys that come
// out verify what they were made for and panic at nothing, and no answer is both good and bad.
func FuzzKeySet(f *testing.F) {
	f.Add(allKeys(), `{"kty":"EC"}`)
	f.Add(`{"keys":{}}`, strings.TrimSuffix(strings.TrimPrefix(published(edJWK("ed", private().ed)), `{"keys":[`), `]}`))
	f.Add(`{"keys":[null,7,{"kty":"oct"}]}`, `{"kty":"RSA","e":"AQAB","n":"`+modulus(2048)+`"}`)
	f.Fuzz(func(t *testing.T, body, one string) {
		for _, body := range []string{body, `{"keys":[` + one + `]}`} {
			keys, err := readKeys([]byte(body))
			ambiguous := err != nil && errors.Is(err, ErrNoKey) == errors.Is(err, ErrUnavailable)
			if (len(keys) == 0) == (err == nil) || len(keys) > 20 || ambiguous {
				t.Errorf("%d keys, %v", len(keys), err)
			}
			if err == nil && !json.Valid([]byte(body)) {
				t.Errorf("%d keys of what is no JSON", len(keys))
			}
			for _, k := range keys {
				if found, known := pick(keys, k.id, k.algorithm); !known || k.id != "" && len(found) == 0 {
					t.Errorf("the key %q is not found", k.id)
				}
				for _, signature := range [][]byte{nil, make([]byte, 64), make([]byte, 256)} {
					_ = algorithms[k.algorithm].Verify("a.b", signature, k.public)
				}
			}
		}
	})
}
