package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"igconnect/internal/metasim"
	"igconnect/internal/supalite"
)

// world is everything around the two sides: Meta and Supabase, on 127.0.0.1, and what is to be removed afterwards.
type world struct {
	root     string // the module's folder
	scratch  string
	progress io.Writer
	lite     *supalite.Server
	litePID  int
	store    *store
	meta     meta

	storeURL          string
	metaURL, proofURL string // as igconnect calls it, and as the seed does
	redirects         []string
	people            []metasim.Person

	closers []func()
}

var ownPID = os.Getpid()

// newWorld starts Supabase Lite on the given database ("": its own) and a Meta without people.
func newWorld(ctx context.Context, root, databaseURL string, progress io.Writer) (*world, error) {
	w := &world{root: root, progress: progress}
	var err error
	if w.scratch, err = os.MkdirTemp("", "igconnect-bench-"); err != nil {
		return nil, err
	}
	w.closers = append(w.closers, func() { os.RemoveAll(w.scratch) })
	fmt.Fprintln(progress, "Starting Supabase Lite")
	w.lite, err = supalite.Start(ctx, supalite.Options{
		DatabaseURL: databaseURL, Progress: progress,
		Migrations: os.DirFS(filepath.Join(root, "supabase", "migrations")),
	})
	if err != nil {
		w.close()
		return nil, err
	}
	w.closers = append(w.closers, func() { w.lite.Stop() })
	started := children()
	if len(started) == 0 {
		w.close()
		return nil, errors.New("looking for processes in /proc, which only Linux has: there is none")
	}
	w.litePID = started[len(started)-1]
	if w.store, err = newStore(w.lite.URL); err == nil {
		err = w.listen()
	}
	if err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

// listen opens the three addresses.
func (w *world) listen() error {
	for address, handler := range map[*string]http.Handler{
		&w.storeURL: w.store, &w.metaURL: w.meta.asIs(), &w.proofURL: w.meta.withoutProofs(),
	} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		server := &http.Server{Handler: handler, ErrorLog: log.New(io.Discard, "", 0)} // a fault that is ordered is no news
		go server.Serve(listener)
		w.closers = append(w.closers, func() { server.Close() })
		*address = "http://" + listener.Addr().String()
	}
	return nil
}

// close ends everything, what was started last first.
func (w *world) close() {
	for len(w.closers) > 0 {
		last := len(w.closers) - 1
		w.closers[last]()
		w.closers = w.closers[:last]
	}
}

// setLatency delays every call to Meta and to Supabase.
func (w *world) setLatency(d time.Duration) {
	w.meta.sim.Load().SetLatency(d)
	w.store.latency.Store(int64(d))
}

// freshMeta forgets what Meta and the store's door have seen.
func (w *world) freshMeta() {
	w.meta.renew(w.redirects, w.people)
	w.store.take()
	w.store.latency.Store(0)
}

// visitor is somebody signed in at the app, who at Meta is a person with one Page and its Instagram account.
type visitor struct {
	userID  string
	cookie  string // the session, as @supabase/ssr keeps it
	person  string // id at Meta
	page    string // likewise
	account string // Instagram id
}

// visitors signs n people up and makes them known to Meta. Their numbers begin at first.
func (w *world) visitors(ctx context.Context, first, n int) ([]visitor, error) {
	all := make([]visitor, n)
	for i := range all {
		number := first + i
		user, err := w.lite.SignUp(ctx, fmt.Sprintf("visitor%d@example.com", number), "a-password-for-the-benchmark")
		if err != nil {
			return nil, err
		}
		v := visitor{
			userID: user.ID, person: fmt.Sprint(50_000 + number), page: fmt.Sprint(20_000 + number), account: fmt.Sprint(17_841_400_000_000_000 + number),
			cookie: "sb-127-auth-token=base64-" + base64.RawURLEncoding.EncodeToString(user.Session),
		}
		w.people = append(w.people, metasim.Person{ID: v.person, Name: fmt.Sprint("Visitor ", number), Pages: []metasim.Page{{
			ID: v.page, Name: fmt.Sprint("Page ", number),
			Instagram: &metasim.Instagram{ID: v.account, Username: fmt.Sprint("brand_", number), Name: fmt.Sprint("Brand ", number)},
		}}})
		all[i] = v
	}
	return all, nil
}
