package facebook_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"igconnect/internal/graphtest"
	"igconnect/lib/graph"
	"igconnect/lib/graph/facebook"
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
	call func(*testing.T, context.Context, facebook.Login) (done bool)
}{
	{tokenLine, func(t *testing.T, ctx context.Context, l facebook.Login) bool {
		short, errShort := l.Exchange(ctx, userToken)
		long, errLong := l.Extend(ctx, user)
		graphtest.CheckStorable(t, short.Expires, long.Expires)
		exchanged, upgraded := checkOutcome(t, errShort, short.Value.Empty()), checkOutcome(t, errLong, long.Value.Empty())
		return exchanged || upgraded
	}},
	{debugLine, lookedUp},
	{"GET /me", lookedUp},
	{permissionsLine, lookedUp},
	{pagesLine, lookedUp},
	{"GET /902", func(t *testing.T, ctx context.Context, l facebook.Login) bool {
		l.Covers(ctx, user, graph.Found{}, "902")
		_ = lookedUp(t, ctx, l)
		return repaired(t, ctx, l, "902")
	}},
	{"GET /me/businesses", lookedUpOrSkipped},
	{"GET /71/owned_pages", lookedUpOrSkipped},
	{subscribeLine, func(t *testing.T, ctx context.Context, l facebook.Login) bool {
		reached, err := l.Subscribe(ctx, ceramics(user, fields))
		return checkOutcome(t, err, reached == nil)
	}},
	{revokeLine, func(t *testing.T, ctx context.Context, l facebook.Login) bool {
		return checkOutcome(t, l.Revoke(ctx, "501", user), false)
	}},
	{readLine, func(t *testing.T, ctx context.Context, l facebook.Login) bool { return repaired(t, ctx, l, "901") }},
	{unsubscribeLine, func(t *testing.T, ctx context.Context, l facebook.Login) bool {
		return checkOutcome(t, l.Unsubscribe(ctx, ceramics(user, nil)), false)
	}},
	{"GET /1234567890/subscriptions", func(t *testing.T, ctx context.Context, l facebook.Login) bool {
		subscriptions, err := l.Client.AppSubscriptions(ctx)
		graphtest.CheckStorable(t, subscriptions)
		return checkOutcomeWithout(t, err, subscriptions == nil, leakySecret)
	}},
	{debugLine, func(t *testing.T, ctx context.Context, l facebook.Login) bool {
		inspection, err := l.Inspect(ctx, user)
		graphtest.CheckStorable(t, inspection)
		for _, id := range inspection.PageIDs {
			if !goodID.MatchString(id) {
				t.Errorf("a Page's id: %q", id)
			}
		}
		return checkOutcome(t, err, false)
	}},
}

// lookedUp looks for the accounts and checks what is found.
func lookedUp(t *testing.T, ctx context.Context, l facebook.Login) bool {
	found, err := l.Accounts(ctx, graph.Token{Value: user})
	for _, err := range found.Skipped {
		checkOutcome(t, err, false)
	}
	found.Skipped = nil
	graphtest.CheckStorable(t, found)
	seen := map[string]bool{}
	for _, p := range found.Pages {
		if !goodID.MatchString(p.ID) || p.InstagramID != "" && !goodID.MatchString(p.InstagramID) || seen[p.ID] {
			t.Errorf("ids of %+v, which is there twice: %v", p, seen[p.ID])
		}
		seen[p.ID] = true
	}
	for _, a := range found.Accounts {
		if !goodID.MatchString(a.InstagramID) || seen["account "+a.InstagramID] || a.Page.HasToken == a.Token.Empty() {
			t.Errorf("account %+v, which is there twice: %v", a, seen["account "+a.InstagramID])
		}
		seen["account "+a.InstagramID] = true
		graphtest.CheckStorable(t, a.Token.Reveal())
	}
	return checkOutcome(t, err, found.Person.ID == "")
}

