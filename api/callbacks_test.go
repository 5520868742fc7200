package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"igconnect/internal/metasim"
)

// callBack posts a signed_request to one of the callbacks.
func (w *world) callBack(path, signedRequest string) answer {
	w.t.Helper()
	return w.request("POST", path, nil, url.Values{"signed_request": {signedRequest}})
}

// What did not come from Meta for this app is refused, before the database is
// asked.
func TestSignedRequestRefused(t *testing.T) {
	w := start(t)
	sign := func(s metasim.Signing) string { return w.meta.SignedRequest("5001", s) }
	good := sign(metasim.Signing{})
	signature, payload, _ := strings.Cut(good, ".")
	for name, sent := range map[string]string{
		"another app's":         sign(metasim.Signing{Secret: "another app's secret"}),
		"another algorithm":     sign(metasim.Signing{Algorithm: "HMAC-SHA1"}),
		"no algorithm":          sign(metasim.Signing{Algorithm: "none"}),
		"a day and an hour":     sign(metasim.Signing{IssuedAt: time.Now().Add(-25 * time.Hour)}),
		"of tomorrow":           sign(metasim.Signing{IssuedAt: time.Now().Add(time.Hour)}),
		"no payload":            sign(metasim.Signing{Payload: new("")}),
		"not JSON":              sign(metasim.Signing{Payload: new("hello")}),
		"a list":                sign(metasim.Signing{Payload: new("[]")}),
		"no user":               sign(metasim.Signing{Payload: new(fmt.Sprintf(`{"algorithm":"HMAC-SHA256","issued_at":%d}`, time.Now().Unix()))}),
		"no time":               sign(metasim.Signing{Payload: new(`{"algorithm":"HMAC-SHA256","user_id":"5001"}`)}),
		"a broken id":           sign(metasim.Signing{Payload: new(fmt.Sprintf(`{"algorithm":"HMAC-SHA256","issued_at":%d,"user_id":"5001') or true--"}`, time.Now().Unix()))}),
		"a truncated one":       good[:len(good)-2],
		"a changed payload":     signature + "." + payload[:len(payload)-1] + "A",
		"no signature":          "." + payload,
		"no dot":                signature + payload,
		"a line break in it":    signature[:9] + "\n" + signature[9:] + "." + payload,
		"a return at its end":   good + "\r",
		"empty":                 "",
		"the standard alphabet": strings.NewReplacer("-", "+", "_", "/").Replace(signature) + "+." + payload,
	} {
		for _, path := range []string{"/api/deauthorize", "/api/deletion"} {
			got := w.callBack(path, sent)
			if got.StatusCode != http.StatusUnauthorized || got.code() != "bad_signature" || got.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%s, %s: %d %s", path, name, got.StatusCode, got.code())
			}
		}
	}
	for _, path := range []string{"/api/deauthorize", "/api/deletion"} {
		if got := w.request("POST", path, nil, nil); got.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s without a form: %d %s", path, got.StatusCode, got.code())
		}
		if got := w.request("POST", path+"?signed_request="+url.QueryEscape(good), nil, url.Values{}); got.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s in the query: %d %s", path, got.StatusCode, got.code())
		}
		if got := w.request("POST", path, nil, url.Values{"signed_request": {strings.Repeat("a", 70_000)}}); got.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("%s, 70 kB: %d %s", path, got.StatusCode, got.code())
		}
		if got := w.request("PUT", path, nil, nil); got.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("PUT %s: %d", path, got.StatusCode)
		}
	}
	if got := w.get("/api/deauthorize"); got.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", got.StatusCode)
	}
	if calls := w.supa.seen(); len(calls) != 0 {
		t.Errorf("the database was asked: %v", calls)
	}
	w.supa.broken("", html(502))
	for _, path := range []string{"/api/deauthorize", "/api/deletion"} { // Meta delivers again what was not done
		if got := w.callBack(path, good); got.StatusCode != http.StatusServiceUnavailable || got.code() != "store_unavailable" {
			t.Errorf("%s while the database fails: %d %s", path, got.StatusCode, got.code())
		}
	}
}

// accounts are the ids of the rows, with their status.
func (l *life) accounts() string {
	l.t.Helper()
	var all []string
	for _, row := range sql(l.t, l.lite, "select instagram_id, status from public.user_configs order by 1") {
		id := row["instagram_id"].(string)
		all = append(all, id[len(id)-1:]+" "+row["status"].(string))
	}
	return strings.Join(all, ", ")
}

// secrets counts what Vault holds of the connections.
func (l *life) secrets() float64 {
	l.t.Helper()
	return sql(l.t, l.lite, "select count(*)::int as n from vault.secrets where name like 'user_configs/%'")[0]["n"].(float64)
}

