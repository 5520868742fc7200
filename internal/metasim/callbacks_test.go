package metasim

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
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
		{"no JSON", 200, "<html>", "reading the answer"},
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
