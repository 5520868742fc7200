package metasim

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
)

const jsonType = "application/json; charset=UTF-8"

// apiError is an error of the Graph API, as it is written into the envelope.
type apiError struct {
	Message   string `json:"message"`
	Type      string `json:"type"` // "": OAuthException
	Code      int    `json:"code"`
	Subcode   int    `json:"error_subcode,omitempty"`
	Transient bool   `json:"is_transient,omitempty"`
	TraceID   string `json:"fbtrace_id"` // set when it is answered

	status int // 0: follows from the code
}

type envelope struct {
	Error apiError `json:"error"`
}

// errorf makes an error without a subcode.
func errorf(code int, format string, args ...any) error {
	return &apiError{Code: code, Message: fmt.Sprintf(format, args...)}
}

// methodError makes an error 100 of the type that Meta uses for a missing object or proof.
func methodError(subcode int, format string, args ...any) error {
	const kind = "GraphMethodException"
	return &apiError{Code: 100, Subcode: subcode, Type: kind, Message: fmt.Sprintf(format, args...)}
}

func (e *apiError) Error() string {
	return fmt.Sprintf("code %d subcode %d: %s", e.Code, e.Subcode, e.Message)
}

// httpStatus is 403 for the permission codes (10, 200 to 299) and else 400.
func (e *apiError) httpStatus() int {
	switch {
	case e.status != 0:
		return e.status
	case e.Code == 10, e.Code >= 200 && e.Code <= 299:
		return http.StatusForbidden
	}
	return http.StatusBadRequest
}

// refuse answers with Meta's error envelope. It panics on what is not an *apiError: a bug of the
// Sim's.
func (c *call) refuse(err error) response {
	e := *err.(*apiError) // a copy: one error may answer several calls
	e.Type, e.TraceID = cmp.Or(e.Type, "OAuthException"), newTraceID()
	res := c.json(e.httpStatus(), envelope{e}, e.TraceID)
	if e.Code == 190 {
		res.header.Set("WWW-Authenticate", fmt.Sprintf(`OAuth "Facebook Platform" "invalid_token" %q`, e.Message))
	}
	return res
}

// json answers with value as JSON.
func (c *call) json(status int, value any, traceID string) response {
	res := newResponse(status, jsonType, encode(value))
	res.header.Set("X-Fb-Trace-Id", traceID)
	res.header.Set("Facebook-Api-Version", c.version)
	res.header.Set("Cache-Control", "private, no-cache, no-store, must-revalidate")
	return res
}

// encode writes JSON without escaping HTML. It panics on what is no JSON, which only a test's own
// [Event] can contain.
func encode(value any) []byte {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		panic(fmt.Sprintf("metasim: not JSON: %v", err))
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n"))
}

// response is a whole response, not yet sent.
type response struct {
	status int
	header http.Header
	body   []byte
}

func newResponse(status int, contentType string, body []byte) response {
	return response{status: status, header: http.Header{"Content-Type": {contentType}}, body: body}
}

func redirectTo(status int, url string) response {
	return response{status: status, header: http.Header{"Location": {url}}}
}

// send writes the response; with cut it declares the whole length, sends half and closes the
// connection.
func (res response) send(w http.ResponseWriter, cut bool) {
	for name, values := range res.header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(res.body)))
	w.WriteHeader(res.status)
	if !cut {
		w.Write(res.body) // that the client may be gone is no concern of the Sim's
		return
	}
	w.Write(res.body[:len(res.body)/2])
	_ = http.NewResponseController(w).Flush() // or the half would never leave the server
	panic(http.ErrAbortHandler)
}

const (
	digits  = "0123456789"
	letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" + digits
)

func newTraceID() string { return "A" + random(letters, 21) }

// random returns n random characters of the set.
func random(set string, n int) string {
	text := make([]byte, n)
	rand.Read(text)
	for i, b := range text {
		text[i] = set[int(b)%len(set)]
	}
	return string(text)
}
