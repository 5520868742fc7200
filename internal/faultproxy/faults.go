package faultproxy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"time"
)

// Fault is one way in which an upstream fails. They come from [List], [Instead], [Hold] and
// [Lost].
type Fault struct {
	Name  string
	Once  bool // at the first try only; else for good
	Meta  bool // in Meta's own words: for Meta's calls only
	Waits bool // ends only by a time limit of the program's
	Body  bool // changes the real answer's body: for calls that are answered with one
	Done  bool // the upstream does its work all the same: only its answer is lost

	drops   func(*Proxy)            // the connection, before anybody knows what is asked; or nil
	answers func(*exchange, answer) // a call; the real answer, where Done
}

// OfConnection reports whether the fault hits every call of its upstream from some moment on.
func (f Fault) OfConnection() bool { return f.drops != nil }

// List is every fault.
func List() []Fault {
	hang := Hold(nil)
	hang.Name, hang.Waits = "hang", true
	all := []Fault{
		{Name: "refused", drops: func(p *Proxy) {
			p.listener.Close()
			p.hangUp()
		}},
		{Name: "TLS", drops: func(p *Proxy) {
			p.distrust.Store(true) // only new connections see the other certificate, so the old ones end
			p.hangUp()
		}},
		hang,
		{Name: "slow", Waits: true, Done: true, answers: trickle},
		{Name: "cut", Done: true, answers: cut},
		{Name: "500 once", Once: true, answers: status(http.StatusInternalServerError)},
		{Name: "500", answers: status(http.StatusInternalServerError)},
		{Name: "429", answers: status(http.StatusTooManyRequests)},
	}
	for _, code := range []int{4, 17, 32, 613, 80002} { // Meta asks to slow down
		// https://developers.facebook.com/docs/graph-api/overview/rate-limiting#error-codes
		body := fmt.Sprintf(`{"error":{"message":"(#%d) Request limit reached","type":"OAuthException","code":%d,"fbtrace_id":"AbcDefGhi"}}`, code, code)
		all = append(all, Fault{Name: fmt.Sprint("code ", code), Meta: true, answers: instead(http.StatusBadRequest, "application/json", body)})
	}
	return append(all,
		Fault{Name: "HTML", answers: instead(http.StatusOK, "text/html; charset=utf-8", "<!doctype html><title>Welcome</title><p>Sign in to this network.")},
		Fault{Name: "empty", answers: instead(http.StatusOK, "application/json", "")},
		Fault{Name: "null", answers: instead(http.StatusOK, "application/json", "null")},
		Fault{Name: "types", Body: true, Done: true, answers: func(x *exchange, a answer) {
			a.body = wrongTypes(a.body)
			x.send(a)
		}},
		Fault{Name: "5 MB", Done: true, answers: func(x *exchange, a answer) { // white space: whoever reads it all finds it good
			a.status = http.StatusOK // 204 has no body
			a.body = append(bytes.Clone(a.body), bytes.Repeat([]byte(" "), 5<<20)...)
			x.send(a)
		}},
		Fault{Name: "redirect", answers: func(x *exchange, _ answer) {
			x.send(answer{http.StatusTemporaryRedirect, http.Header{"Location": {x.proxy.group.Elsewhere}}, nil})
		}},
	)
}

// Lost lets the upstream do its work and closes the connection: nobody learns of it.
var Lost = Fault{Name: "lost", Done: true, answers: func(x *exchange, a answer) {
	x.proxy.group.answered(x.record, a)
	abort()
}}

// Instead answers with this in place of the upstream. With Done set on it, the upstream is asked
// all the same.
func Instead(status int, contentType, body string) Fault {
	return Fault{Name: fmt.Sprint(status), answers: instead(status, contentType, body)}
}

// Hold keeps a call until the channel is closed, and passes it on then; a nil channel never is.
func Hold(until <-chan struct{}) Fault {
	return Fault{Name: "hold", answers: func(x *exchange, _ answer) {
		if !waits(x, until) {
			abort()
		}
		x.send(x.real())
	}}
}

// trickle sends the real answer, and a space now and then for ever: whoever waits for the end
// waits for ever.
func trickle(x *exchange, a answer) {
	if a.status == http.StatusNoContent {
		a.status = http.StatusOK
	}
	x.begin(a, -1)
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for part := a.body; ; part = []byte(" ") {
		x.write(part)
		if !waits(x, tick.C) {
			abort()
		}
	}
}

// cut ends the real answer in the middle of its body; before its beginning where there is no body.
func cut(x *exchange, a answer) {
	if len(a.body) > 0 {
		x.begin(a, len(a.body))
		x.write(a.body[:len(a.body)/2])
	} else {
		x.proxy.group.answered(x.record, a)
	}
	abort()
}

func instead(status int, contentType, body string) func(*exchange, answer) {
	return func(x *exchange, _ answer) {
		x.send(answer{status, http.Header{"Content-Type": {contentType}}, []byte(body)})
	}
}

// status is what a gateway in between says.
func status(code int) func(*exchange, answer) {
	return instead(code, "text/plain", http.StatusText(code))
}

// wrongTypes changes the type of every value in a JSON text and keeps the names: texts become
// numbers, numbers and booleans texts, lists objects. An object keeps its form and its members
// change; where it has none it becomes a list. Text that is no JSON stays as it is.
func wrongTypes(body []byte) []byte {
	var value any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if decoder.Decode(&value) != nil {
		return body
	}
	changed, _ := json.Marshal(otherType(value)) // it came from JSON
	return changed
}

func otherType(value any) any {
	members := map[string]any{}
	switch v := value.(type) {
	case json.Number:
		return "n" + v.String()
	case bool:
		return "b"
	case []any:
		for _, element := range v {
			members["element"] = otherType(element)
		}
		return members
	case map[string]any:
		if len(v) == 0 {
			return []any{}
		}
		for name, member := range v {
			members[name] = otherType(member)
		}
		return members
	}
	return 7 // in place of a text, or of null
}

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
	maps.Copy(header, a.header)
	header.Del("Content-Length") // of what was asked of the upstream itself
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
func abort() { panic(http.ErrAbortHandler) }

// waits reports whether tick came before the client had gone, or the group was closed. A nil tick
// never comes.
func waits[T any](x *exchange, tick <-chan T) bool {
	select {
	case <-tick:
		return true
	case <-x.r.Context().Done():
	case <-x.proxy.ctx.Done():
	}
	return false
}