// twoPeople has two accounts of Ada's and one of Ben's, each with an event in
// the inbox.
func twoPeople(t *testing.T) *life {
	l := startLife(t, brand(1), brand(2))
	l.connectedAgo(1)
	l.meta.AddPerson(metasim.Person{ID: "5002", Name: "Ben", Pages: []metasim.Page{brand(3)}})
	l.get(l.login("", metasim.Approval{Person: "5002"}))
	if got := l.accounts(); got != "1 active, 2 active, 3 active" {
		t.Fatal(got)
	}
	for n := 1; n <= 3; n++ {
		body := strings.ReplaceAll(strings.ReplaceAll(message, "17841452691600098", instagramID(n)), "aWdf", fmt.Sprint("mid", n, uuid.New()))
		if got := l.deliver(body, signed(body, appSecret)); got.StatusCode != http.StatusOK {
			t.Fatal(got.body)
		}
	}
	return l
}

func (l *life) events() float64 {
	l.t.Helper()
	return sql(l.t, l.lite, "select count(*)::int as n from public.instagram_events where user_id = $1", l.user)[0]["n"].(float64)
}

func TestDeauthorize(t *testing.T) {
	for name, signing := range map[string]metasim.Signing{
		"as Meta sends it": {}, "padded": {Padded: true}, "a numeric id": {NumericID: true}, "both": {Padded: true, NumericID: true},
		"23 hours old": {IssuedAt: time.Now().Add(23 * time.Hour).Add(-46 * time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			l := twoPeople(t)
			if !signing.IssuedAt.IsZero() {
				sql(t, l.lite, "update public.user_configs set connected_at = now() - interval '2 days'")
			}
			request := l.meta.SignedRequest("5001", signing)
			got := l.callBack("/api/deauthorize", request)
			if got.StatusCode != http.StatusOK || got.body != "" {
				t.Fatalf("%d %s", got.StatusCode, got.body)
			}
			if got := l.accounts(); got != "1 reconnect, 2 reconnect, 3 active" || l.secrets() != 2 {
				t.Errorf("%s, %v secrets", got, l.secrets())
			}
			if row := l.row(1); row["reason"] != "You removed this app at Facebook." || row["token"] != "" {
				t.Errorf("%v", row["reason"])
			}
			if l.events() != 3 {
				t.Errorf("%v events: they are not to be erased", l.events())
			}
			if got := l.callBack("/api/deauthorize", request); got.StatusCode != http.StatusOK || l.accounts() != "1 reconnect, 2 reconnect, 3 active" {
				t.Errorf("again: %d, %s", got.StatusCode, l.accounts())
			}
		})
	}
}

// Who comes back is not thrown out by a request of before, delivered again.
func TestReplayedAfterReconnection(t *testing.T) {
	l := twoPeople(t)
	first := l.meta.SignedRequest("5001", metasim.Signing{IssuedAt: time.Now().Add(-time.Minute)})
	sql(t, l.lite, "update public.user_configs set connected_at = now() - interval '1 hour'")
	l.callBack("/api/deauthorize", first)
	erasure := l.meta.SignedRequest("5001", metasim.Signing{IssuedAt: time.Now().Add(-time.Minute)})
	l.callBack("/api/deletion", erasure)
	if got := l.accounts(); got != "3 active" {
		t.Fatal(got)
	}
	l.connectedAgo(0)
	signature, payload, _ := strings.Cut(erasure, ".")
	for _, again := range []string{first, erasure, erasure + "=", signature + "==." + payload, signature[:5] + "\n" + signature[5:] + "." + payload} {
		l.callBack("/api/deauthorize", again)
		l.callBack("/api/deletion", again)
		if got := l.accounts(); again != first && got != "1 active, 2 active, 3 active" {
			t.Fatalf("%q: %s", again, got)
		}
		l.connectedAgo(0)
	}
	l.wantRunAllWell()
}

func (l *life) wantRunAllWell() {
	l.t.Helper()
	if rows := sql(l.t, l.lite, "select 1 from public.user_configs where status <> 'active' or token_secret_id is null"); len(rows) != 0 {
		l.t.Errorf("%d are not well", len(rows))
	}
}

// A rotated secret still verifies.
func TestCallbackAfterRotation(t *testing.T) {
	l := twoPeople(t)
	t.Setenv("FB_APP_SECRET", "a-new-secret,"+appSecret)
	if got := l.callBack("/api/deauthorize", l.meta.SignedRequest("5002", metasim.Signing{})); got.StatusCode != http.StatusOK || l.accounts() != "1 active, 2 active, 3 reconnect" {
		t.Errorf("%d, %s", got.StatusCode, l.accounts())
	}
}

// Somebody whom nobody knows costs nothing, and is answered like anybody.
func TestCallbackOfAStranger(t *testing.T) {
	l := twoPeople(t)
	sql(t, l.lite, "update public.user_configs set facebook_user_id = null where instagram_id = $1", instagramID(3))
	for _, person := range []string{"999", "5", "50010"} {
		request := l.meta.SignedRequest(person, metasim.Signing{})
		if got := l.callBack("/api/deauthorize", request); got.StatusCode != http.StatusOK {
			t.Errorf("%d", got.StatusCode)
		}
		got := l.callBack("/api/deletion", request)
		if page := l.get(erased(t, got)); got.StatusCode != http.StatusOK || !strings.Contains(page.body, "nothing to delete") {
			t.Errorf("%d %s", got.StatusCode, page.body)
		}
	}
	if got := l.accounts(); got != "1 active, 2 active, 3 active" || l.secrets() != 6 || l.events() != 3 {
		t.Errorf("%s, %v secrets, %v events", got, l.secrets(), l.events())
	}
}

