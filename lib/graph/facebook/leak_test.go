package facebook_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"testing"

	"igconnect/lib/secret"
)

// Short, so that only knowing them masks them, and not the look of a token;
// with characters that URLs escape. The app secret has its real form.
const (
	leakyToken  = "EAA|tok/en+1=="
	leakyCode   = "AQ#co/de_=_"
	leakySecret = "0123456789abcdef0123456789abcdef"
)

// TestNoSecretInErrors: whatever the answer quotes back of what was sent, the
// error shows nothing of it, however it is printed.
func TestNoSecretInErrors(t *testing.T) {
	for name, c := range map[string]struct {
		call call
		with string
		sent []string
	}{
		"Exchange":  {exchange, leakyCode, []string{leakyCode, leakySecret}},
		"Extend":    {extend, leakyToken, []string{leakyToken, leakySecret}},
		"Inspect":   {inspect, leakyToken, []string{leakyToken, leakySecret, appID + "|" + leakySecret}},
		"Accounts":  {find, leakyToken, []string{leakyToken, leakySecret, appID + "|" + leakySecret}},
		"Subscribe": {subscribe, leakyToken, []string{leakyToken}},
	} {
		var echo string
		for _, s := range c.sent {
			echo += fmt.Sprintf("<%s> is '%s' ", s, url.QueryEscape(s))
		}
		for where, answer := range echoes(echo) {
			all := routes{tokenLine: answer, subscribeLine: answer}
			for _, line := range fourCalls {
				all[line] = answer
			}
			run(t, name+" "+where, all, func(t *testing.T, m *meta) {
				m.Secret = secret.New(leakySecret)
				_, err := c.call(t.Context(), m.Login, secret.New(c.with))
				if err == nil {
					t.Fatal("no error")
				}
				wantClean(t, err, c.sent...)
			})
		}
	}
}

// echoes are all the places where an answer can quote a text.
func echoes(echo string) routes {
	quoted := strconv.Quote(echo)
	header := func(name, value string, then http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { w.Header().Set(name, value); then(w, r) }
	}
	raw := func(head string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				panic(err)
			}
			_, _ = conn.Write([]byte(head))
			conn.Close()
		}
	}
	return routes{
		"in the message":            status(400, envelope(100, 0, echo)),
		"in a transient message":    status(400, envelope(2, 0, echo)),
		"in a dead token's message": status(400, envelope(190, 0, "Malformed access token "+echo)),
		"in fbtrace_id":             status(400, `{"error":{"code":100,"message":"x","fbtrace_id":`+quoted+`}}`),
		"in the user's message":     status(400, `{"error":{"code":100,"message":"x","error_user_title":`+quoted+`,"error_user_msg":`+quoted+`}}`),
		"in debug's message":        says(`{"data":{"is_valid":false,"error":{"code":190,"message":` + quoted + `}}}`),
		"in HTML":                   status(500, "<html>"+echo),
		"in broken JSON":            says(`{"access_token":` + quoted + `,`),
		"in another type":           says(`{"access_token":{` + quoted + `:1},"success":` + quoted + `,"data":` + quoted + `}`),
		"next to another type":      says(`{"access_token":{"x":` + quoted + `},"expires_in":` + quoted + `}`),
		"in an id":                  says(`{"data":{"app_id":` + quoted + `}}`),
		"in a redirect":             header("Location", "https://elsewhere.test/?"+url.QueryEscape(echo), status(302, "")),
		"in a broken redirect":      header("Location", "http://[::1/?"+echo, status(302, "")),
		"in the status line":        raw("HTTP/1.1 2oo " + echo + "\r\n\r\n"),
		"instead of the status":     raw(echo + "\r\n\r\n"),
		"in a broken header":        raw("HTTP/1.1 200 OK\r\n" + echo + "\r\n\r\n"),
		"in the length":             raw("HTTP/1.1 200 OK\r\nContent-Length: " + echo + "\r\n\r\n"),
		"in the encoding":           raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: " + echo + "\r\n\r\n"),
		"in the usage":              header("X-Business-Use-Case-Usage", echo, status(400, envelope(4, 0, "limit"))),
		"nowhere: cut":              cut,
		"nowhere: hangs":            hangs,
	}
}
