package faults

import (
	"bytes"
	"fmt"
	"net/http"
	"time"
)

// Fault is one way in which an upstream fails. Either breaks or answers is set.
type Fault struct {
	Name  string
	Once  bool // at the first try only; else for good
	Meta  bool // in Meta's own words: for Meta's calls only
	Waits bool // ends only by a time limit of ours
	Body  bool // changes the real answer's body: for calls that are answered with one
	Done  bool // the upstream does its work all the same: only its answer is lost

	breaks  func(*Proxy)    // the connection, before anybody knows what is asked
	answers func(*exchange) // a call
}

// OfConnection tells whether the fault hits every call of its upstream from
// some moment on.
func (f Fault) OfConnection() bool { return f.breaks != nil }

// List is every fault.
func List() []Fault {
	all := []Fault{
		{Name: "refused", breaks: (*Proxy).refuse},
		{Name: "TLS", breaks: (*Proxy).distrustUs},
		{Name: "hang", Waits: true, answers: hang},
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
		Fault{Name: "types", Body: true, Done: true, answers: otherTypes},
		Fault{Name: "5 MB", Done: true, answers: padded},
		Fault{Name: "redirect", answers: redirect},
	)
}

// hang never answers.
func hang(x *exchange) {
	x.waits(nil)
	x.abort()
}

// trickle sends the real answer, and a space now and then for ever: whoever
// waits for the end waits for ever.
func trickle(x *exchange) {
	a := x.real()
	if a.status == http.StatusNoContent {
		a.status = http.StatusOK
	}
	x.begin(a, -1)
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for part := a.body; ; part = []byte(" ") {
		x.write(part)
		if !x.waits(tick.C) {
			x.abort()
		}
	}
}

// cut ends the real answer in the middle of its body; before its beginning
// where there is no body.
func cut(x *exchange) {
	a := x.real()
	if len(a.body) > 0 {
		x.begin(a, len(a.body))
		x.write(a.body[:len(a.body)/2])
	} else {
		x.wire.end(x.record, a)
	}
	x.abort()
}

// instead answers without asking the upstream.
func instead(status int, contentType, body string) func(*exchange) {
	return func(x *exchange) {
		x.send(answer{status, http.Header{"Content-Type": {contentType}}, []byte(body)})
	}
}

// status is what a gateway in between says.
func status(code int) func(*exchange) { return instead(code, "text/plain", http.StatusText(code)) }

// throttle is how Meta asks to slow down.
// https://developers.facebook.com/docs/graph-api/overview/rate-limiting#error-codes
func throttle(code int) func(*exchange) {
	return instead(http.StatusBadRequest, "application/json", fmt.Sprintf(
		`{"error":{"message":"(#%d) Request limit reached","type":"OAuthException","code":%d,"fbtrace_id":"AbcDefGhi"}}`, code, code))
}

// otherTypes is the real answer with the right names and the wrong types.
func otherTypes(x *exchange) {
	a := x.real()
	a.body = WrongTypes(a.body)
	x.send(a)
}

// padded is the real answer and 5 MB of white space behind it: whoever reads it
// all finds it good.
func padded(x *exchange) {
	a := x.real()
	a.status = http.StatusOK // 204 has no body
	a.body = append(bytes.Clone(a.body), bytes.Repeat([]byte(" "), 5<<20)...)
	x.send(a)
}

// redirect leads to another host.
func redirect(x *exchange) {
	x.send(answer{http.StatusTemporaryRedirect, http.Header{"Location": {x.wire.Elsewhere}}, nil})
}
