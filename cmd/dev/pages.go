package main

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"slices"
	"strings"

	"igconnect/internal/vercelsim"
)

//go:embed pages
var pageFiles embed.FS

var pageTemplates = template.Must(template.New("").Funcs(template.FuncMap{"nameOf": nameOf}).ParseFS(pageFiles, "pages/*.html"))

// pages serves /dev/: signing in, and what lies behind the system.
func (s *system) pages() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /dev/{$}", s.showOverview)
	mux.HandleFunc("GET /dev/sign-in", s.signIn)
	mux.HandleFunc("POST /dev/sign-in", s.signIn)
	mux.HandleFunc("POST /dev/sign-out", s.signOut)
	mux.HandleFunc("POST /dev/fault", s.injectFault)
	mux.HandleFunc("GET /dev/inbox", s.showInbox)
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
		dialog = s.metaURL
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
	Email     string // who is signed in
	Connected []connection
	Trouble   string // why Connected is not known
	MetaURL   string // "": the real Meta
	Supabase  string // address of the real project
	Faults    []fault
	Injected  string // label of the fault just injected
	Inbox     *inbox // nil: it is a real project's
	Senders   []choice
	Kinds     []kind
	Ahead     string // how far Meta's clock was set forward; "": not at all

	ClockButtons, FacebookButtons, OperatorButtons []button
}

// forms are the last ones that were submitted, and what came of them.
type forms struct {
	Form    messageForm
	Sent    *sent
	Worked  *worked
	Chosen  string // key of the owner chosen last
	Outcome *outcome
}

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
	injected, _ := s.fault(r.URL.Query().Get("injected"))
	o := overview{
		Email: signedInAs(r, s.env.cookieName()), MetaURL: s.metaURL,
		Faults: s.faults(), Injected: injected.Label, Senders: senders, Kinds: kinds, forms: s.shown(),
		ClockButtons: clockButtons, FacebookButtons: facebookButtons, OperatorButtons: operatorButtons,
	}
	if days := int(s.clock.ahead.Load()); days > 0 {
		o.Ahead = plural(days, "day")
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

// connections reads user_configs beside everything that guards it, and with each secret's id the
// beginning of what Vault keeps under it.
func (s *system) connections(ctx context.Context) (all []connection, err error) {
	rows, err := s.supabase.SQL(ctx, `
		select u.*, t.secret as token_sealed, p.secret as page_token_sealed, (
			select string_agg(column_name::text, ' ' order by ordinal_position) from information_schema.columns
			where table_schema = 'public' and table_name = 'user_configs') as columns
		from public.user_configs u
		left join vault.secrets t on t.id = u.token_secret_id
		left join vault.secrets p on p.id = u.page_token_secret_id
		order by u.connected_at desc`)
	for _, row := range rows {
		all = append(all, row)
	}
	return all, err
}

// Accounts names each account that can be written to once, however many users connected it.
func (o overview) Accounts() []choice {
	var all []choice
	for _, row := range o.Connected {
		a := choice{row.Show("instagram_id"), "@" + row.Show("username")}
		if !slices.Contains(all, a) {
			all = append(all, a)
		}
	}
	return all
}

// connection is a row of user_configs as the database holds it.
type connection map[string]any

// Columns are the names of the table's columns, in its order.
func (c connection) Columns() []string { return strings.Fields(c.Show("columns")) }

// Show returns a column as text.
func (c connection) Show(column string) string {
	text := "null"
	switch v := c[column].(type) {
	case nil:
	case []any:
		text = strings.Trim(fmt.Sprint(v), "[]")
	default:
		text = fmt.Sprint(v)
	}
	secret, isID := strings.CutSuffix(column, "_secret_id")
	if sealed, ok := c[secret+"_sealed"].(string); ok && isID {
		text += fmt.Sprintf(", where Vault keeps %.40s…", sealed) // the beginning of a ciphertext
	}
	return text
}

// State is the status and, where there is one, the reason.
func (c connection) State() string {
	if reason, ok := c["status_reason"].(string); ok {
		return c.Show("status") + ": " + reason
	}
	return c.Show("status")
}

// Class is how the state looks: good or warn.
func (c connection) Class() string {
	if c["status"] == "active" {
		return "good"
	}
	return "warn"
}
