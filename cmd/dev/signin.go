package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"igconnect/internal/appsim"
	"igconnect/internal/supalite"
	"igconnect/lib/config"
)

// demoUser is a user of the app that is being developed.
type demoUser struct{ Name, Email string }

var demoUsers = []demoUser{{"Ada", "ada@example.com"}, {"Ben", "ben@example.com"}}

// demoPassword guards nothing: the project is thrown away at will.
const demoPassword = "demo-password-of-no-worth"

// signInPage is what /dev/sign-in shows.
type signInPage struct {
	Users    []demoUser // empty: an e-mail address and a password are asked for
	ReturnTo string
	Notice   string
}

// signIn shows the page. Where its form was submitted, it makes a session and sets its cookie, for
// one of the demo users or for a user of a real project.
func (s *system) signIn(w http.ResponseWriter, r *http.Request) {
	page, status := signInPage{ReturnTo: r.FormValue("return_to")}, http.StatusOK
	target, ok := s.ownPath(page.ReturnTo)
	if !ok {
		s.render(w, http.StatusBadRequest, "refused.html", nil)
		return
	}
	if s.supabase != nil {
		page.Users = demoUsers
	}
	if r.Method == http.MethodPost {
		session, err := s.session(r.Context(), r.PostFormValue("email"), r.PostFormValue("password"))
		if err == nil {
			setSession(w, r, s.env.cookieName(), session)
			w.Header().Set("Cache-Control", "no-store")
			http.Redirect(w, r, target, http.StatusSeeOther)
			return
		}
		page.Notice, status = sentence(err), http.StatusBadGateway
		if errors.Is(err, errRefused) {
			status = http.StatusUnauthorized
		}
	}
	s.render(w, status, "sign-in.html", page)
}

func (s *system) signOut(w http.ResponseWriter, r *http.Request) {
	setSession(w, r, s.env.cookieName(), nil)
	http.Redirect(w, r, "/dev/", http.StatusSeeOther)
}

// ownPath turns return_to into a path of this server, or refuses it. The
// default is /dev/.
func (s *system) ownPath(returnTo string) (path string, ok bool) {
	if returnTo == "" {
		return "/dev/", true
	}
	path = strings.TrimPrefix(returnTo, s.origin)
	return path, appsim.IsPath(path)
}

// errRefused: Supabase does not know this address and password.
var errRefused = errors.New("that e-mail address and password were not accepted")

// session signs somebody in, and a demo user up the first time. It is as Supabase gives it, with
// expires_at, which supabase-js adds where it is missing. The error may be errRefused.
func (s *system) session(ctx context.Context, email, password string) (json.RawMessage, error) {
	if s.supabase != nil {
		user, err := s.demoUser(ctx, email)
		return user.Session, err
	}
	credentials := map[string]string{"email": email, "password": password}
	status, body, err := s.postSupabase(ctx, "/auth/v1/token?grant_type=password", s.env.supabaseKey(), "", credentials)
	if err != nil {
		return nil, fmt.Errorf("signing in: %w", err)
	}
	if status == http.StatusBadRequest {
		return nil, errRefused
	}
	var session map[string]any
	if err := json.Unmarshal(body, &session); err != nil || status != http.StatusOK {
		return nil, fmt.Errorf("signing in: Supabase answered %d", status)
	}
	if _, ok := session["expires_at"]; !ok {
		seconds, _ := session["expires_in"].(float64)
		session["expires_at"] = time.Now().Unix() + int64(seconds)
	}
	return json.Marshal(session)
}

// demoUser begins a session of a demo user, who signs up the first time.
func (s *system) demoUser(ctx context.Context, email string) (supalite.User, error) {
	user, err := s.supabase.SignIn(ctx, email, demoPassword)
	if err != nil {
		user, err = s.supabase.SignUp(ctx, email, demoPassword)
	}
	return user, err
}

// postSupabase sends JSON to a path of the project with a key of it and, if it is not "", the
// token of a user.
func (s *system) postSupabase(ctx context.Context, path, key, bearer string, args map[string]string) (status int, body []byte, err error) {
	payload, _ := json.Marshal(args) // never fails
	header := map[string]string{"Apikey": key, "Content-Type": "application/json"}
	if bearer != "" {
		header["Authorization"] = "Bearer " + bearer
	}
	res, body, err := ask(ctx, http.DefaultClient, http.MethodPost, s.env.supabaseURL()+path, header, string(payload))
	if err != nil {
		return 0, nil, err
	}
	return res.StatusCode, body, nil
}

const formType = "application/x-www-form-urlencoded"

// ask makes a request within the time that a function has at most, and returns its answer.
func ask(ctx context.Context, client *http.Client, method, target string, header map[string]string, body string) (*http.Response, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, target, strings.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, nil, fmt.Errorf("asking %s: %w", req.URL.Path, err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	return res, answer, err
}

const (
	chunkSize  = 3180               // of @supabase/ssr
	cookieLife = 400 * 24 * 60 * 60 // its Max-Age, in seconds
	base64Mark = "base64-"
)

// cookieName is the name of the session's cookie, as the functions know it.
func (e env) cookieName() string {
	c, _ := config.Load(e.get)
	return c.AuthCookie
}

// setSession writes a session as @supabase/ssr does: in one cookie where it fits, else in chunks;
// cookies of an earlier session that are not written again are removed. An empty session removes
// them all.
func setSession(w http.ResponseWriter, r *http.Request, name string, session []byte) {
	var written []string
	set := func(name, value string, maxAge int) {
		http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: maxAge, SameSite: http.SameSiteLaxMode})
		written = append(written, name)
	}
	if value := base64Mark + base64.RawURLEncoding.EncodeToString(session); len(session) > 0 && len(value) <= chunkSize {
		set(name, value, cookieLife)
	} else if len(session) > 0 {
		for chunk := range slices.Chunk([]byte(value), chunkSize) {
			set(name+"."+strconv.Itoa(len(written)), string(chunk), cookieLife)
		}
	}
	for _, old := range r.Cookies() {
		if isSessionCookie(old.Name, name) && !slices.Contains(written, old.Name) {
			set(old.Name, "", -1)
		}
	}
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
	for _, c := range r.Cookies() { // browsers send the chunks in the order in which they were set
		if isSessionCookie(c.Name, name) {
			value += c.Value
		}
	}
	var session struct{ User struct{ Email string } }
	text, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(value, base64Mark))
	if err != nil || json.Unmarshal(text, &session) != nil {
		return ""
	}
	return session.User.Email
}
