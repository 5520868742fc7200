package facebook_test

import (
	"net/http"
	"testing"

	"igconnect/lib/graph"

	"github.com/google/go-cmp/cmp"
)

// TestSubscribe: the whole list each time; where it is refused for a
// permission, the least field, and both are told.
func TestSubscribe(t *testing.T) {
	const all, least = "messages,messaging_postbacks", "feed"
	yes := says(`{"success":true}`)
	missing := refuses(200, 0, "(#200) To subscribe to the messages field, one of these permissions is needed: pages_messaging")
	for _, c := range []struct {
		name    string
		fields  []string
		answer  http.HandlerFunc
		sent    []string
		reached []string
		class   graph.Class // of the error, where code or fails say that there is one
		code    int
		fails   bool
	}{
		{"all", fields, yes, []string{all}, fields, 0, 0, false},
		{"the least", feed, yes, []string{least}, feed, 0, 0, false},
		{"after 500 once", fields, inTurn(status(500, ""), yes), []string{all, all}, fields, 0, 0, false},
		{"a permission is missing", fields, inTurn(missing, yes), []string{all, least}, feed, graph.NoPermission, 200, true},
		{"code 10", fields, inTurn(refuses(10, 0, "(#10)"), yes), []string{all, least}, feed, graph.NoPermission, 10, true},
		{"missing, and the least needs two tries", fields, inTurn(missing, status(500, ""), yes), []string{all, least, least}, feed, graph.NoPermission, 200, true},
		{"missing for the least too", fields, inTurn(missing, refuses(210, 0, "(#210) A page access token is required")), []string{all, least}, nil, graph.NoPermission, 200, true},
		{"missing, then not confirmed", fields, inTurn(missing, says(`{"success":false}`)), []string{all, least}, nil, graph.NoPermission, 200, true},
		{"missing, for the least", feed, missing, []string{least}, nil, graph.NoPermission, 200, true},
		{"an unknown field", fields, inTurn(refuses(100, 0, "(#100) Param subscribed_fields[0] must be one of {…}"), yes), []string{all}, nil, graph.Rejected, 100, true},
		{"a dead token", fields, inTurn(refuses(190, 492, "lost the role"), yes), []string{all}, nil, graph.TokenDead, 190, true},
		{"throttled", fields, inTurn(refuses(32, 0, "limit"), yes), []string{all}, nil, graph.Throttled, 32, true},
		{"not confirmed", fields, inTurn(says(`{"success":false}`), yes), []string{all}, nil, graph.Rejected, 0, true},
		{"success is missing", fields, inTurn(says(`{}`), yes), []string{all}, nil, graph.Rejected, 0, true},
		{"down", fields, status(500, ""), []string{all, all, all}, nil, graph.Unavailable, 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			run(t, routes{"POST /901/subscribed_apps": c.answer}, func(t *testing.T, m *meta) {
				reached, err := m.Subscribe(t.Context(), ceramics(paged, c.fields))
				if diff := cmp.Diff(c.reached, reached); diff != "" {
					t.Errorf("reached: %s", diff)
				}
				switch {
				case !c.fails && err != nil:
					t.Error(err)
				case c.fails:
					if failure := failureOf(t, err, c.class); failure.Code != c.code {
						t.Errorf("code %d, want %d", failure.Code, c.code)
					}
				}
				var sent []string
				for _, w := range m.Got {
					sent = append(sent, w.Form.Get("subscribed_fields"))
				}
				if diff := cmp.Diff(c.sent, sent); diff != "" {
					t.Errorf("sent: %s", diff)
				}
			})
		})
	}
}
