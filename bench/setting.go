package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"igconnect/internal/faultproxy"
	"igconnect/internal/metasim"
	"igconnect/internal/supalite"
)

// setting is everything around the two sides: Meta and Supabase, on 127.0.0.1, and what is to be
// removed afterwards.
type setting struct {
	root     string // the module's folder
	scratch  string
	progress io.Writer
	lite     *supalite.Server
	memory   *memory
	proxy    faultproxy.Group // in front of memory, and that in front of lite
	meta     meta

	storeURL          string
	metaURL, proofURL string // as igconnect calls it, and as the seed does
	redirects         []string
	people            []metasim.Person

	closers []func()
}

// newSetting starts Supabase Lite on the given database ("": its own) and a Meta without people.
func newSetting(ctx context.Context, databaseURL string, progress io.Writer) (s *setting, err error) {
	s = &setting{progress: progress, proxy: faultproxy.Group{Recording: true}}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.root, err = moduleRoot(ctx); err != nil {
		return nil, err
	}
	if s.scratch, err = os.MkdirTemp("", "igconnect-bench-"); err != nil {
		return nil, err
	}
	s.closers = append(s.closers, func() { os.RemoveAll(s.scratch) })
	fmt.Fprintln(progress, "Starting Supabase Lite")
	s.lite, err = supalite.Start(ctx, supalite.Options{
		DatabaseURL: databaseURL, Progress: progress,
		Migrations: os.DirFS(filepath.Join(s.root, "supabase", "migrations")),
	})
	if err != nil {
		return nil, err
	}
	s.closers = append(s.closers, func() { s.lite.Stop() })
	s.memory = &memory{lite: faultproxy.To(s.lite.URL), answers: map[string]*httptest.ResponseRecorder{}}
	for address, handler := range map[*string]http.Handler{
		&s.storeURL: s.proxy.Proxy("supabase", s.memory), &s.metaURL: s.meta.asIs(), &s.proofURL: s.meta.withoutProofs(),
	} {
		server := httptest.NewUnstartedServer(handler)
		server.Config.ErrorLog = log.New(io.Discard, "", 0) // a fault that is ordered is no news
		server.Start()
		s.closers = append(s.closers, server.Close)
		*address = server.URL
	}
	return s, nil
}

// close ends everything, what was started last first.
func (s *setting) close() {
	for _, end := range slices.Backward(s.closers) {
		end()
	}
}

// setLatency delays every call to Meta and to Supabase.
func (s *setting) setLatency(d time.Duration) {
	s.meta.sim.Load().SetLatency(d)
	s.proxy.SetLatency(d)
}

// freshMeta forgets what Meta and the proxy have seen, and ends the latency.
func (s *setting) freshMeta() {
	s.meta.renew(s.redirects, s.people)
	s.proxy.Reset()
	s.proxy.SetLatency(0)
}

// visitor is somebody signed in at the app, who at Meta is a person with one Page and its
// Instagram account.
type visitor struct {
	userID  string
	cookie  string // the session, as @supabase/ssr keeps it
	person  string // id at Meta
	page    string // likewise
	account string // Instagram id
}

// visitors signs n people up and makes them known to Meta. Their numbers begin at first.
func (s *setting) visitors(ctx context.Context, first, n int) ([]visitor, error) {
	all := make([]visitor, n)
	for i := range all {
		number := first + i
		user, err := s.lite.SignUp(ctx, fmt.Sprintf("visitor%d@example.com", number), "a-password-for-the-benchmark")
		if err != nil {
			return nil, err
		}
		v := visitor{
			userID: user.ID, person: fmt.Sprint(50_000 + number), page: fmt.Sprint(20_000 + number), account: fmt.Sprint(17_841_400_000_000_000 + number),
			cookie: "sb-127-auth-token=base64-" + base64.RawURLEncoding.EncodeToString(user.Session),
		}
		s.people = append(s.people, metasim.Person{ID: v.person, Name: fmt.Sprint("Visitor ", number), Pages: []metasim.Page{{
			ID: v.page, Name: fmt.Sprint("Page ", number),
			Instagram: &metasim.Instagram{ID: v.account, Username: fmt.Sprint("brand_", number), Name: fmt.Sprint("Brand ", number)},
		}}})
		all[i] = v
	}
	return all, nil
}

// memory stands in front of Supabase Lite. While it is on, what Lite answered once is answered
// again without asking it, whatever is in the request's body.
type memory struct {
	lite http.Handler
	on   atomic.Bool

	mu      sync.Mutex
	answers map[string]*httptest.ResponseRecorder // by what was asked, and of whom
}

func (m *memory) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !m.on.Load() {
		m.lite.ServeHTTP(w, r)
		return
	}
	key := r.Method + " " + r.URL.String() + " " + r.Header.Get("Authorization")
	m.mu.Lock()
	kept := m.answers[key]
	m.mu.Unlock()
	if kept == nil {
		kept = httptest.NewRecorder()
		m.lite.ServeHTTP(kept, r)
		m.mu.Lock()
		m.answers[key] = kept
		m.mu.Unlock()
	} else {
		io.Copy(io.Discard, r.Body)
	}
	maps.Copy(w.Header(), kept.Header())
	w.WriteHeader(kept.Code)
	w.Write(kept.Body.Bytes())
}

// use turns the memory on until the function that it returns is called.
func (m *memory) use() (stop func()) {
	m.on.Store(true)
	return func() { m.on.Store(false) }
}
