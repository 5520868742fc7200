package api_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"igconnect/internal/metasim"
	"igconnect/internal/supalite"
	"igconnect/lib/app"
)

const oneDay = 24 * time.Hour

// life is a world with Supabase Lite in which nothing is connected yet: a
// renewal takes from everybody.
type life struct {
	*world
	lite *supalite.Server
	user string
}

func startLife(t *testing.T, pages ...metasim.Page) *life {
	t.Helper()
	w, lite, user := startWithLite(t, pages...)
	sql(t, lite, "delete from public.user_configs")
	sql(t, lite, "delete from public.erasures")
	return &life{world: w, lite: lite, user: user.ID}
}

// connectedAgo connects all of the person's accounts as it was so many days
// ago at Meta, and lets their check be due.
func (l *life) connectedAgo(days int) {
	l.t.Helper()
	l.meta.Jump(time.Duration(-days) * oneDay)
	got := l.connect()
	if strings.Contains(got.body, `action="/api/choose"`) {
		all := url.Values{}
		for _, part := range strings.Split(got.body, `name="instagram_id" value="`)[1:] {
			id, _, _ := strings.Cut(part, `"`)
			all.Add("instagram_id", id)
		}
		got = l.tryAgain(got, all)
	}
	if got.StatusCode != http.StatusSeeOther {
		l.t.Fatalf("connecting: %d %s\n%s", got.StatusCode, got.code(), l.logged())
	}
	l.meta.Jump(time.Duration(days) * oneDay)
	l.due()
	l.meta.Reset()
}

// due lets everything be due, and ends the leases.
func (l *life) due() {
	l.t.Helper()
	sql(l.t, l.lite, "update public.user_configs set checked_at = now() - interval '21 hours', leased_until = now()")
}

// row is an account's connection, with its token and Page token.
func (l *life) row(n int) map[string]any {
	l.t.Helper()
	rows := sql(l.t, l.lite, `select c.status, coalesce(c.status_reason, '') as reason, c.subscribed_fields, coalesce(c.subscription_error, '') as subscription_error,
			c.scopes, c.checked_at > now() - interval '1 hour' as checked, c.lease_id is not null as leased,
			extract(epoch from c.token_expires_at)::float8 as expires, extract(epoch from c.data_access_expires_at)::float8 as data_access,
			coalesce(t.token, '') as token, coalesce(t.page_token, '') as page_token
		from public.user_configs c left join public.get_instagram_token($1) t on t.user_id = c.user_id
		where c.instagram_id = $1`, instagramID(n))
	if len(rows) != 1 {
		l.t.Fatalf("%d rows of account %d", len(rows), n)
	}
	return rows[0]
}

// asked is a renewal's answer.
func (w *world) asked(secret string) answer {
	w.t.Helper()
	return w.request("GET", "/api/renew", map[string]string{"Authorization": "Bearer " + secret}, nil)
}

// wantRun runs a renewal and checks its counts.
func (w *world) wantRun(want app.Renewal) {
	w.t.Helper()
	got := w.asked(cronSecret)
	var run app.Renewal
	if err := json.Unmarshal([]byte(got.body), &run); err != nil || got.StatusCode != http.StatusOK || got.Header.Get("Content-Type") != "application/json" {
		w.t.Fatalf("%d %s: %s\n%s", got.StatusCode, got.code(), got.body, w.logged())
	}
	if run != want {
		w.t.Errorf("got %+v, want %+v\n%s", run, want, w.logged())
	}
}

// works tells whether Meta accepts a user token.
func (w *world) works(token string) bool {
	w.t.Helper()
	for _, known := range w.meta.Secrets() {
		if known == token {
			return w.alive(token)
		}
	}
	return false
}

// alive asks debug_token, as the operator of the app would by hand.
func (w *world) alive(token string) bool {
	w.t.Helper()
	request, err := http.NewRequest("GET", w.graph()+"/v24.0/debug_token?"+url.Values{"input_token": {token}}.Encode(), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+appID+"|"+appSecret)
	var answer struct {
		Data struct {
			IsValid bool `json:"is_valid"`
		}
	}
	got := w.do(request)
	if err := json.Unmarshal([]byte(got.body), &answer); err != nil {
		w.t.Fatal(got.body)
	}
	return answer.Data.IsValid
}

// prolonged exchanges a long-lived token at Meta for another one.
func (w *world) prolonged(token string) string {
	w.t.Helper()
	response, err := http.PostForm(w.graph()+"/v24.0/oauth/access_token", url.Values{
		"grant_type": {"fb_exchange_token"}, "client_id": {appID}, "client_secret": {appSecret}, "fb_exchange_token": {token},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || answer.Token == "" {
		w.t.Fatalf("%s: %v", response.Status, err)
	}
	return answer.Token
}

// runOf reads the counts of a run.
func runOf(t *testing.T, got answer) (run app.Renewal) {
	t.Helper()
	if err := json.Unmarshal([]byte(got.body), &run); err != nil || got.StatusCode != http.StatusOK {
		t.Errorf("%d %s: %s", got.StatusCode, got.code(), got.body)
	}
	return run
}

// readPage reads a Page with a user token, by which Meta makes its Page token
// known.
func (w *world) readPage(page, token string) {
	w.t.Helper()
	mac := hmac.New(sha256.New, []byte(appSecret))
	mac.Write([]byte(token))
	query := url.Values{"fields": {"access_token"}, "appsecret_proof": {hex.EncodeToString(mac.Sum(nil))}}
	request, err := http.NewRequest("GET", w.graph()+"/v24.0/"+page+"?"+query.Encode(), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	if got := w.do(request); got.StatusCode != http.StatusOK {
		w.t.Fatal(got.body)
	}
}