// erased reads Meta's answer, and returns the address of the page.
func erased(t *testing.T, got answer) string {
	t.Helper()
	var answer map[string]string
	if err := json.Unmarshal([]byte(got.body), &answer); err != nil || got.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("%d %s", got.StatusCode, got.body)
	}
	if _, err := uuid.Parse(answer["confirmation_code"]); err != nil || len(answer) != 2 || !strings.HasSuffix(answer["url"], "/api/deletion?code="+answer["confirmation_code"]) {
		t.Fatalf("%v", answer)
	}
	return answer["url"]
}

func TestDeletion(t *testing.T) {
	l := twoPeople(t)
	dumpedBefore := l.everything()
	for _, trace := range []string{instagramID(1), `5001`} {
		if !strings.Contains(dumpedBefore, trace) {
			t.Fatalf("%s is not there to be erased", trace)
		}
	}
	address, code, err := l.meta.DeleteData(t.Context(), l.url+"/api/deletion", "5001")
	if err != nil {
		t.Fatal(err)
	}
	if got := l.accounts(); got != "3 active" || l.secrets() != 2 || l.events() != 1 {
		t.Errorf("%s, %v secrets, %v events", got, l.secrets(), l.events())
	}
	if address != l.url+"/api/deletion?code="+code {
		t.Errorf("the page is at %s", address)
	}

	// The page says what and when.
	page := l.get(address)
	for _, text := range []string{"2 connected accounts", "2 messages", time.Now().UTC().Format("2 January 2006"), code} {
		if !strings.Contains(page.body, text) {
			t.Errorf("the page lacks %q: %s", text, page.body)
		}
	}
	if page.StatusCode != http.StatusOK || !strings.HasPrefix(page.Header.Get("Content-Type"), "text/html") || page.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v", page.StatusCode, page.Header)
	}
	stranger := newBrowser(t)
	l.browser = stranger // Meta's reviewer has no session
	if again := l.get(address); again.StatusCode != http.StatusOK {
		t.Errorf("without a session: %d", again.StatusCode)
	}

	// Nothing is left that leads to the person.
	records := sql(t, l.lite, "select to_jsonb(e)::text as record from public.erasures e")
	if len(records) != 1 {
		t.Fatalf("%v", records)
	}
	for _, trace := range []string{"5001", instagramID(1), instagramID(2), "brand_1", l.user} {
		if strings.Contains(fmt.Sprint(records), trace) || strings.Contains(page.body, trace) {
			t.Errorf("%s is left", trace)
		}
	}
	rest := l.everything()
	for _, trace := range []string{instagramID(1), instagramID(2), "brand_1", "5001"} {
		if strings.Contains(rest, trace) {
			t.Errorf("%s is left somewhere", trace)
		}
	}

	for _, junk := range []string{uuid.NewString(), "", "x", "%00", code + "0", strings.Repeat("a", 5000), url.QueryEscape("' or 1=1 --"), "../" + code} {
		if got := l.get("/api/deletion?code=" + junk); got.StatusCode != http.StatusNotFound || got.code() != "not_found" || !strings.HasPrefix(got.Header.Get("Content-Type"), "text/html") {
			t.Errorf("%.20q: %d %s", junk, got.StatusCode, got.code())
		}
	}
	if got := l.get("/api/deletion"); got.StatusCode != http.StatusNotFound {
		t.Errorf("no code: %d", got.StatusCode)
	}
}

// The same request again has the same answer and the same record.
func TestDeletionTwice(t *testing.T) {
	l := twoPeople(t)
	request := l.meta.SignedRequest("5001", metasim.Signing{NumericID: true, Padded: true})
	first := l.callBack("/api/deletion", request)
	page := l.get(erased(t, first))
	second := l.callBack("/api/deletion", request)
	if second.body != first.body || second.StatusCode != http.StatusOK {
		t.Errorf("%s, then %s", first.body, second.body)
	}
	if again := l.get(erased(t, second)); again.body != page.body || !strings.Contains(page.body, "2 connected accounts") {
		t.Errorf("%s", again.body)
	}
	if n := len(sql(t, l.lite, "select 1 from public.erasures")); n != 1 {
		t.Errorf("%d records", n)
	}
}

// everything is all that the database holds of the project's own tables.
func (l *life) everything() string {
	l.t.Helper()
	dump, err := l.lite.Dump(l.t.Context())
	if err != nil {
		l.t.Fatal(err)
	}
	var all strings.Builder
	for table, rows := range dump {
		if strings.HasPrefix(table, "public.") || table == "vault.secrets" {
			all.WriteString(rows)
		}
	}
	return all.String()
}
