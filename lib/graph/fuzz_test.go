package graph_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"igconnect/lib/graph"
	"igconnect/lib/secret"
)

// roundTrip is a Meta without HTTP.
type roundTrip func(*http.Request) *http.Response

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }

var (
	goodPath = regexp.MustCompile(`^(/[A-Za-z0-9_-]+)+$`)
	goodID   = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	goodName = regexp.MustCompile(`^[a-z0-9_]+$`)
)

// answered are the requests whose answer is fuzzed, each with the calls that
// read it; the other requests of these calls are answered well. The corpus
// counts on their order.
var answered = []struct {
	line string
	call func(*testing.T, context.Context, *graph.Client) (done bool)
}{
	{"POST /oauth/access_token", func(t *testing.T, ctx context.Context, c *graph.Client) bool {
		short, errShort := c.Exchange(ctx, userToken, redirectURI)
		long, errLong := c.Upgrade(ctx, user)
		checkTime(t, short.Expires)
		checkTime(t, long.Expires)
		exchanged, upgraded := checkOutcome(t, errShort, short.Value.Empty()), checkOutcome(t, errLong, long.Value.Empty())
		return exchanged || upgraded
	}},
	{"GET /debug_token", lookedUp},
	{"GET /me", lookedUp},
	{"GET /me/permissions", lookedUp},
	{"GET /me/accounts", lookedUp},
	{"GET /902", func(t *testing.T, ctx context.Context, c *graph.Client) bool {
		c.Covers(ctx, user, graph.Found{}, "902")
		token, err := c.PageToken(ctx, "902", user)
		checkText(t, token.Reveal())
		_ = lookedUp(t, ctx, c)
		return checkOutcome(t, err, false)
	}},
	{"GET /me/businesses", lookedUpOrSkipped},
	{"GET /71/owned_pages", lookedUpOrSkipped},
	{"POST /901/subscribed_apps", func(t *testing.T, ctx context.Context, c *graph.Client) bool {
		reached, err := c.Subscribe(ctx, "901", user, fields)
		return checkOutcome(t, err, reached == nil)
	}},
	{"DELETE /501/permissions", func(t *testing.T, ctx context.Context, c *graph.Client) bool {
		return checkOutcome(t, c.Revoke(ctx, "501", user), false)
	}},
	{"GET /901/subscribed_apps", func(t *testing.T, ctx context.Context, c *graph.Client) bool {
		reached, err := c.Subscribed(ctx, "901", user)
		for _, name := range reached {
			if !goodName.MatchString(name) {
				t.Errorf("subscribed to %q", name)
			}
		}
		return checkOutcome(t, err, false)
	}},
	{"DELETE /901/subscribed_apps", func(t *testing.T, ctx context.Context, c *graph.Client) bool {
		return checkOutcome(t, c.Unsubscribe(ctx, "901", user), false)
	}},
	{"GET /1234567890/subscriptions", func(t *testing.T, ctx context.Context, c *graph.Client) bool {
		subscriptions, err := c.AppSubscriptions(ctx)
		for _, s := range subscriptions {
			checkText(t, append(s.Fields, s.Object, s.CallbackURL)...)
		}
		return checkOutcomeWithout(t, err, subscriptions == nil, leakySecret)
	}},
	{"GET /debug_token", func(t *testing.T, ctx context.Context, c *graph.Client) bool {
		debug, err := c.Debug(ctx, user)
		checkTime(t, debug.Expires)
		checkTime(t, debug.DataAccessExpires)
		checkText(t, debug.Scopes...)
		for _, id := range debug.PageIDs {
			if !goodID.MatchString(id) {
				t.Errorf("a Page's id: %q", id)
			}
		}
		return checkOutcome(t, err, false)
	}},
}

func lookedUp(t *testing.T, ctx context.Context, c *graph.Client) bool {
	found, err := c.LookUp(ctx, graph.Token{Value: user})
	checkFound(t, found)
	return checkOutcome(t, err, found.Person.ID == "")
}

// lookedUpOrSkipped is lookedUp where the answer may be skipped.
func lookedUpOrSkipped(t *testing.T, ctx context.Context, c *graph.Client) bool {
	lookedUp(t, ctx, c)
	return false
}

