package graph_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"igconnect/lib/graph"
	"igconnect/lib/metajson"
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

func TestCanMessage(t *testing.T) {
	for task, want := range map[string]bool{"MODERATE": true, "MESSAGING": true, "ADVERTISE": false, "messaging": false, "": false} {
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
