package api_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"igconnect/internal/metasim"
	"igconnect/lib/sealed"
	"igconnect/lib/secret"
)

// A healthy connection is not stopped because Meta does not show its Page:
// with "all Pages, and those to come" Meta names none, and one that a business
// holds is not listed.
func TestNotStoppedWithoutEvidence(t *testing.T) {
	hidden := brand(1)
	hidden.Unlisted = true
	w := start(t, hidden, brand(2))
	w.stored(ada, 1, "5001", nil)
	w.stored(ben, 1, "5001", nil)
	w.get(w.login("", metasim.Approval{All: true}))
	for _, user := range []string{ada, ben} {
		if row := w.supa.rows()[user+"/"+instagramID(1)]; row["status"] != "active" {
			t.Errorf("%s: %v, %v", user, row["status"], row["status_reason"])
		}
	}
}

// Two tabs: what the second one connected is newer than what the first one
// has looked up.
func TestNewerConnectionIsNotStopped(t *testing.T) {
	w := start(t, brand(1), brand(2))
	callback := w.login("", metasim.Approval{Pages: []string{"20001"}})
	w.supa.fault("list", func(rw http.ResponseWriter, r *http.Request) {
		w.stored(ada, 2, "5001", map[string]any{"connected_at": time.Now().Add(time.Second).Format(time.RFC3339)})
		w.supa.serve("list", nil)(rw, r)
	})
	w.get(callback)
	if row := w.supa.rows()[ada+"/"+instagramID(2)]; row["status"] != "active" {
		t.Errorf("%v", row)
	}
}

// A row that was written without a person may be of this one: its token would
// die with the grant.
func TestGrantIsKeptForUnknownRows(t *testing.T) {
	w := start(t, brand(1))
	w.connect()
	w.stored(ben, 2, "", map[string]any{"facebook_user_id": nil})
	w.disconnect(instagramID(1), map[string]string{"Origin": w.url})
	if did := w.did(); did != "unsubscribe" {
		t.Errorf("at Meta: %s", did)
	}
}

// Who connects while the grant is being revoked has a dead token and is told.
func TestConnectedWhileRevoked(t *testing.T) {
	w := start(t, brand(1))
	w.connect()
	pass := w.supa.serve("list", nil)
	w.supa.fault("list", pass, pass, func(rw http.ResponseWriter, r *http.Request) {
		w.stored(ben, 3, "5001", nil)
		pass(rw, r)
	})
	w.disconnect(instagramID(1), map[string]string{"Origin": w.url})
	if row := w.supa.rows()[ben+"/"+instagramID(3)]; row["status"] != "reconnect" || w.did() != "unsubscribe revoke" {
		t.Errorf("%v, at Meta %s", row, w.did())
	}
}

// A hanging unsubscribe does not cost the revocation.
func TestRevokedAllTheSame(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the real limit")
	}
	w := start(t, brand(1))
	w.connect()
	w.meta.Order(metasim.Order{Step: "unsubscribe", Hang: true})
	begun := time.Now()
	w.disconnect(instagramID(1), map[string]string{"Origin": w.url})
	if took := time.Since(begun); !strings.HasSuffix(w.did(), "revoke") || took > 15*time.Second {
		t.Errorf("at Meta: %s, after %v", w.did(), took)
	}
}

// A page of a sibling subdomain can set a session cookie for the whole domain.
func TestTossedSessionCookie(t *testing.T) {
	whole := func(user string) string {
		return "base64-" + base64.RawURLEncoding.EncodeToString([]byte(`{"access_token":"`+session(user)+`"}`))
	}
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
			w := start(t)
			w.browser = newBrowser(t)
			if got := w.request("GET", "/api/login", map[string]string{"Cookie": c.cookie}, nil); got.StatusCode != c.status {
				t.Errorf("%d %s", got.StatusCode, got.code())
			}
		})
	}
}

// However often somebody is led to /api/login, the cookies fit into a header.
func TestCookieBomb(t *testing.T) {
	w := start(t, brand(1), brand(2))
	longest := "/?" + strings.Repeat("&", 510)
	for range 6 {
		w.get(w.login("?return_to="+url.QueryEscape(longest), metasim.Approval{}))
		w.get("/api/login?return_to=" + url.QueryEscape(longest))
	}
	total := 0
	for _, cookie := range w.cookies("igconnect") {
		total += len(cookie.Name) + len(cookie.Value) + 3
	}
	if total == 0 || total > 11_000 {
		t.Errorf("%d bytes of cookies", total)
	}
	chooser := w.get(w.login("?return_to="+url.QueryEscape(longest), metasim.Approval{}))
	if got := w.tryAgain(chooser, url.Values{"instagram_id": {instagramID(1)}}); got.StatusCode != http.StatusSeeOther {
		t.Errorf("%d %s", got.StatusCode, got.code())
	}
}

// A grant waits ten minutes and no longer, however often it is sealed again.
func TestGrantExpires(t *testing.T) {
	w := start(t, brand(1), brand(2))
	chooser := w.get(w.login("", metasim.Approval{}))
	cookie := w.cookies("igconnect_grant_")[0]
	box, err := sealed.NewBox([]secret.String{secret.New(appSecret)}, w.redirectURI()+" "+os.Getenv("SUPABASE_URL"))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := box.Open(cookie.Name, cookie.Value)
	if err != nil {
		t.Fatal(err)
	}
	begun := `"begun":` // as if sealed again just now, but granted eleven minutes ago
	at := strings.Index(string(plain), begun) + len(begun)
	w.setCookie(cookie.Name, box.Seal(cookie.Name, []byte(string(plain[:at])+strconv.FormatInt(time.Now().Unix()-660, 10)+string(plain[at+10:]))))
	w.wantError(w.tryAgain(chooser, url.Values{"instagram_id": {instagramID(1)}}), 400, "state_expired")
}

// Unticking everything takes an earlier choice back.
func TestChoiceWithdrawn(t *testing.T) {
	w := start(t, brand(1), brand(2))
	chooser := w.get(w.login("", metasim.Approval{}))
	w.supa.broken("save", html(502))
	w.tryAgain(chooser, url.Values{"choosing": {"1"}, "instagram_id": {instagramID(2)}})
	w.supa.broken("save", nil)
	w.wantError(w.tryAgain(chooser, url.Values{"choosing": {"1"}}), 400, "bad_request")
}

// With hundreds of accounts the choice does not fit into a cookie, but the
// grant does.
func TestTryAgainWithManyAccounts(t *testing.T) {
	var pages []metasim.Page
	form := url.Values{}
	for n := 1; n <= 250; n++ {
		pages = append(pages, brand(n))
		form.Add("instagram_id", instagramID(n))
	}
	w := start(t, pages...)
	chooser := w.get(w.login("", metasim.Approval{}))
	w.supa.broken("save", html(502))
	down := w.tryAgain(chooser, form)
	w.wantError(down, 503, "store_unavailable")
	w.supa.broken("save", nil)
	again := w.tryAgain(down, nil)
	if again.code() != "bad_request" || !strings.Contains(again.body, "Choose at least one account, then press Connect.") {
		t.Fatalf("%d %s", again.StatusCode, again.code())
	}
	if got := w.tryAgain(again, form); got.StatusCode != http.StatusSeeOther || len(w.supa.rows()) != 250 {
		t.Errorf("%d %s", got.StatusCode, got.code())
	}
}
