package faults_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"

	"igconnect/internal/faultproxy"
	"igconnect/internal/metasim"
	"igconnect/internal/supalite"
)

const (
	appID       = "1234567890"
	appSecret   = "an-app-secret-that-nobody-may-see"
	verifyToken = "a-verify-token-that-nobody-may-see"
	cronSecret  = "a-cron-secret-that-nobody-may-see"

	deadPageToken = "a-token-of-the-Page-that-died" // stands in the tables before a renewal
)

// world is one person, one user and one function process between a Meta of its
// own and a Supabase Lite that it shares.
type world struct {
	ctx     context.Context
	number  string // in every id of this world
	house   *house
	user    supalite.User
	meta    *metasim.Sim
	group   *faultproxy.Group
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
func create(ctx context.Context, h *house, authority *faultproxy.Authority, elsewhere string, f flow) *world {
	w := &world{ctx: ctx, number: fmt.Sprintf("%06d", 100000+worlds.Add(1)), house: h}
	w.group = &faultproxy.Group{Recording: true, Elsewhere: elsewhere}
	w.user = sure(h.user(ctx))
	late := &lateHandler{}
	meta := sure(w.group.Proxy("meta", late).Listen(authority))
	supabase := sure(w.group.Proxy("supabase", faultproxy.To(h.URL)).Listen(authority))
	environment := map[string]string{
		"FB_APP_ID": appID, "FB_APP_SECRET": appSecret, "FB_GRAPH_URL": meta, "FB_DIALOG_URL": meta,
		"SUPABASE_URL": supabase, "SUPABASE_SECRET_KEY": h.ServiceKey,
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
	w.group.Close()
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
