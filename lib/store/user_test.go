package store

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"igconnect/lib/secret"
)

// TestUserRequest: the user's token goes as the Bearer whatever our key is.
func TestUserRequest(t *testing.T) {
	t.Parallel()
	for _, key := range []string{legacyKey, newKey} {
		p := newProject(t, answering(200, `{"id":"`+user+`","email":"a@example.com","role":"authenticated"}`))
		got, err := newStore(t, p.URL, key).User(t.Context(), secret.New(accessToken))
		if err != nil || got != user {
			t.Fatalf("User = %q, %v", got, err)
		}
		want := []request{{"GET", "/auth/v1/user", http.Header{
			"Accept-Encoding": {"gzip"}, "Apikey": {key}, "Authorization": {"Bearer " + accessToken}, "User-Agent": {"igconnect"},
		}, ""}}
		if diff := cmp.Diff(want, p.requests()); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
	}
}

func TestUserAnswers(t *testing.T) {
	t.Parallel()
	notSupabase := &Error{Status: 200}
	for _, c := range []struct {
		name   string
		status int
		body   string
		want   *Error // but for Op; nil: ErrSignedOut
	}{
		{"expired", 403, `{"code":403,"error_code":"bad_jwt","msg":"invalid JWT: token is expired"}`, nil},
		{"no session", 403, `{"code":"session_not_found","message":"Session from session_id claim in JWT does not exist"}`, nil},
		{"no user", 403, `{"code":403,"error_code":"user_not_found","msg":"User from sub claim in JWT does not exist"}`, nil},
		{"banned", 403, `{"code":403,"error_code":"user_banned","msg":"User is banned"}`, nil},
		{"no authorization", 401, `{"code":401,"error_code":"no_authorization","msg":"This endpoint requires a Bearer token"}`, nil},
		// Measured: signed by Auth itself, and its sub is no UUID. Found as a 503 "try again" for ever.
		{"a sub that is no UUID", 400, `{"code":400,"error_code":"bad_jwt","msg":"invalid claim: sub claim must be a UUID"}`, nil},
		{"no user, as older versions say", 404, `{"code":404,"error_code":"user_not_found","msg":"User not found"}`, nil},
		{"an expired session", 401, `{"code":401,"error_code":"session_expired","msg":"Session expired"}`, nil},
		{"another audience", 400, `{"code":"unexpected_audience","message":"Request audience does not match"}`, nil},
		{"a request that is malformed otherwise", 400, `{"error_code":"validation_failed","msg":"x"}`, &Error{Status: 400, Code: "validation_failed", Message: "x"}},
		{"our key", 401, `{"message":"Invalid API key","hint":"Double check your API key."}`,
			&Error{Status: 401, Message: "Invalid API key", Hint: "Double check your API key."}},
		{"our key is missing", 401, `{"message":"No API key found in request"}`, &Error{Status: 401, Message: "No API key found in request"}},
		{"our key is switched off", 401, `{"message":"Legacy API keys are disabled"}`, &Error{Status: 401, Message: "Legacy API keys are disabled"}},
		{"our key in a browser", 401, `{"message":"Forbidden use of secret API key in browser"}`,
			&Error{Status: 401, Message: "Forbidden use of secret API key in browser"}},
		{"our key, Kong", 401, `{"message":"Unauthorized"}`, &Error{Status: 401, Message: "Unauthorized"}},
		{"our key, older Kong", 403, `{"message":"You cannot consume this service"}`, &Error{Status: 403, Message: "You cannot consume this service"}},
		{"our key, plain text", 401, `Unauthorized`, &Error{Status: 401}},
		{"our key, a page", 401, `<html>401</html>`, &Error{Status: 401}},
		{"our key, by PostgREST's words", 401, `{"code":"PGRST301","message":"x"}`, &Error{Status: 401, Code: "PGRST301", Message: "x"}},
		{"an older Auth", 401, `{"code":401,"msg":"Invalid token: signature is invalid"}`, nil},
		{"a code that is new", 403, `{"code":403,"error_code":"session_asleep","msg":"x"}`, nil},
		{"wordless", 401, `{}`, &Error{Status: 401}},
		{"a firewall", 403, `<html>Blocked</html>`, &Error{Status: 403}},
		{"a proxy", 401, ``, &Error{Status: 401}},
		{"no such project", 404, `{"message":"no Route matched"}`, &Error{Status: 404, Message: "no Route matched"}},
		{"throttled", 429, `{"error_code":"over_request_rate_limit","msg":"slow"}`, &Error{Status: 429, Code: "over_request_rate_limit", Message: "slow"}},
		{"down", 503, `down`, &Error{Status: 503}},
		{"down, null", 500, `null`, &Error{Status: 500}},
		{"no id", 200, `{"email":"a@example.com"}`, notSupabase},
		{"a null id", 200, `{"id":null}`, notSupabase},
		{"a nil id", 200, `{"id":"00000000-0000-0000-0000-000000000000"}`, notSupabase},
		{"an id that is none", 200, `{"id":"me"}`, notSupabase},
		{"a numeric id", 200, `{"id":7}`, notSupabase},
		{"null", 200, `null`, notSupabase},
		{"a list", 200, `[]`, notSupabase},
		{"nothing", 200, ``, notSupabase},
		{"HTML", 200, `<html>Sign in to the Wi-Fi</html>`, notSupabase},
		{"an echo", 400, `{"msg":"bad ` + accessToken + `"}`, &Error{Status: 400, Message: "bad […]"}},
	} {
		inBubble(t, c.name, func(t *testing.T) {
			s := stubbed(t, newKey, func(*http.Request) (*http.Response, error) { return answer(c.status, c.body), nil })
			got, err := s.User(t.Context(), secret.New(accessToken))
			if got != "" || (err == ErrSignedOut) != (c.want == nil) {
				t.Fatalf("User = %q, %v", got, err)
			}
			if c.want != nil {
				want := *c.want // a copy: rows share it, and run side by side
				want.Op = "asking who is signed in"
				checkFailure(t, err, want)
			}
		})
	}
}

