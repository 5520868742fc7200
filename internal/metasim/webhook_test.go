package metasim

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
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
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	h.url = server.URL + "/api/webhook"
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
	tests := []struct{ secret, body, want string }{
		{"Jefe", "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
		{"test", "test", "88cd2108b5347d973cf39cdf9053d7dd42704876d8c9a9bd8e2d168259d3ddf7"},
		{testSecret, `{"entry":[{"id":"1","time":1773480413000}],"object":"instagram"}`, "914d072809ba8af642b269010890eaa5dbb43e3bde0c1fc9c8936479f1f59303"},
	}
	for _, tt := range tests {
		if got := New(Config{AppSecret: tt.secret}).Sign([]byte(tt.body)); got != "sha256="+tt.want {
			t.Errorf("%q: %s", tt.body, got)
		}
	}
}

func TestDeliver(t *testing.T) {
	r := newRig(t)
	h := newHook(t)
	body := r.Delivery("1")
	status, err := r.Deliver(t.Context(), h.url, body)
	if err != nil || status != http.StatusOK || len(h.got) != 1 {
		t.Fatalf("status %d, %v, %d requests", status, err, len(h.got))
	}
	got := h.got[0]
	if got.Method != "POST" || got.URL.String() != "/api/webhook" || h.bodies[0] != string(body) {
		t.Errorf("%s %s %s", got.Method, got.URL, h.bodies[0])
	}
	for name, want := range map[string]string{
		"Content-Type":        "application/json",
		"User-Agent":          "Webhooks/1.0 (https://fb.me/webhooks)",
		"X-Hub-Signature-256": "sha256=914d072809ba8af642b269010890eaa5dbb43e3bde0c1fc9c8936479f1f59303",
		"X-Hub-Signature":     "sha1=35757d17e54370d69f5c03327a52879b1c9892ce",
	} {
		if got.Header.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, got.Header.Get(name), want)
		}
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
	late := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		io.Copy(io.Discard, req.Body)
		w.(http.Flusher).Flush() // the status is there in time, the end is not
		<-req.Context().Done()
	}))
	defer late.Close()
	gone := httptest.NewServer(nil)
	gone.Close()
	r.webhookTimeout = 50 * time.Millisecond
	for _, url := range []string{late.URL, gone.URL, "http://%zz"} {
		status, err := r.Deliver(t.Context(), url, r.Delivery("1"))
		if status != 0 || err == nil || errors.Is(err, context.DeadlineExceeded) != (url == late.URL) {
			t.Errorf("%s: %d, %v", url, status, err)
		}
	}
}

func TestDeliverUntilAcknowledged(t *testing.T) {
	tests := []struct {
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
	}
	for _, tt := range tests {
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
	t.Run("each pause twice as long", func(t *testing.T) {
		r, h := newRig(t), newHook(t, 503, 503, 503)
		begun := time.Now()
		if err := r.DeliverUntilAcknowledged(t.Context(), h.url, r.Delivery("1"), 4, 10*time.Millisecond); err != nil {
			t.Error(err)
		}
		if took := time.Since(begun); took < 70*time.Millisecond {
			t.Errorf("pauses of %v in all, want 10 + 20 + 40 ms", took)
		}
	})
	t.Run("not longer than asked", func(t *testing.T) {
		r, h := newRig(t), newHook(t, 503)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		err := r.DeliverUntilAcknowledged(ctx, h.url, r.Delivery("1"), 2, time.Hour)
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "status 503") {
			t.Errorf("error %v", err)
		}
	})
}
