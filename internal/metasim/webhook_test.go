package metasim

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// hook is a webhook that answers as told and keeps what it got.
type hook struct {
	url string

	mu       sync.Mutex
	statuses []int // of the next answers; then 200
	got      []*http.Request
	bodies   []string
}

func newHook(t *testing.T, statuses ...int) *hook {
	h := &hook{statuses: statuses}
	h.url = serve(t, h) + "/api/webhook"
	return h
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.got, h.bodies = append(h.got, r), append(h.bodies, string(body))
	if len(h.statuses) > 0 {
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(h.statuses[0])
		h.statuses = h.statuses[1:]
	}
}

// The first two are RFC 4231's test case 2 and the vector of Meta's
// appsecret_proof; the last was made with another program.
func TestSign(t *testing.T) {
	for _, tt := range []struct{ secret, body, want string }{
		{"Jefe", "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
		{"test", "test", "88cd2108b5347d973cf39cdf9053d7dd42704876d8c9a9bd8e2d168259d3ddf7"},
		{testSecret, `{"entry":[{"id":"1","time":1773480413000}],"object":"instagram"}`, "914d072809ba8af642b269010890eaa5dbb43e3bde0c1fc9c8936479f1f59303"},
	} {
		if got := New(Config{AppSecret: tt.secret}).Sign([]byte(tt.body)); got != "sha256="+tt.want {
			t.Errorf("%q: %s", tt.body, got)
		}
	}
}

func TestDeliver(t *testing.T) {
	r, h := newRig(t), newHook(t)
	body := r.Delivery("1")
	if status := must(r.Deliver(t.Context(), h.url, body)); status != http.StatusOK || len(h.got) != 1 {
		t.Fatalf("status %d, %d requests", status, len(h.got))
	}
	got := h.got[0]
	if got.Method != "POST" || got.URL.String() != "/api/webhook" || h.bodies[0] != string(body) {
		t.Errorf("%s %s %s", got.Method, got.URL, h.bodies[0])
	}
	want := http.Header{
		"Content-Type": {"application/json"}, "User-Agent": {"Webhooks/1.0 (https://fb.me/webhooks)"}, "Accept": {"*/*"},
		"X-Hub-Signature-256": {"sha256=914d072809ba8af642b269010890eaa5dbb43e3bde0c1fc9c8936479f1f59303"},
		"X-Hub-Signature":     {"sha1=35757d17e54370d69f5c03327a52879b1c9892ce"},
		"Accept-Encoding":     {"gzip"}, "Content-Length": {strconv.Itoa(len(body))}, // of Go's client
	}
	if diff := cmp.Diff(want, got.Header); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What is no delivery is posted all the same: receivers are tested with it.
func TestDeliverAnything(t *testing.T) {
	r := newRig(t)
	for _, body := range []string{"", "null", "[]", "{", `{"entry":7}`, `{"entry":[{"messaging":[null]}]}`, "\xff\x00"} {
		h := newHook(t)
		if status, err := r.Deliver(t.Context(), h.url, []byte(body)); status != 200 || err != nil || h.bodies[0] != body {
			t.Errorf("%q: %d, %v, got %q", body, status, err, h.bodies)
		}
	}
}

func TestDeliverFailures(t *testing.T) {
	r, h := newRig(t), newHook(t, http.StatusTemporaryRedirect)
	// A redirect is not followed.
	if status, err := r.Deliver(t.Context(), h.url, r.Delivery("1")); status != 307 || err != nil || len(h.got) != 1 {
		t.Errorf("%d, %v, %d requests", status, err, len(h.got))
	}
	late := serve(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		io.Copy(io.Discard, req.Body)
		w.(http.Flusher).Flush() // the status is there in time, the end is not
		<-req.Context().Done()
	}))
	gone := httptest.NewServer(nil)
	gone.Close()
	r.webhookTimeout = 50 * time.Millisecond
	for _, url := range []string{late, gone.URL, "http://%zz"} {
		status, err := r.Deliver(t.Context(), url, r.Delivery("1"))
		if status != 0 || err == nil || errors.Is(err, context.DeadlineExceeded) != (url == late) {
			t.Errorf("%s: %d, %v", url, status, err)
		}
	}
}

