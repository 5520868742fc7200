package appsim

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	sessionCookie = "app_session"
	sessionLife   = 12 * time.Hour
)

// session is a person signed in, in one browser.
type session struct {
	person Person
	ends   time.Time
}

// SignedIn returns whose session came along, and whether one did.
func (a *App) SignedIn(r *http.Request) (Person, bool) {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return Person{}, false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	found, known := a.sessions[cookie.Value]
	if !known || !clock(a.Now).Before(found.ends) {
		return Person{}, false
	}
	return found.person, true
}

// signInPage is what /sign-in shows.
type signInPage struct {
	*App
	Next string
}

// chooseWho shows the people one can be. What it is given as next, or by igconnect's SIGN_IN_URL
// as return_to, is where the person comes to afterwards.
func (a *App) chooseWho(w http.ResponseWriter, r *http.Request) {
	next := r.FormValue("next")
	if next == "" {
		next = r.FormValue("return_to")
	}
	if _, ok := a.target(next); !ok {
		a.problem(w, http.StatusBadRequest, "This link leads out of the app.")
		return
	}
	a.render(w, http.StatusOK, "sign-in", signInPage{a, next})
}

func (a *App) signIn(w http.ResponseWriter, r *http.Request) {
	target, ok := a.target(r.PostFormValue("next"))
	if !ok {
		a.problem(w, http.StatusBadRequest, "This link leads out of the app.")
		return
	}
	for _, person := range a.People {
		if person.ID == r.PostFormValue("person") {
			id := rand.Text()
			a.mu.Lock()
			if a.sessions == nil {
				a.sessions = map[string]session{}
			}
			a.sessions[id] = session{person, clock(a.Now).Add(sessionLife)}
			a.mu.Unlock()
			setCookie(w, sessionCookie, id, sessionLife)
			a.setJWT(w, person)
			http.Redirect(w, r, target, http.StatusSeeOther)
			return
		}
	}
	a.problem(w, http.StatusBadRequest, "We do not know this person.")
}

func (a *App) signOut(w http.ResponseWriter, r *http.Request) {
	if cookie, err := r.Cookie(sessionCookie); err == nil {
		a.mu.Lock()
		delete(a.sessions, cookie.Value)
		a.mu.Unlock()
	}
	setCookie(w, sessionCookie, "", -1)
	if a.Provider != nil && a.Provider.Style.Cookie != "" {
		setCookie(w, a.Provider.Style.Cookie, "", -1)
	}
	http.Redirect(w, r, a.Prefix+"/", http.StatusSeeOther)
}

// setJWT puts a new JWT into the provider's cookie, where it has one. The provider's own script
// does so shortly before each one ends; here it happens at sign-in and when / is shown.
func (a *App) setJWT(w http.ResponseWriter, person Person) {
	if a.Provider != nil && a.Provider.Style.Cookie != "" {
		setCookie(w, a.Provider.Style.Cookie, a.Provider.Token(person.ID), sessionLife)
	}
}

// setCookie sets a cookie of the whole host, since igconnect reads the one with the JWT. A
// negative life removes it. SameSite=Lax sends it along when igconnect leads to /instagram/vouch.
func setCookie(w http.ResponseWriter, name, value string, life time.Duration) {
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: int(life / time.Second),
		HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// target turns next into where to go after signing in: a path of the app, its page / where next is
// empty, or igconnect's login. Any other address is refused.
func (a *App) target(next string) (address string, ok bool) {
	if next == "" {
		return a.Prefix + "/", true
	}
	if login := a.Igconnect + "/api/login"; next == login || strings.HasPrefix(next, login+"?") {
		return next, true
	}
	return next, strings.HasPrefix(next, a.Prefix+"/") && IsPath(next)
}

// IsPath reports whether an address is a path of the host that it is used on. What a browser would
// take for another host (//, /\, a backslash or a control character anywhere) is not.
func IsPath(address string) bool {
	_, err := url.Parse(address)
	unsafe := func(c rune) bool { return c == '\\' || c <= ' ' || c == 0x7f }
	return err == nil && strings.HasPrefix(address, "/") && !strings.HasPrefix(address, "//") && !strings.ContainsFunc(address, unsafe)
}
