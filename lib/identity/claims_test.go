package identity

import (
	"errors"
	"strings"
	"testing"
	"time"
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
	session := `{"iss":"` + issuerURL + `","exp":1e10,` // and what the case adds
	raw := func(more string) string { return session + `"aud":"` + ours + `",` + more + `}` }
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
		{"aud null", session + `"aud":null,"sub":"ada","client_id":"` + ours + `"}`, "", false},
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
		{"sub null", raw(`"sub":null`), "", false},
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
		{"sub twice", raw(`"sub":"ada","sub":"ada"`), "", false},
		{"sub twice, once escaped", raw(`"sub":"ada","s\u0075b":"eve"`), "", false},
		{"sub escaped", raw(`"s\u0075b":"\u0061da\ud83d\ude00"`), "ada😀", false},
		{"aud twice", raw(`"sub":"ada","aud":"` + ours + `"`), "", false},
		{"sub not UTF-8", raw(`"sub":"ad` + "\xff" + `"`), "", false},
		{"sub with half a pair", raw(`"sub":"ad\ud83d"`), "", false},
		{"sub with the other half", raw(`"sub":"ad\ude00a"`), "", false},
		{"sub with a pair the wrong way round", raw(`"sub":"\ude00\ud83d"`), "", false},
		{"sub with half a pair twice", raw(`"sub":"\ud83d\ud83d\ude00"`), "", false},
		{"sub with half a pair before an escape", raw(`"sub":"\ud83d\n"`), "", false},
		{"sub with what only looks like half a pair", raw(`"sub":"a\\ud83d"`), `a\ud83d`, false},
		{"null", `null`, "", false},
		{"a list", `[]`, "", false},
		{"a text", `"ada"`, "", false},
		{"nothing", ``, "", false},
		{"an empty object", `{}`, "", false},
		{"cut", `{"iss":"` + issuerURL, "", false},
		{"JSON and more", raw(`"sub":"ada"} {`), "", false},
		{"spaces around", " " + raw(`"sub":"ada"`) + " ", "ada", false},
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
