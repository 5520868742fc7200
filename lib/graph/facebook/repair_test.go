package facebook_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"igconnect/lib/graph"
	"igconnect/lib/secret"
)

const (
	readLine      = "GET /901/subscribed_apps"
	subscribeLine = "POST /901/subscribed_apps"
)

// subscribedTo answers that the Page is subscribed to those fields for our app,
// and to others for another.
func subscribedTo(fields ...string) http.HandlerFunc {
	return says(`{"data":[{"id":"99","subscribed_fields":["x"]},{"id":` + appID + `,"subscribed_fields":["` + strings.Join(fields, `","`) + `"]}]}`)
}

// TestRepairSubscribes: the Page is subscribed again unless it is as wanted. Where
// the least is wanted, any subscription will do.
func TestRepairSubscribes(t *testing.T) {
	none, messaging := says(`{"data":[]}`), []string{"pages_messaging"}
	for _, c := range []struct {
		name       string
		subscribed http.HandlerFunc
		granted    []string
		sent       string // to subscribe anew; "" if nothing is sent
		want       []string
	}{
		{"the least", subscribedTo("feed"), nil, "", feed},
		{"more than the least", subscribedTo("messages", "standby"), nil, "", []string{"messages", "standby"}},
		{"nothing, the least wanted", none, nil, "feed", feed},
		{"in another order", subscribedTo("standby", "messages"), messaging, "", []string{"standby", "messages"}},
		{"one is missing", subscribedTo("messages"), messaging, "messages,standby", []string{"messages", "standby"}},
		{"one too many", subscribedTo("messages", "standby", "feed"), messaging, "messages,standby", []string{"messages", "standby"}},
		{"nothing", none, messaging, "messages,standby", []string{"messages", "standby"}},
		{"another app alone", says(`{"data":[{"id":"99","subscribed_fields":["messages","standby"]}]}`), messaging, "messages,standby", []string{"messages", "standby"}},
		{"names that are none", subscribedTo("feed", "FEED", "a b"), nil, "", feed},
	} {
		t.Run(c.name, func(t *testing.T) {
			run(t, routes{readLine: c.subscribed, subscribeLine: says("true")}, func(t *testing.T, m *meta) {
				m.WebhookFields = []string{"messages", "standby"}
				repair, err := m.Repair(t.Context(), user, ceramics(paged, nil), c.granted)
				if diff := cmp.Diff(graph.Repair{Known: true, Fields: c.want}, repair, bySecret); diff != "" || err != nil {
					t.Errorf("%v %s", err, diff)
				}
				sent := ""
				for _, request := range m.Got {
					sent += request.Form.Get("subscribed_fields")
				}
				if sent != c.sent {
					t.Errorf("sent %q, want %q", sent, c.sent)
				}
			})
		})
	}
}

