package facebook_test

import (
	"net/http"
	"testing"
	"time"

	"igconnect/lib/graph"
)

const tokenLine = "POST /oauth/access_token"

// TestExchangeErrors: whatever the failure, the code is never sent twice.
func TestExchangeErrors(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		want   graph.Class
	}{
		{"used", refuses(100, 36009, "This authorization code has been used."), graph.CodeRejected},
		{"expired", refuses(100, 36007, "This authorization code has expired."), graph.CodeRejected},
		{"another redirect_uri", refuses(100, 36008, "Error validating verification code. Please make sure your redirect_uri is identical to the one you used in the OAuth dialog request"), graph.CodeRejected},
		{"invented", refuses(100, 0, "Invalid verification code format."), graph.CodeRejected},
		{"no redirect_uri", refuses(191, 0, "Missing redirect_uri parameter."), graph.CodeRejected},
		{"the session is over", refuses(190, 460, "Error validating access token"), graph.CodeRejected},
		{"not allowed", refuses(200, 0, "(#200) Permissions error"), graph.CodeRejected},
		{"wrong app id", refuses(101, 0, "Error validating application. Invalid application ID."), graph.BadApp},
		{"wrong secret", refuses(1, 0, "Error validating client secret."), graph.BadApp},
		{"throttled", refuses(4, 0, "limit"), graph.Throttled},
		{"unknown error", refuses(1, 0, "An unknown error has occurred."), graph.Unavailable},
		{"transient", refuses(2, 0, "later", `"is_transient":true`), graph.Unavailable},
		{"500", status(500, "<html>"), graph.Unavailable},
		{"cut", cut, graph.Unavailable},
		{"no answer", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, graph.Unavailable},
		{"hang", hangs, graph.Unavailable},
		{"no token", says(`{"token_type":"bearer","expires_in":5183944}`), graph.Unavailable},
		{"an empty token", says(`{"access_token":"","expires_in":5183944}`), graph.Unavailable},
		{"null for a token", says(`{"access_token":null}`), graph.Unavailable},
		{"a token of another type", says(`{"access_token":17}`), graph.Unavailable},
		{"the old form answer", says(`access_token=short&expires=5183944`), graph.Unavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			run(t, routes{tokenLine: c.answer}, func(t *testing.T, m *meta) {
				token, err := m.Exchange(t.Context(), code)
				failureOf(t, err, c.want)
				if n := m.Count(tokenLine); n != 1 {
					t.Errorf("the code was sent %d times", n)
				}
				if !token.Value.Empty() {
					t.Error("a token along with the error")
				}
			})
		})
	}
}

func TestExtend(t *testing.T) {
	good := says(`{"access_token":"long","token_type":"bearer","expires_in":5183944}`)
	down := status(500, envelope(2, 0, "An unexpected error has occurred."))
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		tries  int
		class  graph.Class // of the error, where fails
		fails  bool
	}{
		{"at once", good, 1, 0, false},
		{"after 500 once", inTurn(down, good), 2, 0, false},
		{"after 500 twice", inTurn(down, down, good), 3, 0, false},
		{"after a hang", inTurn(hangs, good), 2, 0, false},
		{"after HTML", inTurn(says("<html>"), good), 2, 0, false},
		{"500 for good", down, 3, graph.Unavailable, true},
		{"expired", inTurn(refuses(190, 463, "Session has expired"), good), 1, graph.TokenDead, true},
		{"refused", inTurn(refuses(100, 0, "Unsupported"), good), 1, graph.TokenDead, true},
		{"not allowed", inTurn(refuses(10, 0, "(#10)"), good), 1, graph.TokenDead, true},
		{"refused after 500", inTurn(down, refuses(100, 0, "Unsupported"), good), 2, graph.TokenDead, true},
		{"wrong secret", inTurn(refuses(1, 0, "Error validating client secret."), good), 1, graph.BadApp, true},
		{"throttled", inTurn(refuses(4, 0, "limit"), good), 1, graph.Throttled, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			run(t, routes{tokenLine: c.answer}, func(t *testing.T, m *meta) {
				token, err := m.Extend(t.Context(), user)
				if n := m.Count(tokenLine); n != c.tries {
					t.Errorf("%d requests, want %d", n, c.tries)
				}
				switch {
				case c.fails:
					failureOf(t, err, c.class)
				case err != nil:
					t.Error(err)
				}
				if got := token.Value.Reveal(); (got == "long") == c.fails || c.fails && got != "" {
					t.Errorf("token %q", got)
				}
			})
		})
	}
}

// TestExpiresIn: the zero time means that Meta did not say.
func TestExpiresIn(t *testing.T) {
	for _, c := range []struct {
		name, member string
		want         time.Duration
	}{
		{"sixty days", `,"expires_in":5183944`, 5183944 * time.Second},
		{"a second", `,"expires_in":1`, time.Second},
		{"absent", "", 0},
		{"null", `,"expires_in":null`, 0},
		{"zero", `,"expires_in":0`, 0},
		{"negative", `,"expires_in":-5183944`, 0},
		{"a text", `,"expires_in":"5183944"`, 5183944 * time.Second},
		{"another text", `,"expires_in":"soon"`, 0},
		{"a fraction", `,"expires_in":5183944.5`, 0},
		{"too big a number", `,"expires_in":92233720368547758080`, 0},
		{"an object", `,"expires_in":{}`, 0},
		{"ten years at most", `,"expires_in":9223372036854775807`, 87600 * time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			run(t, routes{tokenLine: says(`{"access_token":"long"` + c.member + `}`)}, func(t *testing.T, m *meta) {
				token, err := m.Extend(t.Context(), user)
				if err != nil {
					t.Fatal(err)
				}
				var want time.Time
				if c.want > 0 {
					want = time.Now().Add(c.want) // the bubble's clock stands still
				}
				if !token.Expires.Equal(want) {
					t.Errorf("Expires %v, want %v", token.Expires, want)
				}
			})
		})
	}
}
