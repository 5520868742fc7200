package metasim

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
)

const (
	jsonType = "application/json; charset=UTF-8"
	htmlType = "text/html; charset=utf-8"
)

// fault is an error as the Graph API reports it.
type fault struct {
	status        int    // 0: follows from the code
	kind          string // "": OAuthException
	code, subcode int
	message       string
	transient     bool
}

func (f *fault) Error() string {
	return fmt.Sprintf("code %d subcode %d: %s", f.code, f.subcode, f.message)
}

// httpStatus is 403 for the permission codes (10, 200 to 299) and else 400.
func (f *fault) httpStatus() int {
	switch {
	case f.status != 0:
		return f.status
	case f.code == 10, f.code >= 200 && f.code <= 299:
		return http.StatusForbidden
	}
	return http.StatusBadRequest
}

type envelope struct {
	Error struct {
		Message   string `json:"message"`
		Type      string `json:"type"`
		Code      int    `json:"code"`
		Subcode   int    `json:"error_subcode,omitempty"`
		Transient bool   `json:"is_transient,omitempty"`
		TraceID   string `json:"fbtrace_id"`
	} `json:"error"`
}

// refuse answers with Meta's error envelope. Whatever is not a *fault is a bug
// of the Sim's and looks like one.
func (c *call) refuse(err error) answer {
	var f *fault
	if !errors.As(err, &f) {
		f = &fault{status: http.StatusInternalServerError, code: 1, message: "metasim: " + err.Error()}
	}
	trace := "A" + randomText(21)
	var e envelope
	e.Error.Message = f.message
	e.Error.Type = cmp.Or(f.kind, "OAuthException")
	e.Error.Code, e.Error.Subcode = f.code, f.subcode
	e.Error.Transient = f.transient
	e.Error.TraceID = trace
	a := c.json(f.httpStatus(), e, trace)
	if f.code == 190 {
		a.header.Set("WWW-Authenticate", fmt.Sprintf(`OAuth "Facebook Platform" "invalid_token" %q`, f.message))
	}
	return a
}

// accept answers 200 with value as JSON.
func (c *call) accept(value any) answer {
	return c.json(http.StatusOK, value, "A"+randomText(21))
}

func (c *call) json(status int, value any, trace string) answer {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		panic(err) // only values of this package's making come here
	}
	a := plain(status, jsonType, bytes.TrimSuffix(body.Bytes(), []byte("\n")))
	a.header.Set("X-Fb-Trace-Id", trace)
	a.header.Set("Facebook-Api-Version", c.version)
	a.header.Set("Cache-Control", "private, no-cache, no-store, must-revalidate")
	return a
}

// answer is a whole response, not yet sent.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func plain(status int, contentType string, body []byte) answer {
	a := answer{status: status, header: http.Header{}, body: body}
	if contentType != "" {
		a.header.Set("Content-Type", contentType)
	}
	return a
}

// send writes the answer; with cut it declares the whole length, sends half
// and closes the connection.
func (a answer) send(w http.ResponseWriter, cut bool) {
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.status)
	if !cut {
		w.Write(a.body) // a client that is gone is its own affair
		return
	}
	w.Write(a.body[:len(a.body)/2])
	// Without the flush the half would never leave the server.
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

const (
	digits  = "0123456789"
	letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" + digits
)

// randomText returns n random letters and digits.
func randomText(n int) string { return randomFrom(letters, n) }

// randomDigits returns n random digits.
func randomDigits(n int) string { return randomFrom(digits, n) }

func randomFrom(set string, n int) string {
	text := make([]byte, n)
	rand.Read(text)
	for i, b := range text {
		text[i] = set[int(b)%len(set)]
	}
	return string(text)
}