// TestRepair: a refusal is noted, a dead Page token replaced, and only a lost role
// ends the connection.
func TestRepair(t *testing.T) {
	var (
		none, yes = says(`{"data":[]}`), says("true")
		dead      = refuses(190, 460, "The session has been invalidated")
		role      = refuses(190, 492, "The user must be an administrator")
		fresh     = secret.New("token-901")
		down      = status(500, "")
	)
	const old, anew, person = " page_token", " token-901", "GET /901 foo_token"
	for _, c := range []struct {
		name    string
		answers routes
		want    graph.Repair
		class   graph.Class // of the error, where fails
		fails   bool
		plain   bool // the error is none of Meta's, so that it ends no connection
		asked   []string
	}{
		{"an unknown field", routes{readLine: none, subscribeLine: refuses(100, 0, "(#100) Param")},
			graph.Repair{Known: true, Refused: "subscribing the Page: code 100: (#100) Param"}, 0, false, false,
			[]string{readLine + old, subscribeLine + old}},
		{"a permission is missing", routes{readLine: none, subscribeLine: inTurn(refuses(200, 0, "(#200)"), yes)},
			graph.Repair{Known: true, Fields: feed, Refused: "subscribing the Page: code 200: (#200)"}, 0, false, false,
			[]string{readLine + old, subscribeLine + old, subscribeLine + old}},
		{"it may not be read", routes{readLine: refuses(10, 0, "(#10)")},
			graph.Repair{Known: true, Refused: "reading the subscription: code 10: (#10)"}, 0, false, false, []string{readLine + old}},
		{"Meta is down", routes{readLine: down}, graph.Repair{}, graph.Unavailable, true, false,
			[]string{readLine + old, readLine + old, readLine + old}},
		{"throttled", routes{readLine: none, subscribeLine: refuses(32, 0, "limit")}, graph.Repair{}, graph.Throttled, true, false,
			[]string{readLine + old, subscribeLine + old}},
		{"the role is lost", routes{readLine: role}, graph.Repair{}, graph.TokenDead, true, false, []string{readLine + old}},

		{"a dead token", routes{readLine: inTurn(dead, none), "GET /901": says(page901), subscribeLine: yes},
			graph.Repair{Known: true, Token: fresh, Fields: fields}, 0, false, false,
			[]string{readLine + old, person, readLine + anew, subscribeLine + anew}},
		{"a dead token, and subscribed", routes{readLine: inTurn(dead, subscribedTo(fields...)), "GET /901": says(page901)},
			graph.Repair{Known: true, Token: fresh, Fields: fields}, 0, false, false, []string{readLine + old, person, readLine + anew}},
		{"it dies between the two calls", routes{readLine: none, subscribeLine: inTurn(dead, yes), "GET /901": says(page901)},
			graph.Repair{Known: true, Token: fresh, Fields: fields}, 0, false, false,
			[]string{readLine + old, subscribeLine + old, person, readLine + anew, subscribeLine + anew}},
		{"the new one is dead too", routes{readLine: dead, "GET /901": says(page901)},
			graph.Repair{Token: fresh}, 0, true, true, []string{readLine + old, person, readLine + anew}},
		{"the new one, and the role is lost", routes{readLine: inTurn(dead, role), "GET /901": says(page901)},
			graph.Repair{Token: fresh}, graph.TokenDead, true, false, []string{readLine + old, person, readLine + anew}},
		{"the new one, and Meta is down", routes{readLine: inTurn(dead, down), "GET /901": says(page901)},
			graph.Repair{Token: fresh}, graph.Unavailable, true, false,
			[]string{readLine + old, person, readLine + anew, readLine + anew, readLine + anew}},
		{"no new one: the person's is dead", routes{readLine: dead, "GET /901": dead},
			graph.Repair{}, 0, true, true, []string{readLine + old, person}},
		{"no new one: refused", routes{readLine: dead, "GET /901": refuses(100, 33, "Unsupported get request.")},
			graph.Repair{Known: true, Refused: "reading a Page: code 100: Unsupported get request."}, 0, false, false,
			[]string{readLine + old, person}},
		{"no new one: another Page's", routes{readLine: dead, "GET /901": says(page903)},
			graph.Repair{}, graph.Unavailable, true, false, []string{readLine + old, person}},
	} {
		t.Run(c.name, func(t *testing.T) {
			run(t, c.answers, func(t *testing.T, m *meta) {
				repair, err := m.Repair(t.Context(), user, ceramics(paged, nil), []string{"pages_messaging"})
				if diff := cmp.Diff(c.want, repair, bySecret); diff != "" {
					t.Error(diff)
				}
				switch {
				case !c.fails && err != nil, c.plain && graph.ClassOf(err) != graph.Rejected:
					t.Error(err)
				case c.plain:
					if text := err.Error(); !strings.HasPrefix(text, "using the Page's token: ") {
						t.Errorf("%q", text)
					}
				case c.fails:
					failureOf(t, err, c.class)
				}
				var asked []string
				for _, request := range m.Got {
					asked = append(asked, request.Line+strings.TrimPrefix(request.Authorization, "Bearer"))
				}
				if diff := cmp.Diff(c.asked, asked); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

// TestNothingToRepair: without a Page, or without its token, Meta is not asked, and
// nothing else that needs a Page leads anywhere.
func TestNothingToRepair(t *testing.T) {
	bare := ceramics(paged, feed)
	bare.Page = nil
	nameless := bare
	nameless.Page = &graph.Page{}
	run(t, routes{}, func(t *testing.T, m *meta) { // the scripted Meta objects to any request
		for _, account := range []graph.Account{bare, nameless, ceramics(secret.String{}, feed)} {
			if repair, err := m.Repair(t.Context(), user, account, nil); err != nil || !cmp.Equal(repair, graph.Repair{}, bySecret) {
				t.Errorf("%+v: %+v, %v", account, repair, err)
			}
		}
		for _, account := range []graph.Account{bare, nameless} {
			_, err := m.Subscribe(t.Context(), account)
			failureOf(t, err, graph.Rejected)
		}
		failureOf(t, m.Unsubscribe(t.Context(), nameless), graph.Rejected)
		if err := m.Unsubscribe(t.Context(), bare); err != nil {
			t.Errorf("ending a subscription that never was: %v", err)
		}
	})
}
