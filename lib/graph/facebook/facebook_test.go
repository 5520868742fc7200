package facebook_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"igconnect/internal/graphtest"
)

func TestAuthCodeURL(t *testing.T) {
	const base = "https://www.facebook.com/v24.0/dialog/oauth?"
	for configID, want := range map[string]url.Values{
		"":   {"scope": {"instagram_basic,instagram_manage_messages,pages_show_list,pages_manage_metadata"}},
		"77": {"config_id": {"77"}},
	} {
		login := login(graphtest.RealClient(t, "http://"+graphtest.Host))
		login.ConfigID = configID
		for name, value := range map[string]string{"client_id": appID, "redirect_uri": redirectURI, "response_type": "code", "state": "a/b=", "auth_type": "rerequest"} {
			want.Set(name, value)
		}
		address := login.AuthCodeURL("a/b=")
		query, err := url.ParseQuery(strings.TrimPrefix(address, base))
		if diff := cmp.Diff(want, query); diff != "" || err != nil || !strings.HasPrefix(address, base) {
			t.Errorf("%s: %v %s", address, err, diff)
		}
	}
}

// TestPermissions: which permissions count as declined, and which as missing: what
// nobody asked for is neither, unless a required one is refused outright. What a
// configuration asks for only Meta knows.
func TestPermissions(t *testing.T) {
	optional := append(slices.Clone(required), "pages_messaging", "business_management")
	const all = "instagram_basic instagram_manage_messages pages_show_list pages_manage_metadata"
	for _, c := range []struct {
		name, granted, declined string
		scopes                  []string
		configID                string
		wantDeclined            string
		wantMissing             string
		wantFields              []string
	}{
		{"all granted", all, "", required, "", "", "", feed},
		{"with messaging", all + " pages_messaging", "", optional, "", "", "", fields},
		{"one declined", "instagram_basic pages_show_list pages_manage_metadata", "instagram_manage_messages", required, "",
			"instagram_manage_messages", "instagram_manage_messages", feed},
		{"one not mentioned", "instagram_basic pages_show_list pages_manage_metadata", "", required, "", "", "instagram_manage_messages", feed},
		{"in the order of need", "", "pages_show_list instagram_basic", required, "", "pages_show_list instagram_basic", all, feed},
		{"an optional one declined", all, "pages_messaging email", optional, "", "pages_messaging", "", feed},
		{"not asked for", "pages_show_list", "", []string{"pages_show_list"}, "", "", "", feed},
		{"not asked for, and refused once", "pages_show_list", "instagram_basic", []string{"pages_show_list"}, "", "", "instagram_basic", feed},
		{"a configuration: not mentioned", "pages_show_list", "", required, "77", "", "", feed},
		{"a configuration: refused", "pages_show_list", "instagram_basic", required, "77", "instagram_basic", "instagram_basic", feed},
	} {
		var entries []string
		for status, names := range map[string]string{"granted": c.granted, "declined": c.declined} {
			for _, name := range strings.Fields(names) {
				entries = append(entries, fmt.Sprintf(`{"permission":%q,"status":%q}`, name, status))
			}
		}
		run(t, c.name, person(routes{permissionsLine: says(list(entries...))}), func(t *testing.T, m *meta) {
			m.Scopes, m.ConfigID = c.scopes, c.configID
			found, err := accounts(t, m)
			if err != nil || len(found.Accounts) != 2 {
				t.Fatalf("accounts %+v, %v", found.Accounts, err)
			}
			want := [][]string{strings.Fields(c.granted), strings.Fields(c.wantDeclined), strings.Fields(c.wantMissing), c.wantFields, c.wantFields}
			got := [][]string{found.Granted, found.Declined, found.Missing, found.Accounts[0].Fields, found.Accounts[1].Fields}
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("granted, declined, missing, and to be subscribed to: %s", diff)
			}
		})
	}
}
