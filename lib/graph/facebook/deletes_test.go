package facebook_test

import (
	"context"
	"net/http"
	"net/url"
	"testing"

	"igconnect/lib/graph"

	"github.com/google/go-cmp/cmp"
)

// TestDeletes: Unsubscribe and Revoke are a DELETE each, which Meta confirms
// with true or with an object. To repeat one does no harm.
func TestDeletes(t *testing.T) {
	yes := says(`{"success":true}`)
	for _, call := range []struct {
		name string
		do   func(context.Context, *meta) error
		want wire
	}{
		{"Unsubscribe", func(ctx context.Context, m *meta) error { return m.Unsubscribe(ctx, ceramics(paged, nil)) }, wire{
			Line: "DELETE /901/subscribed_apps", Query: url.Values{"appsecret_proof": {pageProof}}, Form: url.Values{},
			Authorization: "Bearer page_token", Accept: "application/json",
		}},
		{"Revoke", func(ctx context.Context, m *meta) error { return m.Revoke(ctx, "501", user) }, wire{
			Line: "DELETE /501/permissions", Query: url.Values{"appsecret_proof": {userProof}}, Form: url.Values{},
			Authorization: "Bearer foo_token", Accept: "application/json",
		}},
	} {
		for _, c := range []struct {
			name   string
			answer http.HandlerFunc
			tries  int
			class  graph.Class
			fails  bool
		}{
			{"true", says("true"), 1, 0, false},
			{"an object", yes, 1, 0, false},
			{"after 500 once", inTurn(status(500, ""), yes), 2, 0, false},
			{"false", says("false"), 1, graph.Rejected, true},
			{"an object that denies", says(`{"success":false}`), 1, graph.Rejected, true},
			{"null", says("null"), 3, graph.Unavailable, true},
			{"HTML", says("<html>"), 3, graph.Unavailable, true},
			{"empty", says(""), 3, graph.Unavailable, true},
			{"a dead token", refuses(190, 458, "The user has not authorized application"), 1, graph.TokenDead, true},
			{"not allowed", refuses(200, 0, "(#200)"), 1, graph.NoPermission, true},
		} {
			t.Run(call.name+" "+c.name, func(t *testing.T) {
				run(t, routes{call.want.Line: c.answer}, func(t *testing.T, m *meta) {
					err := call.do(t.Context(), m)
					switch {
					case c.fails:
						failureOf(t, err, c.class)
					case err != nil:
						t.Error(err)
					}
					var want []wire
					for range c.tries {
						want = append(want, call.want)
					}
					if diff := cmp.Diff(want, m.Got); diff != "" {
						t.Error(diff)
					}
				})
			})
		}
	}
}
