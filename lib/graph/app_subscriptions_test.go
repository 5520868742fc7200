package graph_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"igconnect/lib/graph"
	"igconnect/lib/metajson"
)

const appSubscriptions = "GET /" + appID + "/subscriptions"

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
		t.Run(c.name, func(t *testing.T) {
			run(t, routes{appSubscriptions: says(c.body)}, func(t *testing.T, m *meta) {
				got, err := m.AppSubscriptions(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Error(diff)
				}
				if got := m.Got[0].Authorization; got != "Bearer "+appID+"|"+appSecret {
					t.Errorf("asked with %.20q", got)
				}
			})
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
		t.Run(name, func(t *testing.T) {
			run(t, routes{appSubscriptions: c.answer}, func(t *testing.T, m *meta) {
				_, err := m.AppSubscriptions(t.Context())
				failureOf(t, err, c.class)
				wantClean(t, err, appSecret)
			})
		})
	}
}
