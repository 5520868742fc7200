package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"igconnect/internal/deploytest"
	"igconnect/internal/metasim"
)

// A healthy connection is not stopped because Meta does not show its Page:
// with "all Pages, and those to come" Meta names none, and one that a business
// holds is not listed.
func TestNotStoppedWithoutEvidence(t *testing.T) {
	t.Parallel()
	hidden := brand(1)
	hidden.Unlisted = true
	d := deploy(t, hidden, brand(2))
	d.stored(ada, 1, "5001", nil)
	d.stored(ben, 1, "5001", nil)
	d.Get(d.LogIn("", metasim.Approval{All: true}))
	for _, user := range []string{ada, ben} {
		if row := d.Supabase.Rows()[user+"/"+instagramID(1)]; row["status"] != "active" {
			t.Errorf("%s: %v, %v", user, row["status"], row["status_reason"])
		}
	}
}

// Two tabs: what the second one connected is newer than what the first one
// has looked up.
func TestNewerConnectionIsNotStopped(t *testing.T) {
	t.Parallel()
	d := deploy(t, brand(1), brand(2))
	callback := d.LogIn("", metasim.Approval{Pages: []string{"20001"}})
	d.Supabase.Fault("list", func(rw http.ResponseWriter, r *http.Request) {
		d.stored(ada, 2, "5001", map[string]any{"connected_at": time.Now().Add(time.Second).Format(time.RFC3339)})
		d.Supabase.Pass("list")(rw, r)
	})
	d.Get(callback)
	if row := d.Supabase.Rows()[ada+"/"+instagramID(2)]; row["status"] != "active" {
		t.Errorf("%v", row)
	}
}

// A row that was written without a person may be of this one: its token would
// die with the grant.
func TestGrantIsKeptForUnknownRows(t *testing.T) {
	t.Parallel()
	d := deploy(t, brand(1))
	d.Connect()
	d.stored(ben, 2, "", map[string]any{"facebook_user_id": nil})
	d.disconnect(instagramID(1), map[string]string{"Origin": d.URL})
	if did := d.did(); did != "unsubscribe" {
		t.Errorf("at Meta: %s", did)
	}
}

// Who connects while the grant is being revoked has a dead token and is told.
func TestConnectedWhileRevoked(t *testing.T) {
	t.Parallel()
	d := deploy(t, brand(1))
	d.Connect()
	pass := d.Supabase.Pass("list")
	d.Supabase.Fault("list", pass, pass, func(rw http.ResponseWriter, r *http.Request) {
		d.stored(ben, 3, "5001", nil)
		pass(rw, r)
	})
	d.disconnect(instagramID(1), map[string]string{"Origin": d.URL})
	if row := d.Supabase.Rows()[ben+"/"+instagramID(3)]; row["status"] != "reconnect" || d.did() != "unsubscribe revoke" {
		t.Errorf("%v, at Meta %s", row, d.did())
	}
}

// A hanging unsubscribe does not cost the revocation.
func TestRevokedAllTheSame(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("waits for the real limit")
	}
	d := deploy(t, brand(1))
	d.Connect()
	d.Meta.Inject(metasim.Fault{Step: "unsubscribe", Hang: true})
	begun := time.Now()
	d.disconnect(instagramID(1), map[string]string{"Origin": d.URL})
	if took := time.Since(begun); !strings.HasSuffix(d.did(), "revoke") || took > 15*time.Second {
		t.Errorf("at Meta: %s, after %v", d.did(), took)
	}
}

