package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"runtime/debug"
	"sync"
	"time"

	"github.com/google/uuid"

	"igconnect/lib/secret"
)

// Handler answers one method of a function. It either writes a response or
// returns an error, never both.
type Handler func(*Call) error

// Route is what one function serves.
type Route struct {
	Name    string
	Needs   []string      // variables without which it answers misconfigured
	Limit   time.Duration // for the whole request; below the function's maxDuration
	Methods map[string]Handler
	Shared  bool // scripts of allowed origins may call it
	API     bool // answers errors as JSON, whatever Accept says
}

// Call is one request on its way through a function.
type Call struct {
	*App
	W         http.ResponseWriter
	R         *http.Request // its context ends with the route's limit
	RequestID string
	Wish      Wish // what the person asked for, once that is known

	mutex sync.Mutex
	notes []slog.Attr
}

// Note adds to the request's log record. Steps that run side by side may call it.
func (c *Call) Note(key string, value any) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.notes = append(c.notes, slog.Any(key, value))
}

// Serve answers one request of the route. The platform gives no deadline, ends
// the process on a panic and keeps the last of two statuses: here is where it
// is given one, kept alive, and answered once.
func Serve(w http.ResponseWriter, r *http.Request, route Route) {
	start := time.Now()
	ctx, cancel := context.WithTimeout(r.Context(), route.Limit)
	defer cancel()
	answer := &answer{ResponseWriter: w}
	c := &Call{App: unwired(), W: answer, R: r.WithContext(ctx), RequestID: requestID(r)}

	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "same-origin") // of a redirect too: the address holds the code
	w.Header().Set("X-Content-Type-Options", "nosniff")

	err := c.run(route)
	failure := asFailure(err)
	if err != nil && !answer.begun() {
		c.fail(failure, route.API || prefersJSON(r.Header.Get("Accept")))
	}
	c.record(route, failure, answer.status, time.Since(start))
}

// run finds the method's handler and calls it; a panic becomes an error.
func (c *Call) run(route Route) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %s", secret.Mask(fmt.Sprint(v)))
			c.Note("stack", string(debug.Stack()))
		}
	}()
	wired, err := fromEnvironment()
	if err != nil {
		return err
	}
	c.App = wired
	shared := route.Shared && c.share()
	handler, ok := route.Methods[c.R.Method]
	switch {
	case c.R.Method == http.MethodOptions && route.Shared:
		return c.preflight(route, shared)
	case !ok:
		c.W.Header().Set("Allow", route.allowed())
		return Fail(MethodNotAllowed, errors.New("not a method of this route"))
	}
	if err := c.Need(route.Needs); err != nil {
		return err
	}
	return handler(c)
}

// Need fails if one of the variables is missing or broken.
func (c *Call) Need(variables []string) error {
	if err := c.problems.Among(variables); err != nil {
		return Fail(Misconfigured, err)
	}
	return nil
}

// record writes the request's one log record.
func (c *Call) record(route Route, failure *Failure, status int, took time.Duration) {
	level := slog.LevelInfo
	attributes := []slog.Attr{
		slog.String("request_id", c.RequestID), slog.String("route", route.Name),
		slog.String("method", secret.Mask(c.R.Method)), slog.Int("status", status),
		slog.Int64("ms", took.Milliseconds()),
	}
	if failure != nil {
		level = errorTable[failure.Code].level
		attributes = append(attributes, slog.String("code", string(failure.Code)), slog.String("error", failure.Error()))
	}
	c.log.LogAttrs(context.Background(), level, "request", append(attributes, c.notes...)...)
}

// answer remembers that there is one.
type answer struct {
	http.ResponseWriter
	status int
}

func (a *answer) begun() bool { return a.status != 0 }

func (a *answer) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(body []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return a.ResponseWriter.Write(body)
}

var plainID = regexp.MustCompile(`^[A-Za-z0-9:_.-]{1,100}$`)

// requestID is the platform's, else a new one.
func requestID(r *http.Request) string {
	if id := r.Header.Get("X-Vercel-Id"); plainID.MatchString(id) {
		return id
	}
	return uuid.NewString()
}
