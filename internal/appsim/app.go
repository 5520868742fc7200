package appsim

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// App is the founder's app, an http.Handler: people sign in at /sign-in and out at /sign-out, its
// page / has the button that connects Instagram, /instagram/vouch signs tickets, and /token gives
// the app's front end a JWT. It has tickets where Secret is set, JWTs where Provider is, or both.
type App struct {
	// Igconnect is the origin of the deployment, the only address that a ticket is sent to and is
	// good for. It must be set.
	Igconnect string
	// Secret is the key of the tickets, VOUCH_SECRET. Empty: no tickets.
	Secret string
	// Provider issues the JWTs. Nil: no JWTs. It is served elsewhere.
	Provider *Provider
	// People are the app's users, to be chosen from at sign-in.
	People []Person
	// Server is where the app's server asks igconnect what its user has connected, for the page /:
	// an address of the deployment without a slash at the end. Empty: the page shows no accounts.
	Server string
	// Prefix is the path below which the app is served, such as "/dev/app". It ends in no slash.
	Prefix string
	// Now is the clock of sessions and tickets. Nil: time.Now.
	Now func() time.Time

	// VouchesForStrangers makes the mistake of signing a ticket, of the first of the People, where
	// nobody is signed in.
	VouchesForStrangers bool
	// OpenRedirect makes the mistake of sending the ticket, and whoever must sign in first, to an
	// address out of the query: of the first of redirectNames that is there.
	OpenRedirect bool

	mu       sync.Mutex
	sessions map[string]session
	tickets  []string
}

// Person is a user of the app.
type Person struct {
	ID   string // the app's own id for its user
	Name string // what a ticket calls the user
}

// Demo are three people for the dev server. The last one's id is as Auth0 makes them, with a
// character that must be escaped in many places.
func Demo() []Person {
	return []Person{
		{ID: "user_ada", Name: "Ada"}, {ID: "user_ben", Name: "Ben"}, {ID: "auth0|cleo/1", Name: "Cleo"},
	}
}

// redirectNames are names of parameters that often hold an address to return to.
var redirectNames = []string{"return_to", "redirect_uri", "redirect", "next", "url"}

// routes stand below App.Prefix.
var routes = map[string]func(*App, http.ResponseWriter, *http.Request){
	"GET /":                (*App).home,
	"GET /sign-in":         (*App).chooseWho,
	"POST /sign-in":        (*App).signIn,
	"POST /sign-out":       (*App).signOut,
	"GET /instagram/vouch": (*App).vouch,
	"GET /token":           (*App).token,
}

// Settings returns the variables that the founder sets for this app, which is served at an address
// that includes Prefix.
func (a *App) Settings(url string) map[string]string {
	settings := map[string]string{}
	if a.Provider != nil {
		settings = a.Provider.Settings()
	}
	if a.Secret != "" {
		settings["VOUCH_URL"], settings["VOUCH_SECRET"] = url+"/instagram/vouch", a.Secret
	}
	return settings
}

// ServeHTTP answers everything below Prefix. POSTs that another site made are refused.
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, below := strings.CutPrefix(r.URL.Path, a.Prefix)
	handle := routes[r.Method+" "+path]
	w.Header().Set("Cache-Control", "no-store")
	switch {
	case !below || handle == nil:
		a.problem(w, http.StatusNotFound, "There is no such page.")
	case http.NewCrossOriginProtection().Check(r) != nil:
		a.problem(w, http.StatusForbidden, "Please use the form on our own page.")
	default:
		handle(a, w, r)
	}
}

//go:embed pages.html
var pagesHTML string

var pages = template.Must(template.New("pages").Parse(pagesHTML))

// homePage is what / shows.
type homePage struct {
	*App
	Person    Person // the zero value: nobody is signed in
	Connected string // ids of accounts that were just connected
	Failed    string // the code of an error that igconnect came back with
	Accounts  []account
	Trouble   string // why the accounts are not known
	Link      string // address that begins to connect; "": there is no link
	Form      string // address to post the JWT to; "": there is no form
	Token     string
}

func (a *App) home(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	shown := homePage{App: a, Connected: query.Get("connected"), Failed: query.Get("error")}
	person, signedIn := a.SignedIn(r)
	login := a.Igconnect + "/api/login?" + url.Values{"return_to": {origin(r) + a.Prefix + "/"}}.Encode()
	if signedIn {
		shown.Person = person
		a.setJWT(w, person)
		if a.Server != "" {
			var err error
			if shown.Accounts, err = a.accounts(r.Context(), person); err != nil {
				shown.Trouble = err.Error()
			}
		}
	}
	if a.Secret != "" || a.Provider != nil && a.Provider.Style.Cookie != "" {
		shown.Link = login
	} else if a.Provider != nil && signedIn {
		shown.Form, shown.Token = login, a.Provider.Token(person.ID)
	}
	a.render(w, http.StatusOK, "home", shown)
}

// token answers the JWT of who is signed in, as a provider's script has it at hand.
func (a *App) token(w http.ResponseWriter, r *http.Request) {
	if a.Provider == nil {
		a.problem(w, http.StatusNotFound, "This app has no tokens.")
		return
	}
	person, signedIn := a.SignedIn(r)
	answer, status := map[string]string{"error": "signed out"}, http.StatusUnauthorized
	if signedIn {
		answer, status = map[string]string{"token": a.Provider.Token(person.ID)}, http.StatusOK
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(answer) // a caller who has left needs no answer
}

func (a *App) problem(w http.ResponseWriter, status int, text string) {
	a.render(w, status, "problem", struct {
		*App
		Text string
	}{a, text})
}

func (a *App) render(w http.ResponseWriter, status int, name string, data any) {
	var page bytes.Buffer
	must(pages.ExecuteTemplate(&page, name, data))
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(page.Bytes())
}

// origin is the one under which the app was asked.
func origin(r *http.Request) string {
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