// A page of a sibling subdomain can set a session cookie for the whole domain.
func TestTossedSessionCookie(t *testing.T) {
	t.Parallel()
	whole := deploytest.SessionCookie
	for _, c := range []struct {
		name, cookie string
		status       int
	}{
		{"of another user, first", "sb-127-auth-token=" + whole(ben) + "; sb-127-auth-token=" + whole(ada), 401},
		{"of another user, last", "sb-127-auth-token=" + whole(ada) + "; sb-127-auth-token=" + whole(ben), 401},
		{"whole, before chunks", "sb-127-auth-token=" + whole(ben) + "; sb-127-auth-token.0=" + whole(ada)[:50] + "; sb-127-auth-token.1=" + whole(ada)[50:], 401},
		{"a chunk", "sb-127-auth-token.0=" + whole(ben) + "; sb-127-auth-token.0=" + whole(ada), 401},
		{"whole and a chunk", "sb-127-auth-token=" + whole(ben) + "; sb-127-auth-token.0=x; sb-127-auth-token.0=" + whole(ada), 401},
		{"the same twice", "sb-127-auth-token=" + whole(ada) + "; sb-127-auth-token=" + whole(ada), 302},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := deploy(t)
			d.Browser = deploytest.NewBrowser(t)
			if got := d.Send("GET", "/api/login", map[string]string{"Cookie": c.cookie}, ""); got.StatusCode != c.status {
				t.Errorf("%d %s", got.StatusCode, got.Code())
			}
		})
	}
}

// However often somebody is led to /api/login, the cookies fit into a header.
func TestCookieBomb(t *testing.T) {
	t.Parallel()
	d := deploy(t, brand(1), brand(2))
	longest := "/?" + strings.Repeat("&", 510)
	for range 6 {
		d.Get(d.LogIn("?return_to="+url.QueryEscape(longest), metasim.Approval{}))
		d.Get("/api/login?return_to=" + url.QueryEscape(longest))
	}
	total := 0
	for _, cookie := range d.Cookies("igconnect") {
		total += len(cookie.Name) + len(cookie.Value) + 3
	}
	if total == 0 || total > 11_000 {
		t.Errorf("%d bytes of cookies", total)
	}
	chooser := d.Get(d.LogIn("?return_to="+url.QueryEscape(longest), metasim.Approval{}))
	if got := d.Submit(chooser, choice(1)); got.StatusCode != http.StatusSeeOther {
		t.Errorf("%d %s", got.StatusCode, got.Code())
	}
}

// A grant waits ten minutes and no longer, however often it is sealed again.
func TestGrantExpires(t *testing.T) {
	t.Parallel()
	d := deploy(t, brand(1), brand(2))
	chooser := d.Get(d.LogIn("", metasim.Approval{}))
	d.reseal("igconnect_grant_", "begun", 11*time.Minute) // as if sealed again just now, but granted then
	d.WantError(d.Submit(chooser, choice(1)), 400, "state_expired")
}

// Unticking everything takes an earlier choice back.
func TestChoiceWithdrawn(t *testing.T) {
	t.Parallel()
	d := deploy(t, brand(1), brand(2))
	chooser := d.Get(d.LogIn("", metasim.Approval{}))
	d.Supabase.Break("save", html(502))
	d.Submit(chooser, url.Values{"choosing": {"1"}, "instagram_id": {instagramID(2)}})
	d.Supabase.Break("save", nil)
	d.WantError(d.Submit(chooser, url.Values{"choosing": {"1"}}), 400, "bad_request")
}

// With hundreds of accounts the choice does not fit into a cookie, but the
// grant does.
func TestTryAgainWithManyAccounts(t *testing.T) {
	t.Parallel()
	pages, form := brands(250)
	d := deploy(t, pages...)
	chooser := d.Get(d.LogIn("", metasim.Approval{}))
	d.Supabase.Break("save", html(502))
	down := d.Submit(chooser, form)
	d.WantError(down, 503, "store_unavailable")
	d.Supabase.Break("save", nil)
	again := d.Submit(down, nil)
	if again.Code() != "bad_request" || !strings.Contains(again.Body, "Choose at least one account, then press Connect.") {
		t.Fatalf("%d %s", again.StatusCode, again.Code())
	}
	if got := d.Submit(again, form); got.StatusCode != http.StatusSeeOther || len(d.Supabase.Rows()) != 250 {
		t.Errorf("%d %s", got.StatusCode, got.Code())
	}
}
