package store

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"

	"igconnect/lib/secret"
	"igconnect/lib/upstream"
)

// Error is a call to Supabase that failed, in PostgREST's or Auth's own words
// where they came. It holds no key and no URL.
type Error struct {
	Op      string // what was tried: "saving the connections"
	Status  int    // HTTP status; 0 without an answer
	Code    string // PGRST205, 23503, bad_jwt…
	Message string
	Hint    string
	Details secret.String // may quote a row
	cause   error
}

var errNotSupabase = errors.New("not an answer of Supabase")

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
	return text
}

func (e *Error) Unwrap() error { return e.cause }

// refusal reads the error formats of PostgREST, Auth and the gateway.
// https://docs.postgrest.org/en/stable/references/errors.html
func refusal(status int, body []byte) *Error {
	var answer struct {
		Code      any             `json:"code"` // Auth writes a number here, beside error_code
		ErrorCode string          `json:"error_code"`
		Message   string          `json:"message"`
		Msg       string          `json:"msg"`
		Hint      string          `json:"hint"`
		Details   json.RawMessage `json:"details"` // a text, for some codes a list
	}
	if json.Unmarshal(body, &answer) != nil {
		return &Error{Status: status, cause: errNotSupabase}
	}
	code, _ := answer.Code.(string)
	return &Error{
		Status: status, Code: secret.Mask(cmp.Or(answer.ErrorCode, code)),
		Message: secret.Mask(cmp.Or(answer.Message, answer.Msg)),
		Hint:    secret.Mask(answer.Hint), Details: secret.New(asText(answer.Details)),
	}
}

// asText is a JSON text as it is, and anything else as it is written.
func asText(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return string(raw)
	}
	return text
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

// transient tells whether a repetition may help.
func transient(err error) bool {
	var failure *Error
	if !errors.As(err, &failure) {
		return true
	}
	return failure.Status < 300 || failure.Status == 429 || failure.Status >= 500
}
