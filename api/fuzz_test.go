package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"igconnect/api"
	"igconnect/internal/functions"
	"igconnect/internal/leaks"
)

// strangers' requests may be answered so, and in no other way.
var strangersCodes = []string{
	"signed_out", "bad_request", "forbidden_origin", "state_mismatch", "state_expired", "access_denied", "unauthorized", "not_found",
	"bad_signature", "forbidden", "method_not_allowed", "too_large", "store_unavailable",
}

// fuzzedFunctions are the functions with the calls to Supabase that a request
// without any secret may lead to. The corpus counts on their order.
var fuzzedFunctions = []struct {
	path    string
	reaches []string
}{
	{"/api/login", []string{"user"}},
	{"/api/callback", nil},
	{"/api/choose", nil},
	{"/api/accounts", []string{"user", "list"}},
	{"/api/webhook", nil},
	{"/api/deauthorize", nil},
	{"/api/deletion", []string{""}}, // the look-up of an erasure, which the stand-in does not know
	{"/api/renew", nil},
	{"/api/health", nil},
}

var fuzzedMethods = []string{"GET", "POST", "DELETE", "OPTIONS", "HEAD", "PUT"}

// FuzzFunctions sends any request of a stranger to any function: one answer of
// the known kinds, one record in the log, no secret anywhere, no call to Meta
// and none to Supabase that writes. A webhook's body that Meta signed is kept
// or refused as no JSON.
func FuzzFunctions(f *testing.F) {
	s := startFuzz(f)
	f.Fuzz(func(t *testing.T, function, method byte, query, cookies, authorization, origin, host, contentType, body string) {
		of := fuzzedFunctions[int(function)%len(fuzzedFunctions)]
		sent := func() *http.Request {
			r := httptest.NewRequest(fuzzedMethods[int(method)%len(fuzzedMethods)], "https://own.example"+of.path, strings.NewReader(body))
			r.URL.RawQuery = query
			r.Header = http.Header{
				"Cookie": {cookies}, "Authorization": {authorization}, "Content-Type": {contentType},
				"Origin": {origin}, "X-Forwarded-Host": {host}, "X-Vercel-Id": {host}, "Accept": {contentType},
			}
			return r
		}
		got, reached := s.serve(t, functions.All[of.path], sent())
		s.check(t, got)
		for _, step := range reached {
			if !slices.Contains(of.reaches, step) {
				t.Errorf("%s reached Supabase: %s", of.path, step)
			}
		}
		if value, _, _ := strings.Cut(query, "&"); strings.Contains(value, "<") && len(value) > 3 && strings.Contains(got.Body.String(), value) {
			t.Errorf("%s shows %q as it is", of.path, value)
		}
		if of.path != "/api/webhook" || method%6 != 1 {
			return
		}
		if got.Code != http.StatusUnauthorized {
			t.Errorf("a delivery without a signature: %d", got.Code)
		}
		r := sent()
		r.Header.Set("X-Hub-Signature-256", signed(body, appSecret))
		got, reached = s.serve(t, functions.All[of.path], r)
		s.check(t, got)
		if kept := json.Valid([]byte(body)); kept && got.Code != 200 || got.Code != 200 && (got.Code != 400 || len(reached) != 0) || len(reached) > 1 {
			t.Errorf("a signed delivery: %d, calls %q", got.Code, reached)
		}
	})
}

// fuzzWorld is what surrounds the functions while they are fuzzed.
type fuzzWorld struct {
	supa   atomic.Pointer[supabase]
	log    *os.File
	search *leaks.Search
}

// startFuzz sets up a world where no call ever leads to Meta.
func startFuzz(f *testing.F) *fuzzWorld {
	s := &fuzzWorld{}
	supa := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.supa.Load().ServeHTTP(w, r) }))
	meta := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { panic("a stranger reached Meta: " + r.URL.Path) }))
	f.Cleanup(func() { supa.Close(); meta.Close() })
	for _, name := range []string{"ALLOWED_ORIGINS", "WEBHOOK_FIELDS", "FB_LOGIN_SCOPES", "FB_LOGIN_CONFIG_ID", "VERCEL_ENV", "SUPABASE_AUTH_COOKIE"} {
		f.Setenv(name, "")
	}
	secrets := map[string]string{"FB_APP_SECRET": appSecret, "SUPABASE_SECRET_KEY": secretKey, "WEBHOOK_VERIFY_TOKEN": verifyToken, "CRON_SECRET": cronSecret}
	for name, value := range secrets {
		f.Setenv(name, value)
	}
	f.Setenv("FB_APP_ID", appID)
	f.Setenv("REDIRECT_URI", "https://own.example/api/auth/callback")
	f.Setenv("SIGN_IN_URL", "https://own.example/sign-in")
	f.Setenv("SUPABASE_URL", supa.URL)
	f.Setenv("FB_GRAPH_URL", meta.URL)
	f.Setenv("FB_DIALOG_URL", meta.URL)
	s.search = leaks.NewSearch(secrets)

	var err error
	if s.log, err = os.CreateTemp(f.TempDir(), "log"); err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { s.log.Close() })
	stderr := os.Stderr
	os.Stderr = s.log // the first call takes it, once for an environment; the fuzzer itself writes to the real one
	api.Health(httptest.NewRecorder(), httptest.NewRequest("GET", "/api/health", nil))
	os.Stderr = stderr
	return s
}

// serve calls a function and tells which steps at Supabase that led to.
func (s *fuzzWorld) serve(t *testing.T, function http.HandlerFunc, r *http.Request) (got *httptest.ResponseRecorder, reached []string) {
	t.Helper()
	if err := s.log.Truncate(0); err != nil {
		t.Fatal(err)
	}
	if _, err := s.log.Seek(0, 0); err != nil {
		t.Fatal(err)
	}
	supa := newSupabase()
	s.supa.Store(supa)
	got = httptest.NewRecorder()
	function(got, r)
	for _, request := range supa.seen() {
		reached = append(reached, request.step)
	}
	return got, reached
}

// check holds an answer to what every answer keeps to.
func (s *fuzzWorld) check(t *testing.T, got *httptest.ResponseRecorder) {
	t.Helper()
	code := got.Header().Get("X-Error-Code")
	if (got.Code >= 400) != (code != "") && got.Code != http.StatusServiceUnavailable || code != "" && !slices.Contains(strangersCodes, code) {
		t.Errorf("%d %s", got.Code, code)
	}
	for name, values := range got.Header() {
		if strings.ContainsAny(strings.Join(values, ""), "\r\n\x00") {
			t.Errorf("%s: %q", name, values)
		}
	}
	if got.Header().Get("Cache-Control") != "no-store" || got.Header().Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%v", got.Header())
	}
	if strings.HasPrefix(got.Header().Get("Content-Type"), "text/html") && !strings.Contains(got.Header().Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("a page without a policy: %v", got.Header())
	}
	if location := got.Header().Get("Location"); location != "" && !strings.HasPrefix(location, os.Getenv("FB_DIALOG_URL")+"/") && !strings.HasPrefix(location, "https://own.example/") {
		t.Errorf("sent to %q", location)
	}
	log, err := os.ReadFile(s.log.Name())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(log), "\n") != 1 || !json.Valid(log) {
		t.Errorf("not one record: %q", log)
	}
	header, _ := json.Marshal(got.Header())
	for _, leak := range s.search.In(slices.Concat(log, header, got.Body.Bytes())) {
		t.Error(leak)
	}
}
