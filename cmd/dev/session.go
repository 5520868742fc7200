package main

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

const (
	chunkSize   = 3180               // of @supabase/ssr
	cookieYears = 400 * 24 * 60 * 60 // its Max-Age, in seconds
	base64Mark  = "base64-"
)

// cookieName is the name that @supabase/ssr gives the session's cookie.
func (e env) cookieName() string {
	if name := e["SUPABASE_AUTH_COOKIE"]; name != "" {
		return name
	}
	u, err := url.Parse(e.supabaseURL())
	if err != nil {
		return ""
	}
	label, _, _ := strings.Cut(u.Hostname(), ".")
	return "sb-" + label + "-auth-token"
}

// sessionCookies writes a session as @supabase/ssr does: in one cookie where
// it fits, else in chunks; cookies of an earlier session that are not written
// again are removed. An empty session removes them all.
func sessionCookies(r *http.Request, name string, session []byte) []*http.Cookie {
	values := map[string]string{}
	var order []string
	put := func(name, value string) {
		values[name] = value
		order = append(order, name)
	}
	value := ""
	if len(session) > 0 {
		value = base64Mark + base64.RawURLEncoding.EncodeToString(session)
	}
	switch {
	case value == "":
	case len(value) <= chunkSize:
		put(name, value)
	default:
		for i := 0; value != ""; i++ {
			n := min(chunkSize, len(value))
			put(name+"."+strconv.Itoa(i), value[:n])
			value = value[n:]
		}
	}
	var cookies []*http.Cookie
	for _, old := range r.Cookies() {
		if _, again := values[old.Name]; !again && isSessionCookie(old.Name, name) {
			cookies = append(cookies, &http.Cookie{Name: old.Name, Path: "/", MaxAge: -1, SameSite: http.SameSiteLaxMode})
		}
	}
	for _, n := range order {
		cookies = append(cookies, &http.Cookie{Name: n, Value: values[n], Path: "/", MaxAge: cookieYears, SameSite: http.SameSiteLaxMode})
	}
	return cookies
}

// isSessionCookie tells name and name.0, name.1, … from their neighbours.
func isSessionCookie(cookie, name string) bool {
	rest, ok := strings.CutPrefix(cookie, name)
	if !ok || rest == "" {
		return ok
	}
	_, err := strconv.ParseUint(strings.TrimPrefix(rest, "."), 10, 16)
	return rest[0] == '.' && err == nil
}

// signedInAs returns the e-mail address in the session's cookie, or "".
func signedInAs(r *http.Request, name string) string {
	value := ""
	if c, err := r.Cookie(name); err == nil {
		value = c.Value
	}
	for i := 0; value == "" || i > 0; i++ {
		c, err := r.Cookie(name + "." + strconv.Itoa(i))
		if err != nil {
			break
		}
		value += c.Value
	}
	text, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(value, base64Mark))
	if err != nil {
		return ""
	}
	var session struct {
		User struct {
			Email string `json:"email"`
		} `json:"user"`
	}
	if json.Unmarshal(text, &session) != nil {
		return ""
	}
	return session.User.Email
}