// lookedUpOrSkipped is lookedUp where the answer may be skipped.
func lookedUpOrSkipped(t *testing.T, ctx context.Context, l facebook.Login) bool {
	lookedUp(t, ctx, l)
	return false
}

// repaired repairs the subscription of a Page. It reports whether Meta's answer
// about it was believed: the one about its subscription, or, for Page 902 whose
// token is dead, the one about the Page.
func repaired(t *testing.T, ctx context.Context, l facebook.Login, pageID string) bool {
	account := ceramics(user, nil)
	account.Page.ID = pageID
	repair, err := l.Repair(ctx, user, account, nil)
	for _, name := range repair.Fields {
		if !goodName.MatchString(name) {
			t.Errorf("subscribed to %q", name)
		}
	}
	graphtest.CheckStorable(t, repair.Token.Reveal())
	checkShown(t, repair.Refused, userToken, leakySecret)
	if err != nil && !errors.As(err, new(*graph.Error)) { // of a second dead token, which ends no connection
		checkShown(t, err.Error(), userToken, leakySecret)
		return pageID == "902" && !repair.Token.Empty() // 901's new token is of the Page, and nothing of its subscription was believed
	}
	return checkOutcome(t, err, false) && repair.Refused == ""
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
		f.Add(byte(step), uint16(400), "", []byte(envelope(190, 0, "dead"))) // as Meta itself refuses a token
	}
	f.Fuzz(func(t *testing.T, step byte, status uint16, usage string, body []byte) {
		of := answered[int(step)%len(answered)]
		login := login(&graph.Client{
			HTTP: &http.Client{Transport: roundTrip(func(r *http.Request) *http.Response {
				path := strings.TrimPrefix(r.URL.Path, "/v24.0")
				if !goodPath.MatchString(path) || r.URL.Host != graphtest.Host {
					t.Errorf("asked %s", r.URL)
				}
				answer := &http.Response{StatusCode: int(status), Header: http.Header{"X-Business-Use-Case-Usage": {usage}}, Body: io.NopCloser(bytes.NewReader(body))}
				if r.Method+" "+path != of.line {
					answer.StatusCode, answer.Body = 200, io.NopCloser(strings.NewReader(wellAnswered(path)))
				}
				return answer
			})},
			URL: "http://" + graphtest.Host + "/v24.0", AppID: appID, Secret: secret.New(leakySecret), Now: func() time.Time { return time.Unix(1774000000, 0) },
		})
		// With its time over, a call is tried once and without a pause.
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if of.call(t, ctx, login) && (status != 200 || !json.Valid(body)) {
			t.Errorf("%s: %d %q was believed", of.line, status, body)
		}
	})
}

// wellAnswered is what a path answers well, as for an owner of a business.
func wellAnswered(path string) string {
	answers := map[string]string{
		"/me": goodPerson, "/me/permissions": withBusinesses, "/debug_token": goodDebug, "/902": page902, "/me/businesses": list(`{"id":"71"}`),
		"/901":                 strings.Replace(page901, "token-901", userToken, 1), // each call sends the token that is looked for
		"/901/subscribed_apps": `{"data":[],"success":true}`,                        // to a GET, and to a POST
		"/902/subscribed_apps": envelope(190, 0, "dead"),
	}
	return cmp.Or(answers[path], list())
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
	checkShown(t, err.Error(), sent...)
	checkShown(t, failure.Reason(), sent...)
	if failure.Op == "" || failure.RetryAfter < 0 || failure.RetryAfter > 24*time.Hour {
		t.Errorf("%+v", failure)
	}
	return false
}

// checkShown wants a text that is fit for a log and shows no secret.
func checkShown(t *testing.T, text string, secrets ...string) {
	t.Helper()
	for _, s := range secrets {
		if strings.Contains(text, s) {
			t.Errorf("%s is shown: %s", s, text)
		}
	}
	graphtest.CheckStorable(t, text)
	if len(text) > 1000 || strings.ContainsAny(text, "\r\n") {
		t.Errorf("a text of %d bytes: %q", len(text), text)
	}
}
