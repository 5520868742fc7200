package main

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"igconnect/lib/config"
)

const (
	chunkSize   = 3180               // of @supabase/ssr
	cookieYears = 400 * 24 * 60 * 60 // its Max-Age, in seconds
	base64Mark  = "base64-"
)

// cookieName is the name of the session's cookie, as the functions know it.
func (e env) cookieName() string {
	c, _ := config.Load(e.get)
	return c.AuthCookie
}

// sessionCookies writes a session as @supabase/ssr does: in one cookie where it fits, else in
// chunks; cookies of an earlier session that are not written again are removed. An empty session
// removes them all.
func sessionCookies(r *http.Request, name string, session []byte) []*http.Cookie {
	var cookies []*http.Cookie
	add := func(name, value string, maxAge int) {
		cookies = append(cookies, &http.Cookie{
			Name: name, Value: value, Path: "/", MaxAge: maxAge, SameSite: http.SameSiteLaxMode,
		})
	}
	if value := base64Mark + base64.RawURLEncoding.EncodeToString(session); len(session) > 0 && len(value) <= chunkSize {
		add(name, value, cookieYears)
	} else if len(session) > 0 {
		for chunk := range slices.Chunk([]byte(value), chunkSize) {
			add(name+"."+strconv.Itoa(len(cookies)), string(chunk), cookieYears)
		}
	}
	written := cookies
	for _, old := range r.Cookies() {
		again := slices.ContainsFunc(written, func(c *http.Cookie) bool { return c.Name == old.Name })
		if !again && isSessionCookie(old.Name, name) {
			add(old.Name, "", -1)
		}
	}
	return cookies
}

// isSessionCookie tells name and name.0, name.1, … from their neighbours.
func isSessionCookie(cookie, name string) bool {
	rest, ok := strings.CutPrefix(cookie, name)
	return ok && chunkSuffix.MatchString(rest)
}

var chunkSuffix = regexp.MustCompile(`^(\.[0-9]{1,4})?$`)

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
	var session struct{ User struct{ Email string } }
	text, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(value, base64Mark))
	if err != nil || json.Unmarshal(text, &session) != nil {
		return ""
	}
	return session.User.Email
}
