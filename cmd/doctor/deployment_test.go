package main

import (
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

const (
	cronSecret = "a-cron-secret-that-nobody-may-see"
	session    = "eyJh.a-session-that-nobody-may-see.x"
	publicKey  = "sb_publishable_anything"
)

// deployment answers as a well one does, as far as the doctor looks; tests put something else in
// the place of one answer.
type deployment struct {
	*httptest.Server
	mu      sync.Mutex
	instead map[string]http.HandlerFunc // by method, path and role of the request
	asked   []string
}

// newDeployment starts one, over http or https.
func newDeployment(t *testing.T, start func(*httptest.Server)) *deployment {
	d := &deployment{instead: map[string]http.HandlerFunc{}}
	d.Server = httptest.NewUnstartedServer(d)
	d.Config.ErrorLog = log.New(io.Discard, "", 0) // of connections that a test leaves
	start(d.Server)
	t.Cleanup(d.Close)
	return d
}

// who tells in what role a request comes.
func who(r *http.Request) string {
	switch r.Header.Get("Authorization") {
	case "":
		return ""
	case "Bearer " + cronSecret:
		return " operator"
	case "Bearer " + session:
		return " user"
	}
	return " wrong"
}

func (d *deployment) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	key := r.Method + " " + r.URL.Path + who(r)
	d.mu.Lock()
	d.asked = append(d.asked, key)
	serve := d.instead[key]
	d.mu.Unlock()
	if serve == nil {
		serve = d.well()[key]
	}
	if serve == nil {
		serve = answering(404, nil, "NOT_FOUND")
	}
	serve(w, r)
}

var safe = map[string]string{
	"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Strict-Transport-Security": "max-age=63072000",
	"Content-Security-Policy": "default-src 'none'; script-src 'self'; base-uri 'none'; frame-ancestors 'none'",
}

var stateCookie = map[string]string{"Set-Cookie": "__Host-igconnect_state_0a=x; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Lax"}

const (
	dialog    = `{"url":"https://www.facebook.com/v24.0/dialog/oauth?client_id=1&scope=`
	allScopes = `instagram_basic,instagram_manage_messages,pages_show_list,pages_manage_metadata,pages_messaging,business_management"}`
)

func (d *deployment) well() map[string]http.HandlerFunc {
	const health = `{"ok":true,"checks":[{"name":"FB_APP_ID","ok":true,"problem":"","fix":""},{"name":"redirect_uri","ok":true},{"name":"vault","ok":true}]}`
	return map[string]http.HandlerFunc{
		"GET /":                    answering(200, safe, `<script src="/igconnect/home.js" defer></script>`),
		"GET /api/auth/callback":   answering(400, with(safe, "X-Error-Code", "state_mismatch", "Cache-Control", "no-store"), "We lost track of your login"),
		"GET /api/health":          answering(200, nil, `{"ok":true}`),
		"GET /api/health operator": answering(200, nil, health),
		"GET /api/webhook":         refusing(403, "forbidden"),
		"POST /api/webhook":        refusing(401, "bad_signature"),
		"GET /api/renew":           refusing(401, "unauthorized"),
		"GET /api/renew wrong":     refusing(401, "unauthorized"),
		"POST /api/deauthorize":    refusing(401, "bad_signature"),
		"POST /api/deletion":       refusing(401, "bad_signature"),
		"GET /api/accounts":        refusing(401, "signed_out"),
		"GET /api/login":           refusing(401, "signed_out"),
		"GET /api/login user":      answering(200, stateCookie, dialog+allScopes),
	}
}

func answering(status int, header map[string]string, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for name, value := range header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func refusing(status int, code string) http.HandlerFunc {
	return answering(status, map[string]string{"X-Error-Code": code}, fmt.Sprintf(`{"error":{"code":%q}}`, code))
}

// with is a copy of header with further lines, or without one whose value is "".
func with(header map[string]string, lines ...string) map[string]string {
	all := maps.Clone(header)
	for i := 0; i < len(lines); i += 2 {
		if all[lines[i]] = lines[i+1]; lines[i+1] == "" {
			delete(all, lines[i])
		}
	}
	return all
}

// newProject is a Supabase project that refuses all accesses, but for the role and request of one answer.
func newProject(t *testing.T, instead map[string]http.HandlerFunc) *httptest.Server {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		role, status := "anon", 401
		if r.Header.Get("Authorization") != "" {
			role, status = "authenticated", 403
		}
		key := role + " " + strings.TrimPrefix(r.URL.Path, "/rest/v1/")
		if columns := r.URL.Query().Get("select"); columns != "" {
			key += "." + columns
		}
		switch {
		case instead[key] != nil:
			instead[key](w, r)
		case r.Header.Get("Apikey") != publicKey:
			answering(401, nil, `{"message":"Invalid API key"}`)(w, r)
		case r.Header.Get("Accept-Profile") == "vault":
			answering(406, nil, `{"code":"PGRST106","message":"Invalid schema: vault"}`)(w, r)
		default:
			answering(status, nil, `{"code":"42501","message":"permission denied"}`)(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return server
}

// notPassed are the lines that are not ok, as "state name: problem".
func notPassed(checks []check) []string {
	lines := []string{}
	for _, c := range checks {
		if c.State != isOK {
			lines = append(lines, fmt.Sprintf("%s %s: %s", c.State, c.Name, c.Problem))
		}
	}
	return lines
}
