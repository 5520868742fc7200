package api_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"igconnect/internal/deploytest"
	"igconnect/internal/functions"
	"igconnect/internal/leaks"
	"igconnect/lib/app"
	"igconnect/lib/web"
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
	{"/api/home", nil},
}

var fuzzedMethods = []string{"GET", "POST", "DELETE", "OPTIONS", "HEAD", "PUT"}

// FuzzFunctions sends any request of a stranger to any function: one answer of
// the known kinds, one record in the log, no secret anywhere, no call to Meta
// and none to Supabase that writes. A webhook's body that Meta signed is kept
// or refused as no JSON.
func FuzzFunctions(f *testing.F) {
	s := deployFuzzed(f)
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
		got, reached := s.serve(functions.All[of.path], sent())
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
		r.Header.Set("X-Hub-Signature-256", signed(body, deploytest.AppSecret))
		got, reached = s.serve(functions.All[of.path], r)
		s.check(t, got)
		if kept := json.Valid([]byte(body)); kept && got.Code != 200 || got.Code != 200 && (got.Code != 400 || len(reached) != 0) || len(reached) > 1 {
			t.Errorf("a signed delivery: %d, calls %q", got.Code, reached)
		}
	})
}

// fuzzed is a deployment whose functions are called without a network in front,
// and the log of the call.
type fuzzed struct {
	deployment
	app    *app.App
	log    bytes.Buffer
	search *leaks.Search
}

// deployFuzzed deploys the functions at https://own.example.
func deployFuzzed(f *testing.F) *fuzzed {
	f.Helper()
	d := deployWith(f, map[string]string{
		"REDIRECT_URI": "https://own.example/api/auth/callback", "SIGN_IN_URL": "https://own.example/sign-in", "SUPABASE_AUTH_COOKIE": "",
	})
	s := &fuzzed{deployment: d, search: leaks.NewSearch(map[string]string{
		"FB_APP_SECRET": deploytest.AppSecret, "SUPABASE_SECRET_KEY": deploytest.SecretKey,
		"WEBHOOK_VERIFY_TOKEN": deploytest.VerifyToken, "CRON_SECRET": deploytest.CronSecret,
	})}
	var err error
	if s.app, err = app.New(app.Options{Getenv: d.Setting, Log: slog.New(slog.NewJSONHandler(&s.log, nil))}); err != nil {
		f.Fatal(err)
	}
	return s
}

// serve calls a function and tells which steps at Supabase that led to.
func (s *fuzzed) serve(function http.HandlerFunc, r *http.Request) (got *httptest.ResponseRecorder, reached []string) {
	before := len(s.Supabase.Requests())
	s.log.Reset()
	got = httptest.NewRecorder()
	function(got, r.WithContext(web.WithApp(r.Context(), s.app)))
	for _, request := range s.Supabase.Requests()[before:] {
		reached = append(reached, request.Step)
	}
	return got, reached
}

// check holds an answer to what every answer keeps to.
func (s *fuzzed) check(t *testing.T, got *httptest.ResponseRecorder) {
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
	if location := got.Header().Get("Location"); location != "" && !strings.HasPrefix(location, s.Setting("FB_DIALOG_URL")+"/") && !strings.HasPrefix(location, "https://own.example/") {
		t.Errorf("sent to %q", location)
	}
	if asked := s.Meta.Requests(); len(asked) != 0 {
		t.Errorf("a stranger reached Meta: %v", asked)
	}
	log := s.log.Bytes()
	if strings.Count(string(log), "\n") != 1 || !json.Valid(log) {
		t.Errorf("not one record: %q", log)
	}
	header, _ := json.Marshal(got.Header())
	for _, leak := range s.search.In(slices.Concat(log, header, got.Body.Bytes())) {
		t.Error(leak)
	}
}
