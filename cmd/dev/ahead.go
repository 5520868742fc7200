package main

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"igconnect/internal/metasim"
)

// ahead stands in front of the simulated Meta, whose clock can be moved, and
// tells its dates by the clock of the functions and of the database, which
// cannot: after a leap of 50 days, a token that was made before it reads as one
// made 50 days ago.
type ahead struct {
	meta http.Handler
	by   atomic.Int64 // nanoseconds that Meta's clock is ahead
}

func (a *ahead) leapt() time.Duration { return time.Duration(a.by.Load()) }

func (a *ahead) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if by := a.leapt(); by > 0 {
		w = &dated{ResponseWriter: w, by: by, token: strings.HasSuffix(r.URL.Path, "/debug_token")}
	}
	a.meta.ServeHTTP(w, r)
}

// dated takes by off the dates of an answer: the Date header and, where a token
// is described, its dates.
type dated struct {
	http.ResponseWriter
	by    time.Duration
	token bool
}

func (d *dated) WriteHeader(status int) {
	if at, err := http.ParseTime(d.Header().Get("Date")); err == nil {
		d.Header().Set("Date", at.Add(-d.by).Format(http.TimeFormat))
	}
	if d.token {
		d.Header().Del("Content-Length")
	}
	d.ResponseWriter.WriteHeader(status)
}

func (d *dated) Write(body []byte) (int, error) {
	if !d.token {
		return d.ResponseWriter.Write(body)
	}
	if _, err := d.ResponseWriter.Write(earlier(body, d.by)); err != nil {
		return 0, err
	}
	return len(body), nil
}

// Unwrap lets http.ResponseController through.
func (d *dated) Unwrap() http.ResponseWriter { return d.ResponseWriter }

// tokenDates are debug_token's, in seconds. Zero is no date: it never ends.
var tokenDates = regexp.MustCompile(`("(?:issued_at|expires_at|data_access_expires_at)":)([1-9][0-9]*)`)

func earlier(body []byte, by time.Duration) []byte {
	return tokenDates.ReplaceAllFunc(body, func(found []byte) []byte {
		parts := tokenDates.FindSubmatch(found)
		seconds, err := strconv.ParseInt(string(parts[2]), 10, 64)
		if err != nil {
			return found
		}
		return fmt.Appendf(nil, "%s%d", parts[1], seconds-int64(by/time.Second))
	})
}

// leap lets days pass: Meta's clock moves, and the dates of all connections
// move back by as much.
func (s *system) leap(ctx context.Context, days int) error {
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
	s.ahead.by.Add(int64(by))
	return nil
}

// signedToday is the signed_request that Meta would post about a person, dated
// by the clock of the functions: they refuse one of another day.
func (s *system) signedToday(personID string) string {
	return s.meta.SignedRequest(personID, metasim.Signing{IssuedAt: time.Now()})
}
