package vercelsim

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"net/http"
	"strconv"
	"time"
)

// maxBody is Vercel's limit for the body of a request and of a response.
const maxBody = 4_500_000

// recorder is all that a function gets to answer with: a buffer. It is no Flusher, no Hijacker and
// no io.ReaderFrom. Its last status counts, and its headers as they are in the end.
type recorder struct {
	status int
	header http.Header
	body   bytes.Buffer
}

func (rec *recorder) Header() http.Header         { return rec.header }
func (rec *recorder) Write(b []byte) (int, error) { return rec.body.Write(b) }
func (rec *recorder) WriteHeader(status int)      { rec.status = status }

// outcome is how a call of a function ended.
type outcome struct {
	recorder
	panicked bool
	value    any // of the panic
}

// call runs fn under the conditions of production: a buffered response, a request rebuilt from its
// parts, limit as its maxDuration (0: none).
func (d *Deployment) call(w http.ResponseWriter, r *http.Request, fn http.HandlerFunc, limit time.Duration) {
	in, err := rebuild(r)
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		fail(w, http.StatusRequestEntityTooLarge, "FUNCTION_PAYLOAD_TOO_LARGE")
		return
	}
	if err != nil {
		fail(w, http.StatusBadRequest, "BAD_REQUEST")
		return
	}
	done := make(chan *outcome, 1)
	go func() {
		out := &outcome{recorder: recorder{status: http.StatusOK, header: http.Header{}}, panicked: true}
		defer func() {
			out.value = recover()
			done <- out
		}()
		fn(&out.recorder, in)
		out.panicked = false
	}()
	var expired <-chan time.Time
	if limit > 0 {
		expired = time.After(limit)
	}
	select {
	case out := <-done:
		d.answer(w, r.Method, out)
	case <-expired:
		fail(w, http.StatusGatewayTimeout, "FUNCTION_INVOCATION_TIMEOUT")
	}
}

// answer sends what the function left behind, or the platform's own error.
func (d *Deployment) answer(w http.ResponseWriter, method string, out *outcome) {
	switch {
	case out.panicked && d.OnPanic == nil:
		panic(out.value)
	case out.panicked:
		d.OnPanic(out.value)
		fail(w, http.StatusInternalServerError, "FUNCTION_INVOCATION_FAILED")
		return
	case out.body.Len() > maxBody:
		fail(w, http.StatusInternalServerError, "FUNCTION_RESPONSE_PAYLOAD_TOO_LARGE")
		return
	case out.status < 200 || out.status > 599:
		fail(w, http.StatusBadGateway, "FUNCTION_INVOCATION_FAILED")
		return
	}
	h := w.Header()
	h["Content-Type"] = nil // present and nil: net/http adds none by sniffing
	maps.Copy(h, out.header)
	for _, hop := range []string{"Connection", "Content-Length", "Transfer-Encoding"} {
		h.Del(hop)
	}
	if method != http.MethodHead && out.status != http.StatusNoContent && out.status != http.StatusNotModified {
		h.Set("Content-Length", strconv.Itoa(out.body.Len()))
	}
	w.WriteHeader(out.status)
	w.Write(out.body.Bytes())
}

// rebuild makes the request anew from what Vercel's event carries: method, path, headers and the
// whole body. The context is therefore Background, TLS nil, RequestURI without the query,
// RemoteAddr without a port, and the Host header stands among the others too. r must be the
// caller's own copy.
func rebuild(r *http.Request) (*http.Request, error) {
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	if err != nil {
		return nil, err
	}
	in, err := http.NewRequest(r.Method, r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	in.Header = r.Header
	in.Header.Set("Host", r.Host)
	in.Host, in.RequestURI, in.RemoteAddr = r.Host, in.URL.Path, r.Header.Get("X-Real-Ip")
	return in, nil
}
