package store

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"igconnect/lib/secret"
	"igconnect/lib/upstream"
)

const (
	schemePrefix = "supabase+" // supabase+https://…: the way through the guard
	maxBody      = 4 << 20     // bytes
)

// supabase-go's HTTP client cannot be passed in, and by itself it knows no
// limit, follows redirects with the key, drops statuses and panics on the
// body "null". It does send through http.DefaultTransport, so a scheme of our
// own there leads every request through the guard. Registered once.
var register = sync.OnceFunc(func() {
	through := &guard{next: upstream.NewTransport()}
	transport := http.DefaultTransport.(*http.Transport)
	transport.RegisterProtocol(schemePrefix+"https", through)
	transport.RegisterProtocol(schemePrefix+"http", through)
})

// guard is the one door to Supabase. Its answers have a status below 300 and a
// bounded body that is there in full; everything else is a typed error, which
// errors.As finds through *url.Error.
type guard struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper. Redirects are not followed: they
// would carry the key away.
func (g *guard) RoundTrip(r *http.Request) (*http.Response, error) {
	sent := r.Clone(r.Context())
	sent.URL.Scheme = strings.TrimPrefix(r.URL.Scheme, schemePrefix)
	sent.Host = sent.URL.Host
	sent.Header.Set("User-Agent", "igconnect") // secret keys are refused where this looks like a browser
	if strings.HasPrefix(sent.Header.Get("Authorization"), "Bearer sb_") {
		sent.Header.Del("Authorization") // the new keys are no JWTs and go in apikey only
	}
	response, err := g.next.RoundTrip(sent)
	if err != nil {
		return nil, &Error{cause: upstream.WithoutURL(err)}
	}
	body, err := upstream.ReadBody(response, maxBody)
	response.Body.Close()
	switch {
	case err != nil:
		return nil, &Error{Status: response.StatusCode, cause: fmt.Errorf("reading the answer: %w", err)}
	case response.StatusCode >= 300:
		return nil, refusal(response.StatusCode, body)
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, nil
}

// Error is a call to Supabase that failed, in PostgREST's or Auth's own words
// where they came. It holds no key, no URL, and not PostgREST's details: these
// may quote a row.
type Error struct {
	Op      string // what was tried: "saving the connections"
	Status  int    // HTTP status; 0 without an answer
	Code    string // PGRST205, 23503, bad_jwt…
	Message string
	Hint    string
	ofAuth  bool // it came in Auth's own form
	cause   error
}

var (
	errNotSupabase = errors.New("not an answer of Supabase")
	errWebPage     = errors.New("a web page, not an answer of Supabase: is SUPABASE_URL right?")
)

// notSupabase is for an answer that Supabase would not give.
func notSupabase(status int, body []byte) *Error {
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) {
		return &Error{Status: status, cause: errWebPage}
	}
	return &Error{Status: status, cause: errNotSupabase}
}

// Error says what was tried, what came of it and, where the set-up is to blame,
// what to do.
func (e *Error) Error() string {
	text := e.Op
	if e.Status != 0 {
		text += fmt.Sprintf(": HTTP %d", e.Status)
	}
	for _, part := range []string{e.Code, e.Message, e.Hint} {
		if part != "" {
			text += ": " + part
		}
	}
	if e.cause != nil {
		text += ": " + secret.Mask(e.cause.Error()) // net/http quotes what is not HTTP
	}
	if fault := e.Fault(); fault != nil {
		text += ". " + fault.Problem + " " + fault.Fix
	}
	return text
}

func (e *Error) Unwrap() error { return e.cause }

// lockTimeout is PostgreSQL's code for a lock that was not to be had in time.
const lockTimeout = "55P03"

// ofContent are the classes of PostgreSQL's codes that speak of what a row holds: cardinality, data,
// integrity, a view's check, a program's limits, what a trigger raises.
// https://www.postgresql.org/docs/current/errcodes-appendix.html
var ofContent = []string{"21", "22", "23", "44", "54", "P0"}

// Refused reports whether Supabase refused what was sent because of what it holds: to
// ask again in the same way is of no use, another row may go through. The status does
// not tell: PostgREST answers 500 to an index row that is too long, and 405 where the
// database is read-only.
func (e *Error) Refused() bool {
	if len(e.Code) == len("22003") {
		return slices.Contains(ofContent, e.Code[:2])
	}
	return e.Code == "PGRST102" || e.Code == "" && e.Status == http.StatusRequestEntityTooLarge
}

// NoUser reports whether the user is deleted whose connection was to be saved: of
// the foreign keys that a row can break, 23503, theirs is the only one.
// https://www.postgresql.org/docs/current/errcodes-appendix.html
func (e *Error) NoUser() bool { return e.Code == "23503" }

// refusal reads the error formats of PostgREST, Auth and the gateway.
// https://docs.postgrest.org/en/stable/references/errors.html
func refusal(status int, body []byte) *Error {
	var answer struct {
		Code      any    `json:"code"` // Auth writes a number here, beside error_code
		ErrorCode string `json:"error_code"`
		Message   string `json:"message"`
		Msg       string `json:"msg"`
		Hint      string `json:"hint"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return notSupabase(status, body)
	}
	code, _ := answer.Code.(string)
	return &Error{
		Status: status, Code: secret.Mask(cmp.Or(answer.ErrorCode, code)),
		Message: secret.Mask(cmp.Or(answer.Message, answer.Msg)),
		Hint:    secret.Mask(answer.Hint), ofAuth: answer.Msg != "",
	}
}

// named says what was tried, and turns an error of any layer into an *Error.
func named(op string, err error) error {
	var failure *Error
	if !errors.As(err, &failure) {
		failure = &Error{cause: upstream.WithoutURL(err)}
	}
	failure.Op = op
	return failure
}

// transient reports whether a repetition may help at once. Who waited for a lock has
// waited long enough.
func transient(err error) bool {
	var failure *Error
	if !errors.As(err, &failure) {
		return true
	}
	passing := failure.Status < 300 || failure.Status == http.StatusTooManyRequests || failure.Status >= 500
	return passing && !failure.Refused() && failure.Code != lockTimeout
}
