package graph

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"time"

	"igconnect/lib/metajson"
	"igconnect/lib/secret"
	"igconnect/lib/upstream"
)

// Class says what a failed call means for the flows.
type Class int

// The classes of failure.
const (
	Rejected     Class = iota // a refusal of no other class
	Unavailable               // may pass by itself: no answer, a broken one, or Meta says transient
	Throttled                 // a limit is reached: the app's, or see [Error.LimitOfOne]
	TokenDead                 // the person has to sign in at Meta again
	NoPermission              // something is missing that the person did not grant
	BadApp                    // the app's id or secret is wrong, or Meta has blocked the app
	CodeRejected              // the authorization code was used, is too old or belongs elsewhere
)

// Error is a call that failed. It holds no secret: what Meta wrote is masked, and
// no URL or body is kept.
type Error struct {
	Op         string // what was tried: "exchanging the code"
	Class      Class
	Status     int // HTTP status; 0 without an answer
	Code       int // Meta's code and subcode; 0 without an envelope
	Subcode    int
	Message    string
	FBTraceID  string        // what Meta's support asks for
	RetryAfter time.Duration // when Throttled and Meta said so
	cause      error
}

// ErrNotGraphAPI is the cause where an answer is none of the Graph API's, or lacks
// what it must hold.
var ErrNotGraphAPI = errors.New("not an answer of the Graph API")

// Failed returns the error of a call that Meta answered with 200 and that failed
// all the same.
func (call Call) Failed(class Class, cause error) *Error {
	return &Error{Op: call.Op, Status: http.StatusOK, Class: class, cause: cause}
}

func (e *Error) Error() string {
	switch {
	case e.cause != nil && e.Status != 0:
		return fmt.Sprintf("%s: HTTP %d: %v", e.Op, e.Status, e.cause)
	case e.cause != nil:
		return fmt.Sprintf("%s: %v", e.Op, e.cause)
	}
	return fmt.Sprintf("%s: HTTP %d, code %d/%d: %s (fbtrace_id %s)", e.Op, e.Status, e.Code, e.Subcode, e.Message, e.FBTraceID)
}

func (e *Error) Unwrap() error { return e.cause }

// Reason is the part of the error that is the same each time, for a table.
func (e *Error) Reason() string {
	if e.cause != nil {
		return fmt.Sprintf("%s: %v", e.Op, e.cause)
	}
	return fmt.Sprintf("%s: code %d: %s", e.Op, e.Code, e.Message)
}

// refusal reads an answer for its failure; nil means that there is none.
func refusal(call Call, response *http.Response, body []byte) *Error {
	ok := response.StatusCode == http.StatusOK
	if ok && !bytes.Contains(body, []byte("error")) && !isNull(body) {
		return nil // Meta writes the key so; whether it is JSON at all, decoding finds out
	}
	failure := &Error{Op: call.Op, Status: response.StatusCode}
	var answer struct {
		Error *struct {
			Message     string        `json:"message"`
			Code        metajson.Code `json:"code"`
			Subcode     metajson.Code `json:"error_subcode"`
			IsTransient bool          `json:"is_transient"`
			FBTraceID   string        `json:"fbtrace_id"`
		} `json:"error"`
	}
	unreadable := json.Unmarshal(body, &answer) != nil // also where the answer is a bare true
	switch {
	case answer.Error != nil && !unreadable:
		failure.Code, failure.Subcode = int(answer.Error.Code), int(answer.Error.Subcode)
		failure.FBTraceID = secret.Mask(answer.Error.FBTraceID, call.Secrets...)
		failure.Message = secret.Mask(answer.Error.Message, call.Secrets...)
		failure.Class = classify(failure, answer.Error.Message, answer.Error.IsTransient)
	case response.StatusCode == http.StatusTooManyRequests:
		failure.Class, failure.cause = Throttled, ErrNotGraphAPI
	case !ok, answer.Error != nil, isNull(body), unreadable && !json.Valid(body):
		failure.Class, failure.cause = Unavailable, ErrNotGraphAPI
	default:
		return nil
	}
	if failure.Class == Throttled {
		_, failure.RetryAfter = loads(response.Header)
	}
	return failure
}

func isNull(body []byte) bool { return string(bytes.TrimSpace(body)) == "null" }

// classify follows https://developers.facebook.com/docs/graph-api/guides/error-handling
// and https://developers.facebook.com/docs/graph-api/overview/rate-limiting.
func classify(e *Error, message string, transient bool) Class {
	switch code := e.Code; {
	case code == 3, code == 101, ofApp.MatchString(message):
		return BadApp
	case code == 4, code == 17, code == 32, code == 341, code == 613, code >= 80000 && code <= 80014,
		code == 368, e.Status == http.StatusTooManyRequests: // 368: blocked for a while
		return Throttled
	case transient, e.Status >= 500: // whatever the code: it may pass
		return Unavailable
	case code == 190, code == 102:
		return TokenDead
	case code == 10, code >= 200 && code <= 299:
		return NoPermission
	case code == 1, code == 2:
		return Unavailable
	}
	return Rejected
}

// LimitOfOne reports whether the limit that was reached is that of one person, Page
// or business: everybody else's calls go on.
// https://developers.facebook.com/docs/graph-api/overview/rate-limiting#error-codes
func (e *Error) LimitOfOne() bool {
	switch code := e.Code; {
	case code == 17, code == 32, code == 368, code >= 80000 && code <= 80014:
		return e.Class == Throttled
	}
	return false
}

// ofApp finds what Meta says of the app itself under the codes of other failures:
// a wrong secret comes as code 1, an app that Meta has blocked as code 200, one
// that was deleted as 190. The texts are English because every call asks for that.
var ofApp = regexp.MustCompile(`(?i)client secret|appsecret_proof|api access (blocked|deactivated|disabled)|` +
	`\bapp(lication)? (is not active|is (currently )?(disabled|unavailable|inactive)|has been (deleted|disabled|blocked))|invalid application id`)

// ClassOf returns the class of an [*Error]; [Rejected] for any other error.
func ClassOf(err error) Class {
	if failure, ok := errors.AsType[*Error](err); ok {
		return failure.Class
	}
	return Rejected
}

// Reclassed gives a refusal of one of the classes the meaning that it has at this
// step, and returns the error.
func Reclassed(err error, meaning Class, classes ...Class) error {
	if refused, ok := errors.AsType[*Error](err); ok && slices.Contains(classes, refused.Class) {
		refused.Class = meaning
	}
	return err
}

// maskedError is an error of net/http: it quotes status lines and headers, and
// these may quote what was sent. It answers errors.Is and errors.As, but is
// not unwrapped: nobody prints the original.
type maskedError struct {
	text  string
	cause error
}

func masked(err error, call Call) error {
	cause := upstream.WithoutURL(err)
	return &maskedError{text: secret.Mask(cause.Error(), call.Secrets...), cause: cause}
}

func (e *maskedError) Error() string        { return e.text }
func (e *maskedError) Is(target error) bool { return errors.Is(e.cause, target) }
func (e *maskedError) As(target any) bool   { return errors.As(e.cause, target) }
