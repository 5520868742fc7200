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
)

// fuzzed are the requests whose answer is fuzzed; the others are answered well.
var fuzzed = []string{
	"POST /oauth/access_token", "GET /debug_token", "GET /me", "GET /me/permissions", "GET /me/accounts",
	"GET /902", "GET /me/businesses", "GET /71/owned_pages", "POST /901/subscribed_apps", "DELETE /501/permissions",
}

// FuzzAnswers gives any answer to any call: nothing panics, no secret is in an
// error, no path is made of what is not an id, and what comes out can be used.
func FuzzAnswers(f *testing.F) {
	bodies := []string{
		"", "null", "[]", "{}", "true", "<html>", `{"data":null}`, `{"data":[]}`, `{"data":[null]}`, `{"data":[{}]}`, `{"data":{}}`,
		`{"access_token":"long","expires_in":9223372036854775807}`, `{"access_token":"a\r\nb"}`, `{"success":true}`,
		goodDebug, goodPerson, goodPermissions, withBusinesses, page902, list(page901, page903), listUpTo("end", page901),
		`{"data":{"app_id":"1234567890","is_valid":true,"expires_at":9223372036854775807,"data_access_expires_at":253402300800}}`,
		`{"data":{"app_id":"1234567890","is_valid":true,"expires_at":-1,"granular_scopes":[{"scope":"pages_","target_ids":[null,"902"]},{"scope":"pages_x","target_ids":["../me"]}]}}`,
		`{"data":[{"id":"902/x?y#z"}]}`, `{"data":[{"id":null,"instagram_business_account":{"id":"1"}}]}`, `{"id":"me","name":"\ud800"}`,
		envelope(190, 463, "Malformed access token foo_token"), envelope(1, 0, "Error validating client secret."),
		`{"error":{"code":4,"message":"` + strings.Repeat("é", 400) + `","fbtrace_id":"foo_token"}}`, `{"error":{}}`, `{"error":"foo_token"}`,
	}
	for step := range fuzzed {
		for _, body := range bodies {
			f.Add(byte(step), uint16(200), "", []byte(body))
		}
	}
	f.Add(byte(0), uint16(429), `{"1":[{"estimated_time_to_regain_access":999999999999}]}`, []byte(userToken))
	f.Add(byte(1), uint16(503), "[", []byte(`{"error":{"is_transient":true}}`))
	f.Fuzz(func(t *testing.T, step byte, status uint16, usage string, body []byte) {
		line := fuzzed[int(step)%len(fuzzed)]
		client := &graph.Client{
			HTTP: &http.Client{Transport: roundTrip(func(r *http.Request) *http.Response {
				path := strings.TrimPrefix(r.URL.Path, "/v24.0")
				if !goodPath.MatchString(path) {
					t.Errorf("path %q", path)
				}
				answer := &http.Response{StatusCode: int(status), Header: http.Header{"X-Business-Use-Case-Usage": {usage}}, Body: io.NopCloser(bytes.NewReader(body))}
				if r.Method+" "+path != line {
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
		switch line {
		case "POST /oauth/access_token":
			token, err := client.Exchange(ctx, userToken, redirectURI)
			checkOutcome(t, err, token.Value.Empty())
			checkTime(t, token.Expires)
			token, err = client.Upgrade(ctx, user)
			checkOutcome(t, err, token.Value.Empty())
		case "DELETE /501/permissions":
			checkOutcome(t, client.Revoke(ctx, "501", user), false)
		case "POST /901/subscribed_apps":
			reached, err := client.Subscribe(ctx, "901", user, fields)
			checkOutcome(t, err, reached == nil)
		default:
			found, err := client.LookUp(ctx, graph.Token{Value: user})
			checkOutcome(t, err, found.Person.ID == "")
			checkFound(t, found)
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

// checkOutcome wants either a result or an *graph.Error fit for a log.
func checkOutcome(t *testing.T, err error, empty bool) {
	t.Helper()
	if err == nil {
		if empty {
			t.Error("neither a result nor an error")
		}
		return
	}
	var failure *graph.Error
	if !errors.As(err, &failure) {
		t.Fatalf("%T is not a *graph.Error", err)
	}
	text := err.Error()
	for _, s := range []string{userToken, leakySecret} {
		if strings.Contains(text, s) {
			t.Errorf("%s is shown: %s", s, text)
		}
	}
	if !utf8.ValidString(text) || len(text) > 1000 {
		t.Errorf("an error of %d bytes: %q", len(text), text)
	}
	if failure.RetryAfter < 0 || failure.RetryAfter > 24*time.Hour {
		t.Errorf("RetryAfter %v", failure.RetryAfter)
	}
}

func checkFound(t *testing.T, found graph.Found) {
	t.Helper()
	checkTime(t, found.Expires)
	checkTime(t, found.DataAccessExpires)
	seen := map[string]bool{}
	for _, p := range found.Pages {
		if !goodID.MatchString(p.ID) || p.Instagram != nil && !goodID.MatchString(p.Instagram.ID) {
			t.Errorf("ids of %+v", p)
		}
		if seen[p.ID] {
			t.Errorf("Page %s twice", p.ID)
		}
		seen[p.ID] = true
	}
	for _, err := range found.Skipped {
		checkOutcome(t, err, false)
	}
}

// checkTime wants a time that JSON, and so the table, can take.
func checkTime(t *testing.T, at time.Time) {
	t.Helper()
	if _, err := json.Marshal(at); err != nil {
		t.Error(err)
	}
}