func TestDeliverUntilAcknowledged(t *testing.T) {
	for _, tt := range []struct {
		name     string
		statuses []int
		tries    int
		requests int
		problem  string
	}{
		{"at once", nil, 1, 1, ""},
		{"after failures", []int{503, 500, 401}, 4, 4, ""},
		{"202 is no acknowledgement", []int{202}, 2, 2, ""},
		{"never", []int{503, 503, 503, 503}, 3, 3, "giving up after 3 of 3 tries: delivering: answered with status 503"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, h := newRig(t), newHook(t, tt.statuses...)
			err := r.DeliverUntilAcknowledged(t.Context(), h.url, r.Delivery("1", hello()), tt.tries, time.Millisecond)
			if (err == nil) != (tt.problem == "") || err != nil && err.Error() != tt.problem {
				t.Errorf("error %v, want %q", err, tt.problem)
			}
			if len(h.got) != tt.requests || len(slices.Compact(h.bodies)) != 1 {
				t.Errorf("%d requests, want %d of the same body", len(h.got), tt.requests)
			}
		})
	}
	r, h := newRig(t), newHook(t, 503, 503, 503, 503)
	begun := time.Now()
	if err := r.DeliverUntilAcknowledged(t.Context(), h.url, r.Delivery("1"), 4, 10*time.Millisecond); err == nil {
		t.Error("acknowledged")
	}
	if took := time.Since(begun); took < 70*time.Millisecond { // each twice as long as the one before
		t.Errorf("pauses of %v in all, want 10 + 20 + 40 ms", took)
	}
	h.statuses = []int{503}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := r.DeliverUntilAcknowledged(ctx, h.url, r.Delivery("1"), 2, time.Hour)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "status 503") {
		t.Errorf("longer than asked: %v", err)
	}
}

func TestDeauthorize(t *testing.T) {
	r := newRig(t)
	long := r.Grant(Grant{})
	h := newHook(t, http.StatusOK, http.StatusUnauthorized)
	if status, err := r.Deauthorize(t.Context(), h.url, "501"); status != 200 || err != nil {
		t.Fatalf("status %d, %v", status, err)
	}
	if want := "signed_request=" + r.SignedRequest("501", Signing{}); h.bodies[0] != want { // all of it URL-safe
		t.Errorf("posted %s, want %s", h.bodies[0], want)
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
	const lacks = "  asking for deletion: the answer lacks url or confirmation_code"
	for _, tt := range []struct {
		name, body string
		status     int
		want       string // page, code and error
	}{
		{"as Meta wants it", `{"url":"https://app.test/?code=c1","confirmation_code":"c1"}`, 200, "https://app.test/?code=c1 c1 <nil>"},
		{"refused", `{"url":"https://app.test/","confirmation_code":"c1"}`, 401, "  asking for deletion: answered with status 401"},
		{"no JSON", "<html>", 200, lacks},
		{"no code", `{"url":"https://app.test/"}`, 200, lacks},
		{"no page", `{"confirmation_code":"c1"}`, 200, lacks},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			long := r.Grant(Grant{})
			url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				if req.PostFormValue("signed_request") != r.SignedRequest("501", Signing{}) {
					t.Errorf("posted %v", req.PostForm)
				}
				w.WriteHeader(tt.status)
				io.WriteString(w, tt.body)
			}))
			page, code, err := r.DeleteData(t.Context(), url, "501")
			if got := fmt.Sprint(page, " ", code, " ", err); !strings.HasPrefix(got, tt.want) {
				t.Errorf("got %s, want %s", got, tt.want)
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
	for _, tt := range []struct {
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
	} {
		t.Run(tt.name, func(t *testing.T) {
			signature, text, _ := strings.Cut(r.SignedRequest("501", tt.o), ".")
			encoding := base64.RawURLEncoding
			if tt.o.Padded {
				encoding = base64.URLEncoding
			}
			payload, err := encoding.DecodeString(text)
			mac, wrong := encoding.DecodeString(signature)
			if err != nil || wrong != nil || string(payload) != tt.payload || len(mac) != 32 {
				t.Errorf("payload %s, %v, signature %s, %v, want %s", payload, err, signature, wrong, tt.payload)
			}
		})
	}
	mine, _, _ := strings.Cut(r.SignedRequest("501", Signing{}), ".")
	other, text, _ := strings.Cut(r.SignedRequest("501", Signing{Secret: "old-secret"}), ".")
	if mine == other || text == "" {
		t.Errorf("another secret makes the same signature")
	}
}
