package faults_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"igconnect/internal/faults"
	"igconnect/internal/leaks"
	"igconnect/internal/metasim"
	"igconnect/internal/supalite"
)

const (
	appID       = "1234567890"
	appSecret   = "an-app-secret-that-nobody-may-see"
	verifyToken = "a-verify-token-that-nobody-may-see"
	cronSecret  = "a-cron-secret-that-nobody-may-see"
)

// world is one person, one user and one function process between a Meta of its
// own and a Supabase Lite that it shares.
type world struct {
	ctx     context.Context
	number  string // in every id of this world
	house   *house
	user    supalite.User
	meta    *metasim.Sim
	wire    *faults.Wire
	process *process
	browser *http.Client
	codes   []string        // of erasures
	old     map[string]bool // tokens that stood in the tables before the flow
	seen    strings.Builder // all answers
}

var worlds atomic.Int64

// trouble is what ends a case early.
type trouble struct{ error }

// must ends the case where something around the functions fails.
func must(err error) {
	if err != nil {
		panic(trouble{err})
	}
}

// sure is must for a call that has a result.
func sure[T any](value T, err error) T {
	must(err)
	return value
}

// create makes a world whose person has the Pages that people gives it.
func create(ctx context.Context, h *house, authority *faults.Authority, elsewhere string, f flow) *world {
	w := &world{ctx: ctx, number: fmt.Sprintf("%06d", 100000+worlds.Add(1)), house: h, wire: faults.NewWire(elsewhere)}
	w.user = sure(h.user(ctx))
	late := &lateHandler{}
	meta := sure(w.wire.NewProxy("meta", late, authority))
	supabase := sure(w.wire.NewProxy("supabase", httputil.NewSingleHostReverseProxy(sure(url.Parse(h.URL))), authority))
	environment := map[string]string{
		"FB_APP_ID": appID, "FB_APP_SECRET": appSecret, "FB_GRAPH_URL": meta.URL, "FB_DIALOG_URL": meta.URL,
		"SUPABASE_URL": supabase.URL, "SUPABASE_SECRET_KEY": h.ServiceKey,
		"WEBHOOK_VERIFY_TOKEN": verifyToken, "CRON_SECRET": cronSecret,
	}
	maps.Copy(environment, f.environment)
	w.process = sure(launch(environment, authority.Root))
	w.meta = metasim.New(metasim.Config{AppID: appID, AppSecret: appSecret, RedirectURIs: []string{w.process.url + "/api/auth/callback"}})
	late.Handler = w.meta
	w.meta.AddPerson(f.person(w))
	w.browser = &http.Client{
		Jar: sure(cookiejar.New(nil)), Transport: &http.Transport{},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	w.browser.Jar.SetCookies(sure(url.Parse(w.process.url)), []*http.Cookie{{
		Name: "sb-127-auth-token", Value: "base64-" + base64.RawURLEncoding.EncodeToString(w.user.Session), Path: "/",
	}})
	return w
}

// lateHandler is a handler that is made after the server that it belongs to.
type lateHandler struct{ http.Handler }

// end takes the world down and returns all that its functions wrote.
func (w *world) end() string {
	w.browser.CloseIdleConnections()
	w.wire.Close()
	w.meta.Close()
	log := w.process.end()
	must(w.house.leave(w.ctx, w.user))
	return log
}

func (w *world) person() string         { return "5" + w.number }
func (w *world) page(n int) string      { return fmt.Sprintf("2%s%d", w.number, n) }
func (w *world) instagram(n int) string { return fmt.Sprintf("17841%s%d", w.number, n) }

// brand is a Page with its Instagram account.
func (w *world) brand(n int) metasim.Page {
	return metasim.Page{ID: w.page(n), Name: fmt.Sprint("Page ", n), Instagram: &metasim.Instagram{ID: w.instagram(n), Username: fmt.Sprint("brand_", n)}}
}

// answer is a response with its body.
type answer struct {
	*http.Response
	body string
	took time.Duration
}

func (a answer) code() string { return a.Header.Get("X-Error-Code") }

func (w *world) do(method, path string, header map[string]string, body string) answer {
	request := sure(http.NewRequestWithContext(w.ctx, method, w.process.url+path, strings.NewReader(body)))
	request.Header.Set("Accept", "text/html")
	for name, value := range header {
		request.Header.Set(name, value)
	}
	begun := time.Now()
	response := sure(w.browser.Do(request))
	defer response.Body.Close()
	a := answer{Response: response, body: string(sure(io.ReadAll(response.Body)))}
	a.took = time.Since(begun)
	fmt.Fprintln(&w.seen, response.Status, response.Header, a.body)
	return a
}

func (w *world) get(path string) answer { return w.do("GET", path, nil, "") }

// post submits a form of our own pages.
func (w *world) post(path string, form url.Values) answer {
	return w.do("POST", path, map[string]string{"Content-Type": "application/x-www-form-urlencoded", "Origin": w.process.url}, form.Encode())
}

// approve begins a login, answers the dialog, and returns the path to which
// Meta sends the browser.
func (w *world) approve(approval metasim.Approval) (callback string) {
	begun := w.get("/api/login")
	if begun.StatusCode != http.StatusFound {
		must(fmt.Errorf("the login answered %d %s", begun.StatusCode, begun.code()))
	}
	callback = sure(w.meta.Approve(w.ctx, begun.Header.Get("Location"), approval))
	callback, _, _ = strings.Cut(strings.TrimPrefix(callback, w.process.url), "#")
	return callback
}

// connect connects all that the person has, as so many days ago.
func (w *world) connect(days int) {
	w.meta.Jump(time.Duration(-days) * 24 * time.Hour)
	connected := w.get(w.approve(metasim.Approval{}))
	if connected.StatusCode == http.StatusOK {
		connected = w.submit(connected)
	}
	if connected.StatusCode != http.StatusSeeOther {
		must(fmt.Errorf("connecting answered %d %s", connected.StatusCode, connected.code()))
	}
	w.meta.Jump(time.Duration(days) * 24 * time.Hour)
}

var field = regexp.MustCompile(`name="([a-z_]+)" value="([^"]*)"`)

// submit posts the form of a page for /api/choose, with everything ticked or
// only the given accounts.
func (w *world) submit(shown answer, accounts ...string) answer {
	_, form, ok := strings.Cut(shown.body, `action="/api/choose"`)
	if !ok {
		must(fmt.Errorf("the page offers no form: %d %s", shown.StatusCode, shown.code()))
	}
	values := url.Values{}
	for _, match := range field.FindAllStringSubmatch(form, -1) {
		if match[1] != "instagram_id" || accounts == nil || slices.Contains(accounts, match[2]) {
			values.Add(match[1], match[2])
		}
	}
	return w.post("/api/choose", values)
}

func (w *world) sql(query string, args ...any) []map[string]any {
	return sure(w.house.SQL(w.ctx, query, args...))
}

// alive tells whether Meta accepts a token.
func (w *world) alive(token string) bool {
	r := httptest.NewRequestWithContext(w.ctx, "GET", "/v24.0/debug_token?"+url.Values{"input_token": {token}}.Encode(), nil)
	r.Header.Set("Authorization", "Bearer "+appID+"|"+appSecret)
	recorder := httptest.NewRecorder()
	w.meta.ServeHTTP(recorder, r)
	var verdict struct {
		Data struct {
			Valid bool `json:"is_valid"`
		}
	}
	must(json.Unmarshal(recorder.Body.Bytes(), &verdict))
	return verdict.Data.Valid
}

var inputToken = regexp.MustCompile(`input_token=[^&]*`)

// leaked searches what the world left behind: the log, all answers, and the
// addresses that the upstreams were asked for.
func (w *world) leaked(log string, asked []faults.Record) []leaks.Leak {
	secrets := leaks.Numbered("of Meta's", w.meta.Secrets())
	maps.Copy(secrets, map[string]string{
		"the app secret": appSecret, "the secret key": w.house.ServiceKey, "the verify token": verifyToken, "the cron secret": cronSecret,
		"the session": w.user.AccessToken, "the refresh token": w.user.RefreshToken,
	})
	var text strings.Builder
	text.WriteString(log + "\n" + w.seen.String() + "\n")
	for _, r := range asked {
		text.WriteString(inputToken.ReplaceAllString(r.URL, "") + "\n") // the one place where Meta knows no other way
	}
	return leaks.Find([]byte(text.String()), secrets)
}
