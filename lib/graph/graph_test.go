package graph_test

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"igconnect/internal/graphtest"
	"igconnect/lib/graph"
	"igconnect/lib/metajson"
	"igconnect/lib/secret"
)

func TestChosen(t *testing.T) {
	found := graph.Found{Accounts: []graph.Account{{InstagramID: "1", Username: "a"}, {InstagramID: "2", Username: "b"}}}
	for _, c := range []struct {
		chosen []string
		want   string
	}{{[]string{"1"}, "a"}, {[]string{"2"}, "b"}, {[]string{"3"}, ""}, {[]string{""}, ""}, {nil, ""}, {[]string{"2", "1", "1"}, "ab"}} {
		got := ""
		for _, account := range found.Chosen(c.chosen) {
			got += account.Username
		}
		if got != c.want {
			t.Errorf("Chosen(%q) = %q, want %q", c.chosen, got, c.want)
		}
	}
}

// TestCanMessage: Pages of the new experience have other names for the same roles, and
// what Meta did not say is no warning.
func TestCanMessage(t *testing.T) {
	if !(graph.Page{}).CanMessage() || (graph.Page{Tasks: []string{}}).CanMessage() {
		t.Error("unknown tasks, or none")
	}
	for task, want := range map[string]bool{
		"MODERATE": true, "MESSAGING": true, "ADVERTISE": false, "messaging": false, "": false,
		"PROFILE_PLUS_MESSAGING": true, "PROFILE_PLUS_MODERATE": true, "PROFILE_PLUS_FULL_CONTROL": true, "PROFILE_PLUS_MANAGE": false, "PROFILE_PLUS_ANALYZE": false,
	} {
		p := graph.Page{Tasks: []string{"ANALYZE", task}}
		if p.CanMessage() != want {
			t.Errorf("%s: %v", task, !want)
		}
	}
}

func TestAppSubscriptions(t *testing.T) {
	for _, c := range []struct {
		name, body string
		want       []graph.AppSubscription
	}{
		{"none", `{"data":[]}`, []graph.AppSubscription{}},
		{"fields with versions", `{"data":[{"object":"instagram","callback_url":"https:\/\/app.example\/api\/webhook","active":true,"fields":[{"name":"messages","version":"v24.0"},{"name":"comments","version":"v24.0"}]}]}`,
			[]graph.AppSubscription{{Object: "instagram", CallbackURL: "https://app.example/api/webhook", Active: true, Fields: []metajson.FieldName{"messages", "comments"}}}},
		{"plain fields", `{"data":[{"object":"page","callback_url":"x","active":false,"fields":["feed"]}]}`,
			[]graph.AppSubscription{{Object: "page", CallbackURL: "x", Fields: []metajson.FieldName{"feed"}}}},
		{"no fields", `{"data":[{"object":"page","active":true}]}`, []graph.AppSubscription{{Object: "page", Active: true}}},
	} {
		run(t, c.name, routes{appSubscriptions: says(c.body)}, func(t *testing.T, m *meta) {
			got, err := m.AppSubscriptions(t.Context())
			if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
				t.Errorf("%v %s", err, diff)
			}
			if got := m.Requests()[0].Authorization; got != "Bearer "+appID+"|"+appSecret {
				t.Errorf("asked with %.20q", got)
			}
		})
	}
}

func TestAppSubscriptionsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		class  graph.Class
	}{
		"a wrong secret":      {refuses(190, 0, "Invalid OAuth access token signature."), graph.BadApp},
		"a wrong app id":      {refuses(101, 0, "Error validating application. Invalid application ID."), graph.BadApp},
		"throttled":           {refuses(4, 0, "Application request limit reached"), graph.Throttled},
		"HTML":                {says("<html>"), graph.Unavailable},
		"no list":             {says(`{}`), graph.Unavailable},
		"another shape":       {says(`{"data":{"a":1}}`), graph.Unavailable},
		"fields of numbers":   {says(`{"data":[{"object":"page","fields":[1]}]}`), graph.Unavailable},
		"fields that are one": {says(`{"data":[{"object":"page","fields":"feed"}]}`), graph.Unavailable},
	} {
		run(t, name, routes{appSubscriptions: c.answer}, func(t *testing.T, m *meta) {
			_, err := m.AppSubscriptions(t.Context())
			failureOf(t, err, c.class)
			wantClean(t, err, appSecret)
		})
	}
}

