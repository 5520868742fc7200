package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"igconnect/internal/deploytest"
	"igconnect/internal/metasim"
)

func TestConnectOneAccount(t *testing.T) {
	t.Parallel()
	d := deploy(t, brand(1))

	begun := d.Get("/api/login?return_to=" + url.QueryEscape("/settings?tab=2#top"))
	dialog, err := url.Parse(begun.Location())
	if err != nil || begun.StatusCode != http.StatusFound {
		t.Fatalf("login answered %d: %s", begun.StatusCode, begun.Body)
	}
	query := dialog.Query()
	if state := query.Get("state"); len(state) != 43 {
		t.Errorf("state %q is not 32 bytes", state)
	}
	query.Del("state")
	want := url.Values{
		"client_id": {deploytest.AppID}, "redirect_uri": {d.RedirectURI()}, "response_type": {"code"}, "auth_type": {"rerequest"},
		"scope": {"instagram_basic,instagram_manage_messages,pages_show_list,pages_manage_metadata"},
	}
	if diff := cmp.Diff(want, query); diff != "" || dialog.Path != "/v24.0/dialog/oauth" {
		t.Errorf("dialog %s: %s", dialog.Path, diff)
	}

	callback, err := d.Meta.Approve(t.Context(), begun.Location(), metasim.Approval{})
	if err != nil {
		t.Fatal(err)
	}
	callback, _, _ = strings.Cut(callback, "#")
	d.WantRedirect(d.Get(callback), http.StatusSeeOther, "/settings?tab=2&connected="+instagramID(1)+"#top")

	row := d.Supabase.Rows()[ada+"/"+instagramID(1)]
	for _, token := range []string{"token", "page_token"} {
		if value, _ := row[token].(string); len(value) < 20 {
			t.Errorf("%s = %v", token, row[token])
		}
		delete(row, token)
	}
	for _, at := range []string{"token_expires_at", "data_access_expires_at", "checked_at", "connected_at"} {
		if moment, err := time.Parse(time.RFC3339, row[at].(string)); err != nil || time.Until(moment) > 100*24*time.Hour {
			t.Errorf("%s = %v", at, row[at])
		}
		delete(row, at)
	}
	wantRow := map[string]any{
		"user_id": ada, "auth_user_id": ada, "instagram_id": instagramID(1), "page_id": "20001", "page_name": "Page 1",
		"username": "brand_1", "name": "Brand 1", "picture_url": row["picture_url"], "facebook_user_id": "5001",
		"scopes": []any{"public_profile", "pages_show_list", "pages_manage_metadata", "instagram_basic", "instagram_manage_messages"},
		"status": "active", "status_reason": nil, "subscribed_fields": []any{"feed"}, "subscription_error": nil,
	}
	if diff := cmp.Diff(wantRow, row); diff != "" {
		t.Error(diff)
	}
	if got := d.Meta.Subscribed("20001"); !cmp.Equal(got, []string{"feed"}) {
		t.Errorf("subscribed to %v", got)
	}
	if left := d.Cookies("igconnect"); len(left) != 0 {
		t.Errorf("cookies left: %v", left)
	}
}