// notSessions are texts that are no session, by their form alone.
var notSessions = map[string]string{
	"empty":             "",
	"a word":            "token",
	"two parts":         "eyJh.eyJz",
	"four parts":        "eyJh.eyJz.c2ln.c2ln",
	"an empty part":     "eyJh..c2ln",
	"unsigned":          "eyJh.eyJz.",
	"our kind of key":   newKey,
	"a publishable key": "sb_publishable_ACJWlzQHlZjBrEguHvfOxg_3BJgxAaH",
	"a key with dots":   "sb_secret_a.b.c", // the guard would take it out, and Auth see our key alone
	"a newline behind":  accessToken + "\n",
	"a header":          accessToken + "\r\nX-Injected: 1",
	"a space":           accessToken + " ",
	"a Bearer":          "Bearer " + accessToken,
	"standard base64":   "eyJh.eyJ+.c2l/",
	"padded":            "eyJh.eyJz.c2lnbg==",
	"NUL":               "eyJh.ey\x00z.c2ln",
	"not ASCII":         "eyJh.eyé.c2ln",
}

// TestUserNotAsked: what is no JWT never leaves the process.
func TestUserNotAsked(t *testing.T) {
	t.Parallel()
	s := stubbed(t, newKey, func(r *http.Request) (*http.Response, error) {
		t.Errorf("sent with Authorization %q", r.Header.Get("Authorization"))
		return answer(200, `{"id":"`+user+`"}`), nil
	})
	for name, token := range notSessions {
		if got, err := s.User(t.Context(), secret.New(token)); got != "" || err != ErrSignedOut {
			t.Errorf("%s: User = %q, %v, want ErrSignedOut", name, got, err)
		}
	}
}

// FuzzUser gives anything for a token: Auth is asked about JWTs alone, and with exactly what came.
func FuzzUser(f *testing.F) {
	for _, token := range notSessions {
		f.Add(token)
	}
	f.Add(accessToken)
	asked := ""
	s := stubbed(f, newKey, func(r *http.Request) (*http.Response, error) {
		asked = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		return answer(200, `{"id":"`+user+`"}`), nil
	})
	f.Fuzz(func(t *testing.T, token string) {
		asked = ""
		got, err := s.User(t.Context(), secret.New(token))
		parts := strings.Split(token, ".")
		outside := strings.Trim(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")
		if len(parts) == 3 && !slices.Contains(parts, "") && outside == "" && !strings.HasPrefix(token, "sb_") {
			if asked != token || got != user || err != nil {
				t.Errorf("User(%q) = %q, %v, and asked about %q", token, got, err, asked)
			}
		} else if asked != "" || got != "" || err != ErrSignedOut {
			t.Errorf("User(%q) = %q, %v, and asked about %q", token, got, err, asked)
		}
	})
}
