package store

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"igconnect/lib/secret"
)

// TestUserRequest: the user's token goes as the Bearer whatever our key is.
func TestUserRequest(t *testing.T) {
	for _, key := range []string{legacyKey, newKey} {
		p := newProject(t, answering(200, `{"id":"`+user.String()+`","email":"a@example.com","role":"authenticated"}`))
		got, err := newStore(t, p.URL, key).User(t.Context(), secret.New(accessToken))
		if err != nil || got != user {
			t.Fatalf("User = %v, %v", got, err)
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
	notSupabase := &Error{Status: 200}
	for _, c := range []struct {
		name   string
		status int
		body   string
		out    bool   // ErrSignedOut
		want   *Error // else this, but for Op
	}{
		{"expired", 403, `{"code":403,"error_code":"bad_jwt","msg":"invalid JWT: token is expired"}`, true, nil},
		{"no session", 403, `{"code":"session_not_found","message":"Session from session_id claim in JWT does not exist"}`, true, nil},
		{"no user", 403, `{"code":403,"error_code":"user_not_found","msg":"User from sub claim in JWT does not exist"}`, true, nil},
		{"banned", 403, `{"code":403,"error_code":"user_banned","msg":"User is banned"}`, true, nil},
		{"no authorization", 401, `{"code":401,"error_code":"no_authorization","msg":"This endpoint requires a Bearer token"}`, true, nil},
		{"our key", 401, `{"message":"Invalid API key","hint":"Double check your API key."}`, false,
			&Error{Status: 401, Message: "Invalid API key", Hint: "Double check your API key."}},
		{"our key is missing", 401, `{"message":"No API key found in request"}`, false, &Error{Status: 401, Message: "No API key found in request"}},
		{"our key is switched off", 401, `{"message":"Legacy API keys are disabled"}`, false, &Error{Status: 401, Message: "Legacy API keys are disabled"}},
		{"our key in a browser", 401, `{"message":"Forbidden use of secret API key in browser"}`, false,
			&Error{Status: 401, Message: "Forbidden use of secret API key in browser"}},
		{"wordless", 401, `{}`, true, nil},
		{"a firewall", 403, `<html>Blocked</html>`, false, &Error{Status: 403}},
		{"a proxy", 401, ``, false, &Error{Status: 401}},
		{"no such project", 404, `{"message":"no Route matched"}`, false, &Error{Status: 404, Message: "no Route matched"}},
		{"throttled", 429, `{"error_code":"over_request_rate_limit","msg":"slow"}`, false, &Error{Status: 429, Code: "over_request_rate_limit", Message: "slow"}},
		{"down", 503, `down`, false, &Error{Status: 503}},
		{"down, null", 500, `null`, false, &Error{Status: 500}},
		{"no id", 200, `{"email":"a@example.com"}`, false, notSupabase},
		{"a null id", 200, `{"id":null}`, false, notSupabase},
		{"a nil id", 200, `{"id":"00000000-0000-0000-0000-000000000000"}`, false, notSupabase},
		{"an id that is none", 200, `{"id":"me"}`, false, notSupabase},
		{"a numeric id", 200, `{"id":7}`, false, notSupabase},
		{"null", 200, `null`, false, notSupabase},
		{"a list", 200, `[]`, false, notSupabase},
		{"nothing", 200, ``, false, notSupabase},
		{"HTML", 200, `<html>Sign in to the Wi-Fi</html>`, false, notSupabase},
		{"an echo", 400, `{"msg":"bad ` + accessToken + `"}`, false, &Error{Status: 400, Message: "bad […]"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := stubbed(t, newKey, func(*http.Request) (*http.Response, error) { return answer(c.status, c.body), nil })
				got, err := s.User(t.Context(), secret.New(accessToken))
				if got != uuid.Nil {
					t.Errorf("User = %v", got)
				}
				if c.out {
					if err != ErrSignedOut {
						t.Errorf("error %v, want ErrSignedOut", err)
					}
					return
				}
				if errors.Is(err, ErrSignedOut) {
					t.Fatal("signed out, want an *Error")
				}
				c.want.Op = "asking who is signed in"
				checkFailure(t, err, *c.want)
			})
		})
	}
}

// TestUserNotAsked: what is no JWT never leaves the process.
func TestUserNotAsked(t *testing.T) {
	s := stubbed(t, newKey, func(r *http.Request) (*http.Response, error) {
		t.Errorf("sent with Authorization %q", r.Header.Get("Authorization"))
		return answer(200, `{"id":"`+user.String()+`"}`), nil
	})
	for name, token := range map[string]string{
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
	} {
		if got, err := s.User(t.Context(), secret.New(token)); got != uuid.Nil || err != ErrSignedOut {
			t.Errorf("%s: User = %v, %v, want ErrSignedOut", name, got, err)
		}
	}
}

func TestSubject(t *testing.T) {
	for _, c := range []struct {
		name, token string
		want        uuid.UUID
	}{
		{"a session", tokenOf(user), user},
		{"not signed by anybody", strings.TrimSuffix(tokenOf(user), "c2lnbmF0dXJl"), user},
		{"claims beside", jwtOf(`{"exp":1,"sub":"` + user.String() + `","amr":[{"method":"otp"}]}`), user},
		{"in capitals", jwtOf(`{"sub":"` + strings.ToUpper(user.String()) + `"}`), user},
		{"our key", legacyKey, uuid.Nil},
		{"no subject", jwtOf(`{"role":"anon"}`), uuid.Nil},
		{"a null subject", jwtOf(`{"sub":null}`), uuid.Nil},
		{"a nil subject", jwtOf(`{"sub":"00000000-0000-0000-0000-000000000000"}`), uuid.Nil},
		{"a number", jwtOf(`{"sub":7}`), uuid.Nil},
		{"a word", jwtOf(`{"sub":"admin"}`), uuid.Nil},
		{"null", jwtOf(`null`), uuid.Nil},
		{"a list", jwtOf(`[]`), uuid.Nil},
		{"nothing", jwtOf(``), uuid.Nil},
		{"cut JSON", jwtOf(`{"sub":"` + user.String()), uuid.Nil},
		{"JSON and more", jwtOf(`{"sub":"` + user.String() + `"}x`), uuid.Nil},
		{"bad base64", "eyJh.!!.c2ln", uuid.Nil},
		{"two parts", strings.TrimSuffix(tokenOf(user), ".c2lnbmF0dXJl"), uuid.Nil},
		{"four parts", tokenOf(user) + ".x", uuid.Nil},
		{"empty", "", uuid.Nil},
		{"dots", "..", uuid.Nil},
	} {
		got, ok := Subject(secret.New(c.token))
		if got != c.want || ok != (c.want != uuid.Nil) {
			t.Errorf("%s: Subject = %v, %v, want %v", c.name, got, ok, c.want)
		}
	}
}
