package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"igconnect/internal/metasim"
	"igconnect/lib/secret"
	"igconnect/lib/webhook"
)

// TestAhead: what is put back is the Date of every answer and the dates of a
// token, and only after a leap.
func TestAhead(t *testing.T) {
	const (
		date   = "Mon, 23 Nov 2026 12:00:00 GMT"
		before = "Sun, 04 Oct 2026 12:00:00 GMT" // 50 days
		body   = `{"data":{"issued_at":1795000000,"expires_at":0,"data_access_expires_at":1800000000,"user_id":"1795000000"}}`
		put    = `{"data":{"issued_at":1790680000,"expires_at":0,"data_access_expires_at":1795680000,"user_id":"1795000000"}}`
	)
	a := &ahead{meta: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", date)
		w.Header().Set("Content-Length", "107")
		w.WriteHeader(http.StatusAccepted)
		io.WriteString(w, body)
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Errorf("flushing: %v", err)
		}
	})}
	server := httptest.NewServer(a)
	defer server.Close()
	for _, tt := range []struct {
		days             int64
		path, date, body string
	}{
		{0, "/v24.0/debug_token?input_token=x", date, body},
		{50, "/v24.0/debug_token?input_token=x", before, put},
		{50, "/v24.0/me", before, body},
	} {
		a.by.Store(tt.days * int64(24*time.Hour))
		res, err := http.Get(server.URL + tt.path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != http.StatusAccepted || res.Header.Get("Date") != tt.date || string(got) != tt.body {
			t.Errorf("%d days, %s: %v, status %d of %s:\n%s", tt.days, tt.path, err, res.StatusCode, res.Header.Get("Date"), got)
		}
	}
}

// TestSignedToday: a leap makes no request of Meta's one of another day.
func TestSignedToday(t *testing.T) {
	s := &system{meta: metasim.New(metasim.Config{AppSecret: "s"})}
	defer s.meta.Close()
	s.meta.Jump(100 * 24 * time.Hour)
	got, err := webhook.ParseSignedRequest(s.signedToday("42"), []secret.String{secret.New("s")}, time.Now())
	if err != nil || got.PersonID != "42" {
		t.Errorf("%+v, %v", got, err)
	}
}
