package main

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"igconnect/internal/metasim"
)

// clockProxy stands in front of the simulated Meta, whose clock can be set forward, and dates its
// answers by the clock of the functions and of the database, which can't: 50 days later, a token
// that was made before reads as one made 50 days ago.
type clockProxy struct {
	meta  http.Handler
	ahead atomic.Int64 // nanoseconds by which Meta's clock was set forward
}

func (p *clockProxy) offset() time.Duration { return time.Duration(p.ahead.Load()) }

func (p *clockProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	by := p.offset()
	if by == 0 {
		p.meta.ServeHTTP(w, r)
		return
	}
	recorder := httptest.NewRecorder()
	p.meta.ServeHTTP(recorder, r)
	header, body := w.Header(), recorder.Body.Bytes()
	maps.Copy(header, recorder.Header())
	if at, err := http.ParseTime(header.Get("Date")); err == nil {
		header.Set("Date", at.Add(-by).Format(http.TimeFormat))
	}
	if strings.HasSuffix(r.URL.Path, "/debug_token") {
		header.Del("Content-Length")
		body = earlier(body, by)
	}
	w.WriteHeader(recorder.Code)
	_, _ = w.Write(body) // nobody is left to tell
}

// tokenDate is one of debug_token's, in seconds. Zero is no date: it never ends.
var tokenDate = regexp.MustCompile(
	`("(?:issued_at|expires_at|data_access_expires_at)":)([1-9][0-9]*)`)

// earlier takes an offset off the dates in the description of a token.
func earlier(body []byte, by time.Duration) []byte {
	return tokenDate.ReplaceAllFunc(body, func(found []byte) []byte {
		parts := tokenDate.FindSubmatch(found)
		seconds, _ := strconv.ParseInt(string(parts[2]), 10, 64)
		return fmt.Appendf(nil, "%s%d", parts[1], seconds-int64(by/time.Second))
	})
}

// letPass lets days pass: Meta's clock is set forward, and the dates of all connections are set
// back by as much.
func (s *system) letPass(ctx context.Context, days int) error {
	_, err := s.supabase.SQL(ctx, `
		update public.user_configs set
			connected_at = connected_at - make_interval(days => $1),
			checked_at = checked_at - make_interval(days => $1),
			token_expires_at = token_expires_at - make_interval(days => $1),
			data_access_expires_at = data_access_expires_at - make_interval(days => $1)`, days)
	if err != nil {
		return fmt.Errorf("moving the dates of user_configs: %w", err)
	}
	by := time.Duration(days) * 24 * time.Hour
	s.meta.Jump(by)
	s.clock.ahead.Add(int64(by))
	return nil
}

// signedToday is the signed_request that Meta would post about a person, dated by the clock of the
// functions: they refuse one of another day.
func (s *system) signedToday(personID string) string {
	return s.meta.SignedRequest(personID, metasim.Signing{IssuedAt: time.Now()})
}
