package identity

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"igconnect/lib/secret"
)

// TestSignatures: which signatures count, and that no other does.
func TestSignatures(t *testing.T) {
	t.Parallel()
	keys := private()
	i := newIssuer(t, allKeys())
	app := i.app(atNoon)
	good := func(header members, sign func(string) []byte) string { return compact(header, claim(nil), sign) }
	es := good(members{"alg": "ES256", "kid": "ec"}, es256(keys.ec))
	rs := good(members{"alg": "RS256", "kid": "rsa"}, rs256(keys.rsa))
	ed := good(members{"alg": "EdDSA", "kid": "ed"}, eddsa(keys.ed))
	inPEM, err := x509.MarshalPKIXPublicKey(&keys.ec.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	stray := func(token string) string { // the same signature in another spelling
		const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
		last := len(token) - 1
		return token[:last] + string(alphabet[strings.IndexByte(alphabet, token[last])+1])
	}
	der := func(text string) []byte { // as OpenSSL writes it, not as RFC 7518 says
		hash := sha256.Sum256([]byte(text))
		signature, err := keys.ec.Sign(rand.Reader, hash[:], crypto.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		return signature
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ofLength := func(size int) string { // a good token of that many bytes: base64 has not every length
		for n := 3*size - 2000; n < 3*size; n++ {
			header := members{"alg": "EdDSA", "kid": "ed", "x": strings.Repeat("x", n%4)}
			if token := compact(header, claim(members{"x": strings.Repeat("x", n/4)}), eddsa(keys.ed)); len(token) == size {
				return token
			}
		}
		t.Fatalf("no token has %d bytes", size)
		return ""
	}
	standard := strings.ReplaceAll(part(members{"alg": "EdDSA", "kid": "ed", "x": "????"}), "_", "/") + "." + part(claim(nil))
	for name, c := range map[string]struct {
		token string
		ok    bool
	}{
		"ES256":                   {es, true},
		"RS256":                   {rs, true},
		"EdDSA":                   {ed, true},
		"Ed25519, its new name":   {good(members{"alg": "Ed25519", "kid": "ed"}, eddsa(keys.ed)), true},
		"no kid, one such key":    {good(members{"alg": "ES256"}, es256(keys.ec)), true},
		"typ of an access token":  {good(members{"alg": "ES256", "kid": "ec", "typ": "at+jwt"}, es256(keys.ec)), true},
		"as long as it may be":    {ofLength(8192), true},
		"one byte longer":         {ofLength(8193), false},
		"kid a number":            {good(members{"alg": "ES256", "kid": 7}, es256(keys.ec)), false},
		"kid of another kind":     {good(members{"alg": "ES256", "kid": "rsa"}, es256(keys.ec)), false},
		"another key":             {good(members{"alg": "ES256", "kid": "ec"}, es256(keys.otherEC)), false},
		"another key, no kid":     {good(members{"alg": "ES256"}, es256(keys.otherEC)), false},
		"none":                    {good(members{"alg": "none", "kid": "ec"}, unsigned), false},
		"none, written otherwise": {good(members{"alg": "NoNe", "kid": "ec"}, unsigned), false},
		"no signature":            {good(members{"alg": "ES256", "kid": "ec"}, unsigned), false},
		"a signature of zeros":    {good(members{"alg": "ES256", "kid": "ec"}, func(string) []byte { return make([]byte, 64) }), false},
		"a longer signature":      {good(members{"alg": "ES256", "kid": "ec"}, func(text string) []byte { return append(es256(keys.ec)(text), 0) }), false},
		"DER":                     {good(members{"alg": "ES256", "kid": "ec"}, der), false},
		"no alg":                  {good(members{"kid": "ec"}, es256(keys.ec)), false},
		"alg in small letters":    {good(members{"alg": "es256", "kid": "ec"}, es256(keys.ec)), false},
		"alg a list":              {good(members{"alg": []string{"ES256"}, "kid": "ec"}, es256(keys.ec)), false},
		"Alg":                     {good(members{"Alg": "ES256", "kid": "ec"}, es256(keys.ec)), false},
		"alg twice":               {compact(`{"alg":"none","alg":"ES256","kid":"ec"}`, claim(nil), es256(keys.ec)), false},
		"ES384":                   {good(members{"alg": "ES384", "kid": "ec"}, es256(p384)), false},
		"RS512":                   {good(members{"alg": "RS512", "kid": "rsa"}, rs256(keys.rsa)), false},
		"PS256":                   {good(members{"alg": "PS256", "kid": "rsa"}, rs256(keys.rsa)), false},
		"HS256 by the key":        {good(members{"alg": "HS256", "kid": "ec"}, hs256(string(inPEM))), false},
		"HS256 by nothing":        {good(members{"alg": "HS256", "kid": "ec"}, hs256("")), false},
		"crit":                    {good(members{"alg": "ES256", "kid": "ec", "crit": []string{"b64"}, "b64": true}, es256(keys.ec)), false},
		"an empty crit":           {good(members{"alg": "ES256", "kid": "ec", "crit": []string{}}, es256(keys.ec)), false},
		"its own key":             {good(members{"alg": "ES256", "jwk": ecJWK("", &keys.otherEC.PublicKey)}, es256(keys.otherEC)), false},
		"its own key by its kid":  {good(members{"alg": "ES256", "kid": "ec", "jwk": ecJWK("ec", &keys.otherEC.PublicKey)}, es256(keys.otherEC)), false},
		"its own set":             {good(members{"alg": "ES256", "kid": "ec", "jku": "https://evil.example/jwks.json"}, es256(keys.otherEC)), false},
		"a jwk beside a good one": {good(members{"alg": "ES256", "kid": "ec", "jwk": ecJWK("", &keys.otherEC.PublicKey)}, es256(keys.ec)), true},
		"no header":               {part(claim(nil)) + "." + part(claim(nil)) + ".", false},
		"a header that is null":   {compact(`null`, claim(nil), es256(keys.ec)), false},
		"an end of line":          {strings.Replace(es, ".", "\n.", 1), false},
		"an end of line at last":  {es + "\n", false},
		"a space before":          {" " + es, false},
		"padding":                 {es + "==", false},
		"base64, not base64url":   {standard + "." + base64.RawURLEncoding.EncodeToString(eddsa(keys.ed)(standard)), false},
		"stray bits":              {stray(ed), false},
		"a part missing":          {es[:strings.LastIndex(es, ".")], false},
		"a part more":             {es + ".x", false},
		"five parts":              {"a.b.c.d.e", false},
		"two dots":                {"..", false},
		"dots":                    {strings.Repeat(".", maxToken), false},
		"nothing":                 {"", false},
		"claims of one, signature of the other": {
			compact(members{"alg": "ES256", "kid": "ec"}, claim(members{"sub": "eve"}), unsigned) + es[strings.LastIndex(es, ".")+1:], false,
		},
	} {
		user, err := app.CurrentUser(t.Context(), bearer(c.token))
		if (user == "ada") != c.ok || !c.ok && (user != "" || !errors.Is(err, ErrSignedOut)) {
			t.Errorf("%s: %q, %v", name, user, err)
		}
	}
	i.expect(t, 1, "all these")
}

// TestNothingSet: what is not set checks nothing, so it lets nobody in.
func TestNothingSet(t *testing.T) {
	t.Parallel()
	app := newIssuer(t, allKeys()).app(atNoon)
	for name, c := range map[string]struct {
		issuer, audience string
		claims           members
	}{
		"no issuer":                 {"", ours, members{"iss": nil}},
		"no issuer, an empty claim": {"", ours, members{"iss": ""}},
		"no audience":               {issuerURL, "", members{"aud": nil}},
		"no audience, an empty one": {issuerURL, "", members{"aud": []string{"", "x"}}},
	} {
		app.Issuer, app.Audience = c.issuer, c.audience
		token := compact(members{"alg": "ES256", "kid": "ec"}, claim(c.claims), es256(private().ec))
		if user, err := app.CurrentUser(t.Context(), bearer(token)); user != "" || !errors.Is(err, ErrSignedOut) {
			t.Errorf("%s: %q, %v", name, user, err)
		}
	}
}

// TestReasons: the log says why a token is none, in words that hold nothing of it.
func TestReasons(t *testing.T) {
	t.Parallel()
	app := newIssuer(t, allKeys()).app(atNoon)
	for want, claims := range map[string]members{
		"expired":   {"exp": after(-time.Hour)},
		"issuer":    {"iss": "https://hidden.example/"},
		"audience":  {"aud": "hidden"},
		"client_id": {"aud": nil, "client_id": "hidden"},
		"azp":       {"azp": "https://hidden.example"},
		"sts":       {"sts": "hidden"},
		"sub":       {"sub": []string{"hidden"}},
		"control":   {"sub": "hidden\n"},
		"255":       {"sub": strings.Repeat("hidden", 50)},
		"signature": {"sub": "hidden"},
	} {
		token := compact(members{"alg": "ES256", "kid": "ec"}, claim(claims), es256(private().otherEC))
		_, err := app.CurrentUser(t.Context(), bearer(token))
		if !errors.Is(err, ErrSignedOut) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// TestCredentials: a script's Bearer counts before the form, and the form before the
// cookie; and of the cookies each.
func TestCredentials(t *testing.T) {
	t.Parallel()
	app := newIssuer(t, allKeys()).app(atNoon)
	token := func(sub string, ends time.Duration) string {
		return compact(members{"alg": "EdDSA", "kid": "ed"}, claim(members{"sub": sub, "exp": after(ends)}), eddsa(private().ed))
	}
	forged := func(sub string, ends time.Duration) string {
		return compact(members{"alg": "ES256", "kid": "ec"}, claim(members{"sub": sub, "exp": after(ends)}), es256(private().otherEC))
	}
	in := func(tokens ...string) (cookies []*http.Cookie) {
		for _, token := range tokens {
			cookies = append(cookies, &http.Cookie{Name: "session", Value: token})
		}
		return cookies
	}
	ada, eve, lin := token("ada", time.Minute), token("eve", 2*time.Minute), secret.New(token("lin", time.Minute))
	nothing := secret.New("")
	for name, c := range map[string]struct {
		credentials Credentials
		want        string
	}{
		"nothing":                                  {Credentials{}, ""},
		"the Bearer":                               {Credentials{Bearer: &lin, Form: &nothing, Cookies: in(ada)}, "lin"},
		"an empty Bearer":                          {Credentials{Bearer: &nothing, Form: &lin, Cookies: in(ada)}, ""},
		"the form":                                 {Credentials{Form: &lin, Cookies: in(ada)}, "lin"},
		"an empty form":                            {Credentials{Form: &nothing, Cookies: in(ada)}, ""},
		"the cookie":                               {Credentials{Cookies: in(ada)}, "ada"},
		"a cookie of another name":                 {Credentials{Cookies: []*http.Cookie{{Name: "session2", Value: ada}}}, ""},
		"the same twice":                           {Credentials{Cookies: in(ada, ada)}, "ada"},
		"an older one of the same user":            {Credentials{Cookies: in(token("ada", -time.Hour), ada)}, "ada"},
		"a forged one that ends later":             {Credentials{Cookies: in(ada, forged("ada", time.Hour))}, "ada"},
		"a forged one of another":                  {Credentials{Cookies: in(forged("eve", time.Hour), ada)}, "ada"},
		"an expired one of another":                {Credentials{Cookies: in(token("eve", -time.Hour), ada)}, "ada"},
		"what is no token":                         {Credentials{Cookies: in("x", ada, "a.b.c")}, "ada"},
		"two users":                                {Credentials{Cookies: in(ada, eve)}, ""},
		"two users, the other way round":           {Credentials{Cookies: in(eve, ada)}, ""},
		"three forged ones":                        {Credentials{Cookies: in(forged("a", 3*time.Hour), forged("b", 2*time.Hour), forged("c", time.Hour), ada)}, "ada"},
		"four forged ones":                         {Credentials{Cookies: in(forged("a", 3*time.Hour), forged("b", 2*time.Hour), forged("c", time.Hour), forged("d", time.Hour), ada)}, ""},
		"forged ones hide that there are two":      {Credentials{Cookies: in(eve, forged("a", 90*time.Second), forged("b", 90*time.Second), forged("c", 90*time.Second), ada)}, ""},
		"a user of a uuid, written in another way": {Credentials{Cookies: in(token(user, time.Minute), token(strings.ToUpper(user), time.Minute))}, ""},
	} {
		got, err := app.CurrentUser(t.Context(), c.credentials)
		if got != c.want || errors.Is(err, ErrSignedOut) != (c.want == "") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}

	without := app
	without.Cookie = ""
	nameless := []*http.Cookie{{Value: ada}}
	if got, err := without.CurrentUser(t.Context(), Credentials{Cookies: nameless}); got != "" || !errors.Is(err, ErrSignedOut) {
		t.Errorf("no cookie is set: %q, %v", got, err)
	}
	for name, c := range map[string]struct {
		app     JWT
		cookies []*http.Cookie
		want    bool
	}{
		"nobody":             {app, nil, false},
		"the user":           {app, in(ada), false},
		"expired":            {app, in(token("ada", -time.Hour)), false},
		"another":            {app, in(eve), true},
		"both":               {app, in(eve, ada), false},
		"no user's":          {app, in("x", compact(members{}, members{"sub": 7}, unsigned)), false},
		"Sub, which is none": {app, in(compact(members{}, members{"Sub": "eve"}, unsigned)), false},
		"of another name":    {app, []*http.Cookie{{Name: "session2", Value: eve}}, false},
		"Supabase's":         {app, cookiesOf(cookie + "=" + wrapped(`{"access_token":"`+tokenOf(user)+`"}`)), false},
		"no cookie is set":   {without, []*http.Cookie{{Value: eve}}, false},
	} {
		if got := c.app.OnlyOthers(c.cookies, "ada"); got != c.want {
			t.Errorf("%s: OnlyOthers = %v", name, got)
		}
	}
}

func TestValidID(t *testing.T) {
	t.Parallel()
	for id, ok := range map[string]bool{
		"1": true, " ": true, "auth0|65f0": true, "a/b": true, "\u200f": true, "\ufffd": true, "\U0010ffff": true,
		strings.Repeat("x", 255): true, strings.Repeat("😀", 255): true,
		"": false, strings.Repeat("x", 256): false, strings.Repeat("😀", 256): false,
		"\x00": false, "a\tb": false, "\x7f": false, "\u0080": false, "\u009f": false, "\xff": false, "a\xed\xa0\x80": false,
	} {
		if err := ValidID(id); (err == nil) != ok || err != nil && len(id) > 2 && strings.Contains(err.Error(), id) {
			t.Errorf("%q: %v", id, err)
		}
	}
}
