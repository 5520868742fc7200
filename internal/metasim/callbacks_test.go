package metasim

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestDeauthorize(t *testing.T) {
	r := newRig(t)
	long := r.Grant(Grant{})
	h := newHook(t, http.StatusOK, http.StatusUnauthorized)
	if status, err := r.Deauthorize(t.Context(), h.url, "501"); status != 200 || err != nil {
		t.Fatalf("status %d, %v", status, err)
	}
	form, err := url.ParseQuery(h.bodies[0])
	if err != nil || form.Get("signed_request") != r.SignedRequest("501", Signing{}) || len(form) != 1 {
		t.Errorf("posted %s", h.bodies[0])
	}
	if got := h.got[0]; got.Method != "POST" || got.Header.Get("Content-Type") != "application/x-www-form-urlencoded" ||
		!strings.HasPrefix(got.Header.Get("User-Agent"), "facebookplatform/1.0") {
		t.Errorf("%s %v", got.Method, got.Header)
	}
	r.call("GET", "/me", long).want(t, 401, 190, 458, "")

	if status, err := r.Deauthorize(t.Context(), h.url, "stranger"); status != 401 || err != nil {
		t.Errorf("status %d, %v", status, err)
	}
	if status, err := r.Deauthorize(t.Context(), "http://%zz", "501"); status != 0 || err == nil {
		t.Errorf("status %d, %v", status, err)
	}
}

func TestDeleteData(t *testing.T) {
	const good = `{"url":"https://app.test/api/deletion?code=c1","confirmation_code":"c1"}`
	tests := []struct {
		name    string
		status  int
		body    string
		problem string
	}{
		{"as Meta wants it", 200, good, ""},
		{"refused", 401, good, "status 401"},
		{"no JSON", 200, "<html>", "lacks url or confirmation_code"},
		{"no code", 200, `{"url":"https://app.test/"}`, "lacks url or confirmation_code"},
		{"no page", 200, `{"confirmation_code":"c1"}`, "lacks url or confirmation_code"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			long := r.Grant(Grant{})
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				if req.PostFormValue("signed_request") != r.SignedRequest("501", Signing{}) {
					t.Errorf("posted %v", req.PostForm)
				}
				w.WriteHeader(tt.status)
				io.WriteString(w, tt.body)
			}))
			defer server.Close()
			page, code, err := r.DeleteData(t.Context(), server.URL, "501")
			if tt.problem == "" {
				if err != nil || page != "https://app.test/api/deletion?code=c1" || code != "c1" {
					t.Errorf("got %q, %q, %v", page, code, err)
				}
			} else if err == nil || !strings.Contains(err.Error(), tt.problem) || page != "" || code != "" {
				t.Errorf("got %q, %q, %v, want %q", page, code, err, tt.problem)
			}
			r.call("GET", "/me", long).want(t, 401, 190, 458, "")
		})
	}
}

// Meta's own sample, as its SDKs' tests have it.
func TestSignedRequestVector(t *testing.T) {
	payload := `{"oauth_token":"foo_token","algorithm":"HMAC-SHA256","issued_at":321,"code":"foo_code","state":"foo_state","user_id":123,"foo":"bar"}`
	got := New(Config{AppSecret: "foo_app_secret"}).SignedRequest("", Signing{Padded: true, Payload: &payload})
	const want = "U0_O1MqqNKUt32633zAkdd2Ce-jGVgRgJeRauyx_zC8=.eyJvYXV0aF90b2tlbiI6ImZvb190b2tlbiIsImFsZ29yaXRobSI6IkhNQUMtU0hBMjU2IiwiaXNzdWVkX2F0IjozMjEsImNvZGUiOiJmb29fY29kZSIsInN0YXRlIjoiZm9vX3N0YXRlIiwidXNlcl9pZCI6MTIzLCJmb28iOiJiYXIifQ=="
	if got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestSignedRequest(t *testing.T) {
	r := newRig(t)
	r.Jump(time.Second)
	usual := `{"algorithm":"HMAC-SHA256","expires":1773484014,"issued_at":1773480414,"user_id":"501"}`
	empty := ""
	tests := []struct {
		name    string
		o       Signing
		payload string
	}{
		{"as Meta does", Signing{}, usual},
		{"padded", Signing{Padded: true}, usual},
		{"a numeric id", Signing{NumericID: true}, strings.Replace(usual, `"501"`, `501`, 1)},
		{"another algorithm", Signing{Algorithm: "none"}, strings.Replace(usual, "HMAC-SHA256", "none", 1)},
		{"old", Signing{IssuedAt: time.Unix(100, 0)}, `{"algorithm":"HMAC-SHA256","expires":3700,"issued_at":100,"user_id":"501"}`},
		{"an empty payload", Signing{Payload: &empty}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			signature, text, _ := strings.Cut(r.SignedRequest("501", tt.o), ".")
			encoding := base64.RawURLEncoding
			if tt.o.Padded {
				encoding = base64.URLEncoding
			}
			payload, err := encoding.DecodeString(text)
			if err != nil || string(payload) != tt.payload {
				t.Errorf("payload %s, %v, want %s", payload, err, tt.payload)
			}
			if mac, err := encoding.DecodeString(signature); err != nil || len(mac) != 32 {
				t.Errorf("signature %s: %v", signature, err)
			}
		})
	}
	mine, _, _ := strings.Cut(r.SignedRequest("501", Signing{}), ".")
	other, text, _ := strings.Cut(r.SignedRequest("501", Signing{Secret: "old-secret"}), ".")
	if mine == other || text == "" {
		t.Errorf("another secret makes the same signature")
	}
}
