package faultproxy

import (
	"bytes"
	"fmt"
	"net/http"
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
		{Name: "refused", drops: (*Proxy).refuse},
		{Name: "TLS", drops: (*Proxy).distrustUs},
		hang,
		{Name: "slow", Waits: true, Done: true, answers: trickle},
		{Name: "cut", Done: true, answers: cut},
		{Name: "500 once", Once: true, answers: status(http.StatusInternalServerError)},
		{Name: "500", answers: status(http.StatusInternalServerError)},
		{Name: "429", answers: status(http.StatusTooManyRequests)},
	}
	for _, code := range []int{4, 17, 32, 613, 80002} {
		all = append(all, Fault{Name: fmt.Sprint("code ", code), Meta: true, answers: throttle(code)})
	}
	return append(all,
		Fault{Name: "HTML", answers: instead(http.StatusOK, "text/html; charset=utf-8", "<!doctype html><title>Welcome</title><p>Sign in to this network.")},
		Fault{Name: "empty", answers: instead(http.StatusOK, "application/json", "")},
		Fault{Name: "null", answers: instead(http.StatusOK, "application/json", "null")},
		Fault{Name: "types", Body: true, Done: true, answers: func(x *exchange, a answer) {
			a.body = wrongTypes(a.body)
			x.send(a)
		}},
		Fault{Name: "5 MB", Done: true, answers: padded},
		Fault{Name: "redirect", answers: func(x *exchange, _ answer) {
			x.send(answer{http.StatusTemporaryRedirect, http.Header{"Location": {x.proxy.group.Elsewhere}}, nil})
		}},
	)
}

// Lost lets the upstream do its work and closes the connection: nobody learns of it.
var Lost = Fault{Name: "lost", Done: true, answers: func(x *exchange, a answer) {
	x.proxy.group.answered(x.record, a)
	x.abort()
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
			x.abort()
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
			x.abort()
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
	x.abort()
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

// throttle is how Meta asks to slow down.
// https://developers.facebook.com/docs/graph-api/overview/rate-limiting#error-codes
func throttle(code int) func(*exchange, answer) {
	return instead(http.StatusBadRequest, "application/json", fmt.Sprintf(
		`{"error":{"message":"(#%d) Request limit reached","type":"OAuthException","code":%d,"fbtrace_id":"AbcDefGhi"}}`, code, code))
}

// padded is the real answer and 5 MB of white space behind it: whoever reads it all finds it good.
func padded(x *exchange, a answer) {
	a.status = http.StatusOK // 204 has no body
	a.body = append(bytes.Clone(a.body), bytes.Repeat([]byte(" "), 5<<20)...)
	x.send(a)
}
