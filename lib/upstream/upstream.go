// Package upstream holds what calls to Meta and to Supabase have in common:
// connections with time-outs ([NewTransport]), bodies read up to a limit
// ([ReadBody]), repetition ([Retry]), calls that run at once ([SideBySide], [Group]) and
// errors without secrets ([WithoutURL]). It knows neither of the two services:
// which failures may pass is for lib/graph and lib/store to say.
package upstream

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// NewTransport makes a transport that limits the time of a handshake and keeps
// as many connections as a busy server of all functions needs (a function alone
// needs eight). A function that was frozen must not write into a connection that
// died meanwhile, so idle ones are closed after 15 s of the wall clock.
func NewTransport() *http.Transport {
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: 64,
		IdleConnTimeout:     15 * time.Second,
		TLSHandshakeTimeout: 5 * time.Second,
	}
}

// ReadBody reads a body to its end. One that is longer than the limit, in bytes,
// is an error. It allocates the announced length at once.
func ReadBody(response *http.Response, limit int64) ([]byte, error) {
	var body bytes.Buffer
	if announced := response.ContentLength; announced > 0 {
		body.Grow(int(min(announced, limit)) + bytes.MinRead)
	}
	_, err := body.ReadFrom(io.LimitReader(response.Body, limit+1))
	if err == nil && int64(body.Len()) > limit {
		err = errors.New("it is over the limit")
	}
	return body.Bytes(), err
}

// NoRedirects is for http.Client.CheckRedirect: a redirect is an answer like
// any other. Followed, it would carry tokens and keys to another host.
func NoRedirects(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// WithoutURL drops each URL, whose query may hold secrets, from an error of
// net/http.
func WithoutURL(err error) error {
	var withURL *url.Error
	for errors.As(err, &withURL) {
		err = withURL.Err
	}
	return err
}

// Retry calls try up to that many times, as long as it fails, transient reports that
// the failure may pass, and ctx is not done. It pauses 50 to 150 ms before the
// second try, three times that before the third, and so on. It returns try's last
// error.
func Retry(ctx context.Context, tries int, try func() error, transient func(error) bool) error {
	for n := 1; ; n++ {
		err := try()
		if err == nil || n >= tries || !transient(err) {
			return err
		}
		select {
		case <-time.After(time.Duration((50+rand.IntN(100))*(2*n-1)) * time.Millisecond):
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			return err
		}
	}
}

// EndingEarly returns the context, ended that long before its deadline, so that
// something is left for what follows: half of the time where there is less.
func EndingEarly(ctx context.Context, left time.Duration) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-min(left, time.Until(deadline)/2)))
}

// Group runs jobs, each on a goroutine of its own. A job may add others.
type Group struct {
	running sync.WaitGroup
	once    sync.Once
	broken  any
}

// Go starts a job.
func (g *Group) Go(job func()) {
	g.running.Go(func() {
		defer func() {
			if v := recover(); v != nil {
				g.once.Do(func() { g.broken = v })
			}
		}()
		job()
	})
}

// Wait returns when all jobs are done: a function is frozen once it has answered. A
// panic of a job becomes one of the caller, where it can be recovered; on its own
// goroutine it would end the process.
func (g *Group) Wait() {
	if g.running.Wait(); g.broken != nil {
		panic(g.broken)
	}
}

// SideBySide runs the jobs at once, at most n at a time, and returns when all are
// done, as [Group.Wait] does.
func SideBySide(n int, jobs ...func()) {
	var group Group
	slots := make(chan struct{}, n)
	for _, job := range jobs {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			job()
		})
	}
	group.Wait()
}
