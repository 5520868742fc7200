// Package web is everything about HTTP: it gives each request its App and its
// limit, writes the response that a handler returns or the page of the error,
// and writes one log record. Handlers decide nothing about headers, cookies'
// formats or status codes of errors. Start at [Serve]; [errorTable] is THE table
// of errors.
package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"igconnect/lib/app"
	"igconnect/lib/note"
	"igconnect/lib/sealed"
	"igconnect/lib/secret"
)

// Handler answers one method of a function.
type Handler func(*Request) (Response, error)

// Route is what one function serves.
type Route struct {
	Name    string
	Needs   []string      // variables without which it answers misconfigured
	Limit   time.Duration // for the whole request; below the function's maxDuration
	Methods map[string]Handler
	Shared  bool // scripts of allowed origins may call it
	Acts    bool // GET begins something: whoever only looks ahead is answered with nothing
	API     bool // answers errors as JSON, whatever Accept says
}

// Serve answers one request of the route. The platform gives no deadline, ends
// the process on a panic and keeps the last of two statuses: here is where a
// request is given a deadline, kept alive, and answered once.
func Serve(w http.ResponseWriter, r *http.Request, route Route) {
	start := time.Now()
	ctx, cancel := context.WithTimeout(r.Context(), route.Limit)
	defer cancel()
	ctx, record := note.New(ctx)
	request := &Request{Request: r.WithContext(ctx), ID: requestID(r), Jar: sealed.NewJar(r.Cookies())}

	response, err := run(request, route)
	failure := asFailure(err)
	if failure != nil {
		response = failed(request, failure, route.API || prefersJSON(r.Header.Get("Accept")))
	}
	status := write(request, w, route, response)
	writeLog(request, route, record, failure, status, time.Since(start))
}

// run finds the method's handler and calls it; a panic becomes an error.
func run(r *Request, route Route) (response Response, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %s", secret.Mask(fmt.Sprint(v)))
			note.Add(r.Context(), "stack", string(debug.Stack()))
		}
	}()
	if r.App, err = appFor(r.Context()); err != nil {
		return Response{}, err
	}
	handler, ok := route.Methods[method(r)]
	switch {
	case route.Acts && ok && looksAhead(r):
		return Empty(http.StatusNoContent), nil
	case r.Method == http.MethodOptions && route.Shared:
		return preflight(r, route)
	case !ok:
		return Response{}, fail(MethodNotAllowed, errors.New("not a method of this route"))
	}
	if err := r.Need(route.Needs); err != nil {
		return Response{}, err
	}
	if response, err = handler(r); err != nil {
		return Response{}, err
	}
	return drawn(r, response)
}

// write sends the response and returns its status. It calls WriteHeader and
// Write once each: the platform sends headers that come later, too.
func write(r *Request, w http.ResponseWriter, route Route, response Response) int {
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "same-origin") // no-referrer makes a page's own forms send Origin: null
	header.Set("X-Content-Type-Options", "nosniff")
	if response.status == http.StatusMethodNotAllowed {
		header.Set("Allow", route.allowed())
	}
	if route.Shared {
		share(r, header)
	}
	for _, cookie := range r.Jar.Changes() {
		http.SetCookie(w, cookie)
	}
	maps.Copy(header, response.header)
	if size := len(response.body); r.Method == http.MethodHead && size > 0 {
		header.Set("Content-Length", strconv.Itoa(size))
		response.body = nil
	}
	w.WriteHeader(response.status)
	_, _ = w.Write(response.body) // nobody is left to tell
	return response.status
}

// allowed lists the methods. HEAD goes with GET and is not named.
func (r Route) allowed() string {
	methods := slices.Collect(maps.Keys(r.Methods))
	if r.Shared {
		methods = append(methods, http.MethodOptions)
	}
	return strings.Join(slices.Sorted(slices.Values(methods)), ", ")
}

func writeLog(r *Request, route Route, record *note.Record, failure *Failure, status int, took time.Duration) {
	level := slog.LevelInfo
	attributes := []slog.Attr{
		slog.String("request_id", r.ID), slog.String("route", route.Name),
		slog.String("method", secret.Mask(r.Method)), slog.Int("status", status),
		slog.Int64("ms", took.Milliseconds()),
	}
	if failure != nil {
		level = errorTable[failure.Code].level
		attributes = append(attributes, slog.String("code", string(failure.Code)), slog.String("error", failure.Error()))
	}
	var logger *slog.Logger
	if r.App != nil {
		logger = r.App.Log
	} else {
		logger = app.NewLog(os.Stdout, os.Stderr)
	}
	logger.LogAttrs(context.Background(), level, "request", append(attributes, record.Attributes()...)...)
}

var plainID = regexp.MustCompile(`^[A-Za-z0-9:_.-]{1,100}$`)

// requestID is the platform's, else a new one.
func requestID(r *http.Request) string {
	if id := r.Header.Get("X-Vercel-Id"); plainID.MatchString(id) {
		return id
	}
	return uuid.NewString()
}

type appKey struct{}

// WithApp returns a context whose requests are served by the given App. Without
// one a function builds its own from the environment, once.
func WithApp(ctx context.Context, a *app.App) context.Context {
	return context.WithValue(ctx, appKey{}, a)
}

// appFor returns the App of the context, else that of the environment.
func appFor(ctx context.Context) (*app.App, error) {
	if a, ok := ctx.Value(appKey{}).(*app.App); ok {
		return a, nil
	}
	return fromEnvironment()
}

// fromEnvironment builds the process's App from the environment. This is the one
// place of lib/ that reads it.
var fromEnvironment = sync.OnceValues(func() (*app.App, error) {
	a, err := app.New(app.Options{Getenv: os.Getenv})
	if err != nil {
		return nil, err
	}
	// Garbage may grow to twice what is in use: in a function that is some
	// megabytes of the gigabytes it has, and saves a tenth of its time under load.
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(200)
	}
	a.Log.Info("start", "version", app.Version, "go", runtime.Version())
	return a, nil
})
