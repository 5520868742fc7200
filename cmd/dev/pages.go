package main

import (
	"bytes"
	"cmp"
	"embed"
	"html/template"
	"io/fs"
	"net/http"

	"igconnect/internal/vercelsim"
)

//go:embed pages
var pageFiles embed.FS

var pageTemplates = template.Must(template.New("").Funcs(template.FuncMap{"nameOf": nameOf}).ParseFS(pageFiles, "pages/*.html"))

// pages serves /dev/: signing in, the app that is simulated, and what lies behind the system.
func (s *system) pages() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /dev/{$}", s.showOverview)
	if s.env.supabaseUsers() {
		mux.HandleFunc("GET /dev/sign-in", s.signIn)
		mux.HandleFunc("POST /dev/sign-in", s.signIn)
		mux.HandleFunc("POST /dev/sign-out", s.signOut)
	}
	if s.played != nil {
		mux.Handle(appPath+"/", s.played)
	}
	if s.played != nil && s.played.Provider != nil {
		mux.Handle(issuerPath+"/", s.played.Provider)
	}
	mux.HandleFunc("POST /dev/fault", s.injectFault)
	mux.HandleFunc("POST /dev/send", s.needSimulators(s.send))
	mux.HandleFunc("POST /dev/work", s.needSimulators(s.work))
	mux.HandleFunc("POST /dev/life", s.needSimulators(s.pressButton))
	files, _ := fs.Sub(pageFiles, "pages/assets") // the path is valid
	mux.Handle("GET /dev/assets/", http.StripPrefix("/dev/assets", &vercelsim.Deployment{Public: files}))
	return http.NewCrossOriginProtection().Handler(mux)
}

// render writes a page under the same policy as those of public/, but for the forms: what follows
// a sign-in may end at Meta's dialog, and a browser holds form-action against redirects too.
func (s *system) render(w http.ResponseWriter, status int, name string, data any) {
	var b bytes.Buffer
	if err := pageTemplates.ExecuteTemplate(&b, name, data); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	dialog := "https://*.facebook.com"
	if s.meta != nil {
		dialog = s.at.meta
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; "+
		"img-src 'self'; form-action 'self' "+dialog+"; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	w.Write(b.Bytes())
}

// overview is what /dev/ shows.
type overview struct {
	forms
	Visitor   visitor
	Users     []demoUser // whom one can be; none in a real project
	SignIn    bool       // at Supabase Auth, by a page of ours
	JWTCookie string     // the cookie that holds the app's JWT; "": none does
	SignOut   string     // where its form goes; "": nowhere here
	AppPath   string     // of the simulated app; "": none
	VouchURL  string     // where igconnect asks the app who is there; "": nowhere
	Allowing  []string   // people who allow the app at Facebook
	Connected []connection
	Trouble   string // why Connected is not known
	MetaURL   string // "": the real Meta
	Supabase  string // address of the real project
	Faults    []fault
	Inbox     *inbox // nil: it is a real project's
	Senders   []choice
	Kinds     []kind
	Ahead     string // how far Meta's clock was set forward; "": not at all
	Requests  []request

	ClockButtons, FacebookButtons, OperatorButtons []button
}

// forms are the last ones that were submitted, and what came of them.
type forms struct {
	Used     string // id of the part of *Make something happen* that was used last
	Form     messageForm
	Sent     *sent
	Worked   *worked
	Chosen   string // key of the owner chosen last
	Outcome  *outcome
	Injected string // label of the fault
}

// Open reports whether a part of *Make something happen* is open to begin with.
func (f forms) Open(part string) bool { return part == cmp.Or(f.Used, "messages") }

func (s *system) shown() forms {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.forms
}

func (s *system) show(change func(*forms)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.forms)
}

func (s *system) showOverview(w http.ResponseWriter, r *http.Request) {
	o := overview{
		Visitor: s.visitor(r), SignIn: s.env.supabaseUsers(), VouchURL: s.env["VOUCH_URL"], JWTCookie: s.env["JWT_COOKIE"],
		Allowing: s.allowing(), MetaURL: s.at.meta, Requests: s.lastRequests(),
		Faults: s.faults(), Senders: senders, Kinds: kinds, forms: s.shown(),
		ClockButtons: clockButtons, FacebookButtons: facebookButtons, OperatorButtons: operatorButtons,
	}
	switch {
	case s.played != nil:
		o.AppPath, o.SignOut = s.played.Prefix+"/", s.played.Prefix+"/sign-out"
	case o.SignIn:
		o.SignOut = "/dev/sign-out"
	}
	if o.SignIn && s.supabase != nil {
		o.Users = demoUsers
	}
	if s.meta != nil && s.meta.Jumped() > 0 {
		o.Ahead = plural(int(s.meta.Jumped()/day), "day")
	}
	if s.supabase == nil {
		o.Supabase = s.env.supabaseURL()
	} else {
		o.Inbox = s.inbox(r.Context())
		var err error
		if o.Connected, err = s.connections(r.Context()); err != nil {
			o.Trouble = err.Error()
		}
	}
	s.render(w, http.StatusOK, "overview.html", o)
}
