package faultproxy

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
)

// answer is what an upstream says.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// exchange is one call and its answer on their way through a proxy.
type exchange struct {
	w      http.ResponseWriter
	r      *http.Request
	proxy  *Proxy
	record *Record
}

// real asks the upstream itself.
func (x *exchange) real() answer {
	recorder := httptest.NewRecorder()
	x.proxy.target.ServeHTTP(recorder, x.r)
	return answer{recorder.Code, recorder.Header().Clone(), recorder.Body.Bytes()}
}

// send answers.
func (x *exchange) send(a answer) {
	x.begin(a, len(a.body))
	_, _ = x.w.Write(a.body) // nobody is left to tell
}

// begin sends what stands above the body, which is announced with length bytes; with none where
// that is negative.
func (x *exchange) begin(a answer, length int) {
	x.proxy.group.answered(x.record, a)
	header := x.w.Header()
	for name, values := range a.header {
		if !strings.EqualFold(name, "Content-Length") {
			header[name] = values
		}
	}
	if length >= 0 && a.status != http.StatusNoContent {
		header.Set("Content-Length", strconv.Itoa(length))
	}
	x.w.WriteHeader(a.status)
}

// write sends a part of the body at once.
func (x *exchange) write(part []byte) {
	_, _ = x.w.Write(part)
	_ = http.NewResponseController(x.w).Flush() // the next write finds out
}

// abort ends the exchange in the middle.
func (x *exchange) abort() { panic(http.ErrAbortHandler) }

// waits reports whether tick came before the client had gone, or the group was closed. A nil tick
// never comes.
func waits[T any](x *exchange, tick <-chan T) bool {
	select {
	case <-tick:
		return true
	case <-x.r.Context().Done():
	case <-x.proxy.group.ended():
	}
	return false
}