func TestUsage(t *testing.T) {
	for _, c := range []struct {
		name, app, business string
		want                int
	}{
		{"neither", "", "", 0},
		{"the app's calls", `{"call_count":91,"total_time":25,"total_cputime":25}`, "", 91},
		{"the app's time", `{"call_count":1,"total_time":92,"total_cputime":25}`, "", 92},
		{"the app's CPU", `{"call_count":1,"total_time":2,"total_cputime":93}`, "", 93},
		{"over the limit", `{"call_count":145}`, "", 145},
		{"absurd", `{"call_count":1e300}`, "", 1000},
		{"a fraction", `{"call_count":28.5}`, "", 28},
		{"a business's", "", `{"17841":[{"type":"instagram","call_count":94,"total_cputime":1,"total_time":1,"estimated_time_to_regain_access":0}]}`, 0},
		{"a business's beside it", `{"call_count":50}`, `{"1":[{"call_count":3},{"total_time":95}],"2":[{"total_cputime":60}]}`, 50},
		{"none of the businesses", "", `{}`, 0},
		{"not JSON", `call_count=99`, `99`, 0},
		{"one of them broken", `{"call_count":96}`, `{"1":`, 96},
		{"null", `null`, `null`, 0},
		{"negative", `{"call_count":-5}`, "", 0},
	} {
		if got := usage(t, c.app, c.business); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

// roundTrip is a Meta without HTTP.
type roundTrip func(*http.Request) *http.Response

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }

// usage is what an observer hears of an answer with these headers; "" is for none.
func usage(t *testing.T, app, business string) int {
	header := http.Header{}
	for name, value := range map[string]string{"X-App-Usage": app, "X-Business-Use-Case-Usage": business} {
		if value != "" {
			header[name] = []string{value}
		}
	}
	client := &graph.Client{
		HTTP: &http.Client{Transport: roundTrip(func(*http.Request) *http.Response {
			return &http.Response{StatusCode: 200, Header: header, Body: io.NopCloser(strings.NewReader("true"))}
		})},
		URL: "http://" + graphtest.Host,
	}
	heard := -1
	ctx := graph.Observe(t.Context(), func(answer graph.Answer) { heard = answer.Usage })
	if err := subscribe(ctx, client, secret.String{}); err != nil {
		t.Fatal(err)
	}
	return heard
}

// TestObserve: every answer is reported, refusals and the tries that failed too;
// they carry the limits and Meta's clock. A call that nobody observes is none.
func TestObserve(t *testing.T) {
	with := func(usage, date string, next http.HandlerFunc) http.HandlerFunc {
		return withHeader("X-App-Usage", `{"call_count":`+usage+`}`, withHeader("Date", date, next))
	}
	const date = "Sat, 05 Sep 2026 20:01:25 GMT"
	answer := inTurn(with("1", date, status(500, "")), with("2", "yesterday", says("true")), with("3", date, refuses(4, 0, "slow down")))
	run(t, "four answers", routes{subscribeLine: answer}, func(t *testing.T, m *meta) {
		var heard []graph.Answer
		ctx := graph.Observe(t.Context(), func(answer graph.Answer) { heard = append(heard, answer) })
		if err := subscribe(ctx, m.Client, paged); err != nil {
			t.Error(err)
		}
		failureOf(t, subscribe(ctx, m.Client, paged), graph.Throttled)
		failureOf(t, subscribe(t.Context(), m.Client, paged), graph.Throttled)
		at := time.Date(2026, 9, 5, 20, 1, 25, 0, time.UTC)
		if diff := cmp.Diff([]graph.Answer{{Usage: 1, Date: at}, {Usage: 2}, {Usage: 3, Date: at}}, heard); diff != "" {
			t.Error(diff)
		}
	})
}

// FuzzUsage: whatever the headers say, the answer is a percentage, and the app's
// alone.
func FuzzUsage(f *testing.F) {
	f.Fuzz(func(t *testing.T, app, business string) {
		if got := usage(t, app, business); got < 0 || got > 1000 || got != usage(t, app, "") {
			t.Errorf("%d, without the businesses %d", got, usage(t, app, ""))
		}
		if full := usage(t, `{"call_count":1000}`, business); full != 1000 {
			t.Errorf("%d with a full limit", full)
		}
	})
}

// TestLimitOfOne: of what is throttled only the app's limit is everybody's.
func TestLimitOfOne(t *testing.T) {
	for code, want := range map[int]bool{
		4: false, 341: false, 613: false, 17: true, 32: true, 368: true, 80000: true, 80001: true, 80002: true, 80006: true, 80014: true,
		190: false, 10: false, 79999: false, 80015: false,
	} {
		run(t, strconv.Itoa(code), routes{subscribeLine: refuses(code, 0, "no")}, func(t *testing.T, m *meta) {
			failure, ok := errors.AsType[*graph.Error](subscribe(t.Context(), m.Client, paged))
			if !ok || failure.LimitOfOne() != want {
				t.Errorf("code %d: %v, want %v", code, failure, want)
			}
		})
	}
	run(t, "429", routes{subscribeLine: status(429, "slow down")}, func(t *testing.T, m *meta) {
		if failure := failureOf(t, subscribe(t.Context(), m.Client, paged), graph.Throttled); failure.LimitOfOne() {
			t.Error("taken for a limit of one")
		}
	})
}