// FuzzAnswers gives any answer to any call: nothing panics, only a 200 with
// JSON is believed, no secret is in an error, no path is made of what is not an
// id, and what comes out can be stored.
func FuzzAnswers(f *testing.F) {
	for step := range answered {
		for _, body := range []string{
			"", "null", "[]", "{}", "true", "<html>", `{"data":null}`, `{"data":[]}`, `{"data":[null]}`, `{"data":[{}]}`, `{"data":{}}`, `{"success":true}`,
			goodDebug, goodPerson, goodPermissions, withBusinesses, page902, list(page901, page903), listUpTo("end", page901),
			envelope(190, 463, "Malformed access token foo_token"), envelope(1, 0, "Error validating client secret."),
			`{"error":{"code":4,"message":"` + strings.Repeat("é", 400) + `","fbtrace_id":"foo_token"}}`, `{"error":{}}`, `{"error":"foo_token"}`,
		} {
			f.Add(byte(step), uint16(200), "", []byte(body))
		}
	}
	f.Fuzz(func(t *testing.T, step byte, status uint16, usage string, body []byte) {
		of := answered[int(step)%len(answered)]
		client := &graph.Client{
			HTTP: &http.Client{Transport: roundTrip(func(r *http.Request) *http.Response {
				path := strings.TrimPrefix(r.URL.Path, "/v24.0")
				if !goodPath.MatchString(path) || r.URL.Host != host {
					t.Errorf("asked %s", r.URL)
				}
				answer := &http.Response{StatusCode: int(status), Header: http.Header{"X-Business-Use-Case-Usage": {usage}}, Body: io.NopCloser(bytes.NewReader(body))}
				if r.Method+" "+path != of.line {
					answer.StatusCode, answer.Body = 200, io.NopCloser(strings.NewReader(wellAnswered(path)))
				}
				return answer
			})},
			URL: "http://" + host + "/v24.0", AppID: appID, Secret: secret.New(leakySecret),
			Now: func() time.Time { return time.Unix(1774000000, 0) },
		}
		// With its time over, a call is tried once and without a pause.
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if of.call(t, ctx, client) && (status != 200 || !json.Valid(body)) {
			t.Errorf("%s: %d %q was believed", of.line, status, body)
		}
	})
}

// wellAnswered is what a path answers well, as for an owner of a business.
func wellAnswered(path string) string {
	switch path {
	case "/me":
		return goodPerson
	case "/me/permissions":
		return withBusinesses
	case "/debug_token":
		return goodDebug
	case "/902":
		return page902
	case "/me/businesses":
		return list(`{"id":"71"}`)
	}
	return list()
}

// checkOutcome wants either a result or an *graph.Error fit for a log, which
// shows nothing of what a call with the person's token sent, and tells which it
// was.
func checkOutcome(t *testing.T, err error, empty bool) (done bool) {
	t.Helper()
	return checkOutcomeWithout(t, err, empty, userToken, leakySecret)
}

func checkOutcomeWithout(t *testing.T, err error, empty bool, sent ...string) (done bool) {
	t.Helper()
	if err == nil {
		if empty {
			t.Error("neither a result nor an error")
		}
		return true
	}
	var failure *graph.Error
	if !errors.As(err, &failure) {
		t.Fatalf("%T is not a *graph.Error", err)
	}
	for _, text := range []string{err.Error(), failure.Reason()} {
		for _, s := range sent {
			if strings.Contains(text, s) {
				t.Errorf("%s is shown: %s", s, text)
			}
		}
		checkText(t, text)
		if len(text) > 1000 || strings.ContainsAny(text, "\r\n") {
			t.Errorf("an error of %d bytes: %q", len(text), text)
		}
	}
	if failure.Op == "" || failure.RetryAfter < 0 || failure.RetryAfter > 24*time.Hour {
		t.Errorf("%+v", failure)
	}
	return false
}

func checkFound(t *testing.T, found graph.Found) {
	t.Helper()
	checkTime(t, found.Expires)
	checkTime(t, found.DataAccessExpires)
	checkText(t, found.Person.Name)
	checkText(t, found.Granted...)
	checkText(t, found.Declined...)
	seen := map[string]bool{}
	for _, p := range found.Pages {
		if !goodID.MatchString(p.ID) || p.Instagram != nil && !goodID.MatchString(p.Instagram.ID) {
			t.Errorf("ids of %+v", p)
		}
		if seen[p.ID] {
			t.Errorf("Page %s twice", p.ID)
		}
		seen[p.ID] = true
		checkText(t, p.Name, p.Personal, p.Token.Reveal())
		checkText(t, p.Tasks...)
		if p.Instagram != nil {
			checkText(t, p.Instagram.Username, p.Instagram.Name, p.Instagram.PictureURL)
		}
	}
	for _, err := range found.Skipped {
		checkOutcome(t, err, false)
	}
}

// checkText wants texts that a column of type text can take.
// https://www.postgresql.org/docs/current/datatype-character.html
func checkText(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !utf8.ValidString(text) || strings.Contains(text, "\x00") {
			t.Errorf("not storable: %q", text)
		}
	}
}

// checkTime wants a time that JSON, and so the table, can take.
func checkTime(t *testing.T, at time.Time) {
	t.Helper()
	if _, err := json.Marshal(at); err != nil {
		t.Error(err)
	}
}
