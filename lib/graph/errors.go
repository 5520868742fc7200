package graph

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"igconnect/lib/secret"
)

// Class says what a failure means for us.
type Class int

const (
	// Rejected is a refusal of no other class.
	Rejected Class = iota
	// Unavailable may pass by itself: no answer, a broken one, or one that Meta calls transient.
	Unavailable
	// Throttled asks us to wait.
	Throttled
	// TokenDead needs the person to sign in at Meta again.
	TokenDead
	// NoPermission lacks something that the person did not grant.
	NoPermission
	// BadApp means that the app id or secret is wrong.
	BadApp
	// CodeRejected means that the authorization code was used, is too old or belongs elsewhere.
	CodeRejected
)

// Error is a call that failed. It holds no secret: Message is masked, and no
// URL or body is kept.
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

var errNoEnvelope = errors.New("not an answer of the Graph API")

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

// envelope is how Meta reports errors.
type envelope struct {
	Error *struct {
		Message     string `json:"message"`
		Code        int    `json:"code"`
		Subcode     int    `json:"error_subcode"`
		IsTransient bool   `json:"is_transient"`
		FBTraceID   string `json:"fbtrace_id"`
	} `json:"error"`
}

// refusal reads an answer for its failure; nil means that there is none.
func refusal(call call, response *http.Response, body []byte) *Error {
	if response.StatusCode == http.StatusOK && !bytes.Contains(body, []byte("error")) && !isNull(body) {
		return nil // Meta spells the key so; whether it is JSON at all, its reader finds out
	}
	failure := &Error{Op: call.op, Status: response.StatusCode}
	var answer envelope
	unreadable := json.Unmarshal(body, &answer) != nil // also where the answer is a bare true
	switch {
	case answer.Error != nil && !unreadable:
		failure.Code, failure.Subcode = answer.Error.Code, answer.Error.Subcode
		failure.FBTraceID = secret.Mask(answer.Error.FBTraceID, secretsOf(call)...)
		failure.Message = secret.Mask(answer.Error.Message, secretsOf(call)...)
		failure.Class = classify(failure, answer.Error.Message, answer.Error.IsTransient)
	case response.StatusCode == http.StatusTooManyRequests:
		failure.Class, failure.cause = Throttled, errNoEnvelope
	case response.StatusCode != http.StatusOK || answer.Error != nil || unreadable && !json.Valid(body) || isNull(body):
		failure.Class, failure.cause = Unavailable, errNoEnvelope
	default:
		return nil
	}
	if failure.Class == Throttled {
		failure.RetryAfter = regainAccess(response.Header)
	}
	return failure
}

func isNull(body []byte) bool { return string(bytes.TrimSpace(body)) == "null" }

// classify follows https://developers.facebook.com/docs/graph-api/guides/error-handling
// and https://developers.facebook.com/docs/graph-api/overview/rate-limiting.
func classify(e *Error, message string, transient bool) Class {
	message = strings.ToLower(message)
	switch code := e.Code; {
	// A wrong secret comes as code 1 and is permanent all the same.
	case code == 101, strings.Contains(message, "client secret"), strings.Contains(message, "appsecret_proof"):
		return BadApp
	case code == 4, code == 17, code == 32, code == 341, code == 613, code >= 80000 && code <= 80014:
		return Throttled
	case code == 368, e.Status == http.StatusTooManyRequests: // 368: blocked for a while: stop calling
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

// secretsOf lists what a call sent that nobody may read in a log.
func secretsOf(call call) []secret.String {
	secrets := []secret.String{call.token}
	for _, name := range []string{"client_secret", "code", "fb_exchange_token", "input_token"} {
		secrets = append(secrets, secret.New(call.params.Get(name)))
	}
	return secrets
}

// classOf returns the class of an error of this package.
func classOf(err error) Class {
	var failure *Error
	if errors.As(err, &failure) {
		return failure.Class
	}
	return Rejected
}
