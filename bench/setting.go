package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
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
	"igconnect/internal/vercelsim"
)

const (
	appID       = "1234567890"
	appSecret   = "an-app-secret-of-the-benchmark"
	verifyToken = "a-verify-token-of-the-benchmark"
	cronSecret  = "a-cron-secret-of-the-benchmark"
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
	sim      atomic.Pointer[metasim.Sim]

	storeURL          string
	metaURL, proofURL string // as igconnect calls it, and as the seed does
	redirects         []string
	people            []metasim.Person
	closers           []func()
}

// newSetting starts Supabase Lite on the given database ("": its own) and a Meta without people.
// The caller closes the setting, after an error too.
func newSetting(ctx context.Context, databaseURL string, progress io.Writer) (s *setting, err error) {
	s = &setting{progress: progress, proxy: faultproxy.Group{Recording: true}}
	if s.root, err = vercelsim.FindRoot(); err != nil {
		return s, err
	}
	if s.scratch, err = os.MkdirTemp("", "igconnect-bench-"); err != nil {
		return s, err
	}
	s.closers = append(s.closers, func() { os.RemoveAll(s.scratch) })
	fmt.Fprintln(progress, "Starting Supabase Lite")
	migrations := os.DirFS(filepath.Join(s.root, "supabase", "migrations"))
	if s.lite, err = supalite.Start(ctx, supalite.Options{DatabaseURL: databaseURL, Progress: progress, Migrations: migrations}); err != nil {
		return s, err
	}
	s.closers = append(s.closers, func() { s.lite.Stop() })
	s.memory = &memory{lite: faultproxy.To(s.lite.URL)}
	for address, handler := range map[*string]http.HandlerFunc{
		&s.storeURL: s.proxy.Proxy("supabase", s.memory).ServeHTTP, &s.metaURL: s.serveMeta, &s.proofURL: s.serveMetaProven,
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

// serveMeta is the simulated Meta as igconnect calls it. It wants each call proven with
// appsecret_proof, which Meta does only for apps that switch it on.
func (s *setting) serveMeta(w http.ResponseWriter, r *http.Request) { s.sim.Load().ServeHTTP(w, r) }

// serveMetaProven is the same as the seed calls it: the seed proves nothing, so the proof is added
// here, on the simulator's time.
func (s *setting) serveMetaProven(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	if token := query.Get("access_token"); token != "" {
		mac := hmac.New(sha256.New, []byte(appSecret))
		mac.Write([]byte(token))
		query.Set("appsecret_proof", hex.EncodeToString(mac.Sum(nil)))
		r.URL.RawQuery = query.Encode()
	}
	s.serveMeta(w, r)
}

// fresh forgets what Meta and the proxy have seen, and delays every call to them from now on. The
// Sim is a new one: a Sim keeps every token and request that it ever saw, and gets slower with them.
// Supabase Lite answers itself again.
func (s *setting) fresh(latency time.Duration) {
	sim := metasim.New(metasim.Config{AppID: appID, AppSecret: appSecret, RedirectURIs: s.redirects})
	for _, p := range s.people {
		sim.AddPerson(p)
	}
	sim.SetLatency(latency)
	if old := s.sim.Swap(sim); old != nil {
		old.Close()
	}
	s.proxy.Reset()
	s.proxy.SetLatency(latency)
	s.memory.on.Store(false)
}

// visitor is somebody signed in at the app, who at Meta is a person with one Page and its
// Instagram account.
type visitor struct {
	userID, cookie        string // and the session, as @supabase/ssr keeps it
	person, page, account string // ids at Meta
}

// visitors signs n people up and makes them known to Meta. Their numbers begin at first.
func (s *setting) visitors(ctx context.Context, first, n int) (all []visitor, err error) {
	for number := first; number < first+n; number++ {
		user, err := s.lite.SignUp(ctx, fmt.Sprintf("visitor%d@example.com", number), "a-password-for-the-benchmark")
		if err != nil {
			return nil, err
		}
		v := visitor{
			userID: user.ID, person: fmt.Sprint(50_000 + number), page: fmt.Sprint(20_000 + number), account: fmt.Sprint(17_841_400_000_000_000 + number),
			cookie: "sb-127-auth-token=base64-" + base64.RawURLEncoding.EncodeToString(user.Session),
		}
		instagram := &metasim.Instagram{ID: v.account, Username: fmt.Sprint("brand_", number), Name: fmt.Sprint("Brand ", number)}
		page := metasim.Page{ID: v.page, Name: fmt.Sprint("Page ", number), Instagram: instagram}
		s.people = append(s.people, metasim.Person{ID: v.person, Name: fmt.Sprint("Visitor ", number), Pages: []metasim.Page{page}})
		all = append(all, v)
	}
	return all, nil
}

// memory stands in front of Supabase Lite. While it is on, what Lite answered once is answered
// again without asking it, whatever is in the request's body.
type memory struct {
	lite    http.Handler
	on      atomic.Bool
	answers sync.Map // *httptest.ResponseRecorder by what was asked, and of whom
}

func (m *memory) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !m.on.Load() {
		m.lite.ServeHTTP(w, r)
		return
	}
	key := r.Method + " " + r.URL.String() + " " + r.Header.Get("Authorization")
	kept, found := m.answers.Load(key)
	answer, _ := kept.(*httptest.ResponseRecorder)
	if !found {
		answer = httptest.NewRecorder()
		m.lite.ServeHTTP(answer, r)
		m.answers.Store(key, answer)
	}
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	w.Write(answer.Body.Bytes())
}
