package facebook_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"igconnect/lib/graph"

	"github.com/google/go-cmp/cmp"
)

const debugLine = "GET /debug_token"

func TestInspect(t *testing.T) {
	for _, c := range []struct {
		name, body string
		want       graph.Inspection
	}{
		{"all of it", goodDebug, graph.Inspection{
			PersonID: "501",
			Expires:  time.Unix(1780000000, 0).UTC(), DataAccessExpires: time.Unix(1790000000, 0).UTC(),
			Scopes: []string{"pages_show_list", "instagram_basic"}, PageIDs: []string{"901", "902"}, AllNamed: true,
		}},
		{"never ends", `{"data":{"app_id":"1234567890","is_valid":true,"expires_at":0,"data_access_expires_at":0}}`, graph.Inspection{}},
		{"all Pages shared: no targets", `{"data":{"app_id":"1234567890","is_valid":true,"granular_scopes":[{"scope":"pages_show_list"}]}}`, graph.Inspection{}},
		{"all Pages for one scope", `{"data":{"app_id":"1234567890","is_valid":true,"granular_scopes":[{"scope":"pages_show_list"},{"scope":"pages_manage_metadata","target_ids":["901"]}]}}`,
			graph.Inspection{PageIDs: []string{"901"}}},
		{"ids as numbers", `{"data":{"app_id":1234567890,"is_valid":true,"granular_scopes":[{"scope":"pages_show_list","target_ids":[901,"902"]}]}}`,
			graph.Inspection{PageIDs: []string{"901", "902"}, AllNamed: true}},
		{"each Page once, no accounts and no businesses", `{"data":{"app_id":"1234567890","is_valid":true,"granular_scopes":[` +
			`{"scope":"business_management","target_ids":["77"]},{"scope":"pages_show_list","target_ids":["901"]},` +
			`{"scope":"instagram_manage_messages","target_ids":["17841001"]},{"scope":"pages_manage_metadata","target_ids":["901","902"]}]}}`,
			graph.Inspection{PageIDs: []string{"901", "902"}, AllNamed: true}},
		{"null for a list", `{"data":{"app_id":"1234567890","is_valid":true,"scopes":null,"granular_scopes":null,"error":null}}`, graph.Inspection{}},
		{"null for an id", `{"data":{"app_id":"1234567890","is_valid":true,"granular_scopes":[{"scope":"pages_show_list","target_ids":[null,"901"]}]}}`,
			graph.Inspection{PageIDs: []string{"901"}, AllNamed: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			run(t, routes{debugLine: says(c.body)}, func(t *testing.T, m *meta) {
				got, err := m.Inspect(t.Context(), user)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

func TestInspectErrors(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		want   graph.Class
	}{
		{"another app's", says(strings.Replace(goodDebug, appID, "99", 1)), graph.TokenDead},
		{"no app", says(`{"data":{"is_valid":true}}`), graph.Unavailable},
		{"invalid without a reason", says(`{"data":{"is_valid":false}}`), graph.Unavailable},
		{"invalid for a passing reason", says(`{"data":{"is_valid":false,"error":{"code":2,"message":"later"}}}`), graph.Unavailable},
		{"invalid", says(`{"data":{"app_id":"1234567890","is_valid":false,"scopes":[],"error":{"code":190,"subcode":460,"message":"The session has been invalidated"}}}`), graph.TokenDead},
		{"unknown", says(`{"data":{"is_valid":false,"scopes":[],"error":{"code":190,"message":"Invalid OAuth access token."}}}`), graph.TokenDead},
		{"no data", says(`{}`), graph.Unavailable},
		{"null data", says(`{"data":null}`), graph.Unavailable},
		{"data of another type", says(`{"data":[]}`), graph.Unavailable},
		{"an id with a slash", says(strings.Replace(goodDebug, `"902"`, `"902/feed"`, 1)), graph.Unavailable},
		{"an id with dots", says(strings.Replace(goodDebug, `"902"`, `".."`, 1)), graph.Unavailable},
		{"an id with a question mark", says(strings.Replace(goodDebug, `"902"`, `"902?x=1"`, 1)), graph.Unavailable},
		{"an id with a line break", says(strings.Replace(goodDebug, `"902"`, `"902\n"`, 1)), graph.Unavailable},
		{"an id with a fraction", says(strings.Replace(goodDebug, `"902"`, `902.5`, 1)), graph.Unavailable},
		{"an id below zero", says(strings.Replace(goodDebug, `"902"`, `-902`, 1)), graph.Unavailable},
		{"an empty id", says(strings.Replace(goodDebug, `"902"`, `""`, 1)), graph.Unavailable},
		{"a list for an id", says(strings.Replace(goodDebug, `"902"`, `["902"]`, 1)), graph.Unavailable},
		{"no rights", refuses(100, 0, "(#100) You must provide an app access token"), graph.Rejected},
		{"wrong secret", refuses(1, 0, "Error validating client secret."), graph.BadApp},
	} {
		t.Run(c.name, func(t *testing.T) {
			run(t, routes{debugLine: c.answer}, func(t *testing.T, m *meta) {
				got, err := m.Inspect(t.Context(), user)
				failureOf(t, err, c.want)
				if diff := cmp.Diff(graph.Inspection{}, got); diff != "" {
					t.Errorf("something along with the error: %s", diff)
				}
			})
		})
	}
}

// TestInspectWhy: the subcode tells an app removed from a password changed.
func TestInspectWhy(t *testing.T) {
	body := `{"data":{"app_id":"1234567890","is_valid":false,"error":{"code":190,"subcode":458,"message":"The app was removed"}}}`
	run(t, routes{debugLine: says(body)}, func(t *testing.T, m *meta) {
		_, err := m.Inspect(t.Context(), user)
		failure := failureOf(t, err, graph.TokenDead)
		if failure.Code != 190 || failure.Subcode != 458 || failure.Message != "The app was removed" {
			t.Errorf("%+v", *failure)
		}
	})
}

// TestInspectRefused: a refusal of the call itself is about the app's own token.
func TestInspectRefused(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		class  graph.Class
	}{
		"a wrong secret": {refuses(190, 0, "Invalid OAuth access token signature."), graph.BadApp},
		"no verdict":     {says(`{"data":{}}`), graph.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, routes{debugLine: c.answer}, func(t *testing.T, m *meta) {
				_, err := m.Inspect(t.Context(), user)
				failureOf(t, err, c.class)
			})
		})
	}
}
