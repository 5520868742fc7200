package app_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"igconnect/api"
	"igconnect/internal/leaks"
	"igconnect/internal/leaks/leakstest"
	"igconnect/internal/metasim"
	"igconnect/internal/supalite"
	"igconnect/internal/supalite/supalitetest"
	"igconnect/lib/app"
	"igconnect/lib/config"
)

func TestMain(m *testing.M) {
	os.Exit(leakstest.Main(func() int { return supalitetest.Run(m) }))
}

const (
	appID      = "1234567890"
	appSecret  = "an-app-secret-that-nobody-may-see"
	cronSecret = "a-cron-secret-that-nobody-may-see"
	oneDay     = 24 * time.Hour
)

// deployment is the functions with Meta simulated, Supabase Lite, a user, and a
// clock that is Meta's: it can be moved.
type deployment struct {
	t       *testing.T
	meta    *metasim.Sim
	lite    *supalite.Server
	url     string
	user    supalite.User
	browser *http.Client
}

func deploy(t *testing.T) *deployment {
	t.Helper()
	d := &deployment{t: t, lite: supalitetest.Shared(t)}
	watch := leakstest.New(t)
	mux := http.NewServeMux()
	for path, function := range map[string]http.HandlerFunc{
		"/api/login": api.Login, "/api/auth/callback": api.Callback, "/api/renew": api.Renew,
		"/api/deauthorize": api.Deauthorize, "/api/deletion": api.Deletion,
	} {
		mux.HandleFunc(path, function)
	}
	server := httptest.NewServer(watch.Responses(mux))
	d.url = server.URL
	redirectURI := d.url + "/api/auth/callback"
	d.meta = metasim.New(metasim.Config{AppID: appID, AppSecret: appSecret, RedirectURIs: []string{redirectURI}})
	meta := httptest.NewServer(watch.RequestURLs(d.meta))
	t.Cleanup(func() {
		d.meta.Close()
		meta.Close()
		server.Close()
		watch.Know(leaks.Numbered("of Meta's", d.meta.Secrets()))
		watch.Know(map[string]string{
			"FB_APP_SECRET": appSecret, "CRON_SECRET": cronSecret, "SUPABASE_SECRET_KEY": d.lite.ServiceKey, "the session": d.user.AccessToken,
		})
		watch.SeeDatabase(d.lite)
	})

	for _, variable := range config.Variables {
		t.Setenv(variable, "")
	}
	for variable, value := range map[string]string{
		"FB_APP_ID": appID, "FB_APP_SECRET": appSecret, "REDIRECT_URI": redirectURI, "CRON_SECRET": cronSecret,
		"SUPABASE_URL": d.lite.URL, "SUPABASE_SECRET_KEY": d.lite.ServiceKey, "FB_GRAPH_URL": meta.URL, "FB_DIALOG_URL": meta.URL,
	} {
		t.Setenv(variable, value)
	}
	app.SetClock(t, d.meta.Now)

	user, err := d.lite.SignUp(t.Context(), uuid.NewString()+"@example.com", "a-password-for-tests")
	if err != nil {
		t.Fatal(err)
	}
	d.user = user
	d.signIn()
	return d
}

func (d *deployment) signIn() {
	jar, err := cookiejar.New(nil)
	if err != nil {
		d.t.Fatal(err)
	}
	at, _ := url.Parse(d.url)
	jar.SetCookies(at, []*http.Cookie{{Name: "sb-127-auth-token", Value: "base64-" + base64.RawURLEncoding.EncodeToString(d.user.Session), Path: "/"}})
	d.browser = &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func (d *deployment) sql(query string, args ...any) []map[string]any {
	d.t.Helper()
	rows, err := d.lite.SQL(d.t.Context(), query, args...)
	if err != nil {
		d.t.Fatal(err)
	}
	return rows
}

// connect walks through the login as a person does.
func (d *deployment) connect(person, instagramID string) {
	d.t.Helper()
	begun, err := d.browser.Get(d.url + "/api/login?instagram_id=" + instagramID)
	if err != nil {
		d.t.Fatal(err)
	}
	begun.Body.Close()
	back, err := d.meta.Approve(d.t.Context(), begun.Header.Get("Location"), metasim.Approval{Person: person})
	if err != nil {
		d.t.Fatalf("%s: login answered %s: %v", instagramID, begun.Status, err)
	}
	back, _, _ = strings.Cut(back, "#")
	done, err := d.browser.Get(back)
	if err != nil {
		d.t.Fatal(err)
	}
	done.Body.Close()
	if want := "/?connected=" + instagramID; done.Header.Get("Location") != want {
		d.t.Fatalf("%s: the callback answered %s %s", instagramID, done.Status, done.Header.Get("X-Error-Code"))
	}
}

// renew is what cron does.
func (d *deployment) renew() (run app.Renewal) {
	d.t.Helper()
	request, err := http.NewRequest("GET", d.url+"/api/renew", nil)
	if err != nil {
		d.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+cronSecret)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		d.t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&run); err != nil || response.StatusCode != http.StatusOK {
		d.t.Fatalf("the renewal answered %s", response.Status)
	}
	return run
}

// ask asks the simulator without the network and without our client. ok tells
// whether it accepted the token.
func (d *deployment) ask(path, token string, answer any) (ok bool) {
	d.t.Helper()
	mac := hmac.New(sha256.New, []byte(appSecret))
	mac.Write([]byte(token))
	query := url.Values{"appsecret_proof": {hex.EncodeToString(mac.Sum(nil))}}
	request := httptest.NewRequestWithContext(d.t.Context(), "GET", "/v24.0"+path+"?"+query.Encode(), nil)
	request.Header.Set("Authorization", "Bearer "+token)
	recorder := httptest.NewRecorder()
	d.meta.ServeHTTP(recorder, request)
	if recorder.Code != http.StatusOK {
		return false
	}
	if err := json.Unmarshal(recorder.Body.Bytes(), answer); err != nil {
		d.t.Fatal(err)
	}
	return true
}

// granted are the permissions behind a user token, none for a dead one.
func (d *deployment) granted(token string) []string {
	d.t.Helper()
	var answer struct {
		Data []struct{ Permission, Status string }
	}
	if token == "" || !d.ask("/me/permissions", token, &answer) {
		return nil
	}
	var names []string
	for _, p := range answer.Data {
		if p.Status == "granted" {
			names = append(names, p.Permission)
		}
	}
	return names
}

// readable tells whether a Page token still serves its Page, and what that is
// subscribed to.
func (d *deployment) readable(page, token string) (fields []string, ok bool) {
	d.t.Helper()
	var answer struct {
		Data []struct {
			Fields []string `json:"subscribed_fields"`
		}
	}
	if token == "" || !d.ask("/"+page+"/subscribed_apps", token, &answer) {
		return nil, false
	}
	for _, of := range answer.Data {
		fields = append(fields, of.Fields...)
	}
	return fields, true
}

// works tells whether a connection's tokens do at Meta what we need them for.
func (d *deployment) works(page, token, pageToken string) bool {
	granted := d.granted(token)
	for _, scope := range config.SeedScopes {
		if !slices.Contains(granted, scope) {
			return false
		}
	}
	_, ok := d.readable(page, pageToken)
	return ok
}

func brand(n int) metasim.Page {
	return metasim.Page{ID: fmt.Sprint(20000 + n), Name: fmt.Sprint("Page ", n), Instagram: &metasim.Instagram{
		ID: fmt.Sprint(17841400000000000 + n), Username: fmt.Sprint("brand_", n), Name: fmt.Sprint("Brand ", n)}}
}
