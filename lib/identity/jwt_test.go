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

// TestClaims: what a well signed token must say, on both sides of each limit.
func TestClaims(t *testing.T) {
	t.Parallel()
	i := newIssuer(t, allKeys())
	app := i.app(atNoon)
	free := app // of an issuer whose tokens have no audience
	free.Audience = NoAudience
	long := strings.Repeat("ä", 255)
	list := func(of ...any) []any { return of }
	for _, c := range []struct {
		name   string
		claims any // changes to good ones, or the JSON itself
		want   string
		free   bool // for [NoAudience]
	}{
		{"good", members{}, "ada", false},
		{"expired, within the leeway", members{"exp": after(-9 * time.Second)}, "ada", false},
		{"expired by a part of a second", members{"exp": after(-9990 * time.Millisecond)}, "ada", false},
		{"expired", members{"exp": after(-10 * time.Second)}, "", false},
		{"exp a float", members{"exp": after(1500 * time.Millisecond)}, "ada", false},
		{"exp far away", members{"exp": 253402300799}, "ada", false},
		{"exp in milliseconds", members{"exp": noon.UnixMilli()}, "", false},
		{"exp beyond all numbers", `{"iss":"` + issuerURL + `","aud":"` + ours + `","sub":"ada","exp":1e999}`, "", false},
		{"no exp", members{"exp": nil}, "", false},
		{"exp 0", members{"exp": 0}, "", false},
		{"exp below 0", members{"exp": -1}, "", false},
		{"exp a text", members{"exp": "2000000000"}, "", false},
		{"exp a list", members{"exp": list(2e9)}, "", false},
		{"exp true", members{"exp": true}, "", false},
		{"nbf past", members{"nbf": after(-time.Hour)}, "ada", false},
		{"nbf within the leeway", members{"nbf": after(10 * time.Second)}, "ada", false},
		{"nbf to come", members{"nbf": after(11 * time.Second)}, "", false},
		{"nbf below all numbers that an int64 has", members{"nbf": -1e300}, "", false},
		{"nbf a text", members{"nbf": "0"}, "", false},
		{"iat to come: only nbf says from when", members{"iat": after(time.Hour)}, "ada", false},
		{"no iss", members{"iss": nil}, "", false},
		{"iss without its slash", members{"iss": strings.TrimSuffix(issuerURL, "/")}, "", false},
		{"iss in other letters", members{"iss": strings.ToUpper(issuerURL)}, "", false},
		{"iss a list", members{"iss": list(issuerURL)}, "", false},
		{"iss empty", members{"iss": ""}, "", false},
		{"aud a list", members{"aud": list("x", ours)}, "ada", false},
		{"aud a list of others", members{"aud": list("x", "y")}, "", false},
		{"aud an empty list", members{"aud": list()}, "", false},
		{"aud a list with a number", members{"aud": list(ours, 1)}, "", false},
		{"aud a list in a list", members{"aud": list(list(ours))}, "", false},
		{"aud a number", members{"aud": 7}, "", false},
		{"aud an object", members{"aud": members{ours: true}}, "", false},
		{"aud empty", members{"aud": ""}, "", false},
		{"aud begins like ours", members{"aud": ours + ".evil.example"}, "", false},
		{"aud none, the word", members{"aud": "none"}, "", false},
		{"no aud", members{"aud": nil}, "", false},
		{"aud null", `{"iss":"` + issuerURL + `","aud":null,"client_id":"` + ours + `","sub":"ada","exp":1e10}`, "", false},
		{"client_id instead", members{"aud": nil, "client_id": ours}, "ada", false},
		{"another client_id", members{"aud": nil, "client_id": "other"}, "", false},
		{"client_id a list", members{"aud": nil, "client_id": list(ours)}, "", false},
		{"client_id beside another aud", members{"aud": "other", "client_id": ours}, "", false},
		{"client_id beside an empty aud", members{"aud": list(), "client_id": ours}, "", false},
		{"another client_id beside our aud", members{"client_id": "other"}, "ada", false},
		{"none expected, none there", members{"aud": nil}, "ada", true},
		{"none expected, one there", members{}, "", true},
		{"none expected, the word there", members{"aud": "none"}, "", true},
		{"none expected, an empty one there", members{"aud": ""}, "", true},
		{"none expected, an empty list there", members{"aud": list()}, "", true},
		{"none expected, a client_id there", members{"aud": nil, "client_id": "client_01"}, "ada", true},
		{"none expected, another issuer", members{"aud": nil, "iss": "https://other.example/"}, "", true},
		{"azp of the app", members{"azp": "https://app.example.com"}, "ada", false},
		{"azp ours", members{"azp": ours}, "ada", false},
		{"azp in capitals", members{"azp": "HTTPS://APP.example.com"}, "ada", false},
		{"azp with a slash", members{"azp": "https://app.example.com/"}, "ada", false},
		{"azp of another port", members{"azp": "https://app.example.com:8443"}, "", false},
		{"azp over http", members{"azp": "http://app.example.com"}, "", false},
		{"azp of another site", members{"azp": "https://evil.example"}, "", false},
		{"azp of another site with a slash", members{"azp": "https://evil.example/"}, "", false},
		{"azp of an extension", members{"azp": "chrome-extension://abcdef"}, "", false},
		{"azp a client id", members{"azp": "4pb3s1q2.apps.googleusercontent.com"}, "ada", false},
		{"azp a client id that is an address", members{"azp": "https://tool.example/oauth/client.json"}, "ada", false},
		{"azp a list", members{"azp": list("https://app.example.com")}, "", false},
		{"sts active", members{"sts": "active"}, "ada", false},
		{"sts pending", members{"sts": "pending"}, "", false},
		{"sts true", members{"sts": true}, "", false},
		{"no sub", members{"sub": nil}, "", false},
		{"sub a number", members{"sub": 42}, "", false},
		{"sub a list", members{"sub": list("ada")}, "", false},
		{"sub null", `{"iss":"` + issuerURL + `","aud":"` + ours + `","sub":null,"exp":1e10}`, "", false},
		{"sub empty", members{"sub": ""}, "", false},
		{"sub of 255 characters", members{"sub": long}, long, false},
		{"sub of 256 characters", members{"sub": long + "x"}, "", false},
		{"sub with all that hurts elsewhere", members{"sub": `a/b|c"d,e%f 'g' \h`}, `a/b|c"d,e%f 'g' \h`, false},
		{"sub with spaces around it", members{"sub": " ada "}, " ada ", false},
		{"sub a uuid in capitals: byte for byte", members{"sub": strings.ToUpper(user)}, strings.ToUpper(user), false},
		{"sub with a NUL", members{"sub": "a\x00b"}, "", false},
		{"sub with an end of line", members{"sub": "ada\n"}, "", false},
		{"sub with a control character of Latin-1", members{"sub": "a\u0085b"}, "", false},
		{"sub with DEL", members{"sub": "a\x7f"}, "", false},
		{"sub in Arabic, with a mark of direction", members{"sub": "\u200fآدا"}, "\u200fآدا", false},
		{"sub with a character that stands for lost ones", members{"sub": "a\ufffd"}, "a\ufffd", false},
		{"sub of another plane", members{"sub": "😀"}, "😀", false},
		{"SUB beside sub", members{"SUB": "eve"}, "ada", false},
		{"only Sub", members{"sub": nil, "Sub": "eve"}, "", false},
		{"sub twice", `{"iss":"` + issuerURL + `","aud":"` + ours + `","exp":1e10,"sub":"ada","sub":"ada"}`, "", false},
		{"sub twice, once escaped", `{"iss":"` + issuerURL + `","aud":"` + ours + `","exp":1e10,"sub":"ada","s\u0075b":"eve"}`, "", false},
		{"sub escaped", `{"iss":"` + issuerURL + `","aud":"` + ours + `","exp":1e10,"s\u0075b":"\u0061da\ud83d\ude00"}`, "ada😀", false},
		{"aud twice", `{"iss":"` + issuerURL + `","aud":"x","aud":"` + ours + `","exp":1e10,"sub":"ada"}`, "", false},
		{"sub not UTF-8", `{"iss":"` + issuerURL + `","aud":"` + ours + `","exp":1e10,"sub":"ad` + "\xff" + `"}`, "", false},
		{"sub with half a pair", `{"iss":"` + issuerURL + `","aud":"` + ours + `","exp":1e10,"sub":"ad\ud83d"}`, "", false},
		{"sub with the other half", `{"iss":"` + issuerURL + `","aud":"` + ours + `","exp":1e10,"sub":"ad\ude00a"}`, "", false},
		{"sub with a pair the wrong way round", `{"iss":"` + issuerURL + `","aud":"` + ours + `","exp":1e10,"sub":"\ude00\ud83d"}`, "", false},
		{"sub with half a pair twice", `{"iss":"` + issuerURL + `","aud":"` + ours + `","exp":1e10,"sub":"\ud83d\ud83d\ude00"}`, "", false},
		{"sub with half a pair before an escape", `{"iss":"` + issuerURL + `","aud":"` + ours + `","exp":1e10,"sub":"\ud83d\n"}`, "", false},
		{"sub with what only looks like half a pair", `{"iss":"` + issuerURL + `","aud":"` + ours + `","exp":1e10,"sub":"a\\ud83d"}`, `a\ud83d`, false},
		{"null", `null`, "", false},
		{"a list", `[]`, "", false},
		{"a text", `"ada"`, "", false},
		{"nothing", ``, "", false},
		{"an empty object", `{}`, "", false},
		{"cut", `{"iss":"` + issuerURL, "", false},
		{"JSON and more", `{"iss":"` + issuerURL + `","aud":"` + ours + `","exp":1e10,"sub":"ada"} {}`, "", false},
		{"spaces around", ` {"iss":"` + issuerURL + `","aud":"` + ours + `","exp":1e10,"sub":"ada"} `, "ada", false},
	} {
		claims := c.claims
		if changes, ok := claims.(members); ok {
			claims = claim(changes)
		}
		app := app
		if c.free {
			app = free
		}
		token := compact(members{"alg": "ES256", "kid": "ec"}, claims, es256(private().ec))
		got, err := app.CurrentUser(t.Context(), bearer(token))
		if got != c.want || errors.Is(err, ErrSignedOut) != (c.want == "") || c.want != "" && err != nil {
			t.Errorf("%s: %q, %v", c.name, got, err)
		}
	}
	i.expect(t, 1, "all these")
}

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
