package main

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"slices"
	"strings"

	"igconnect/examples/worker-go/worker"
	"igconnect/internal/metasim"
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
		Email: signedInAs(r, s.env.cookieName()), MetaURL: s.at.meta,
		Faults: s.faults(), Injected: injected.Label, Senders: senders, Kinds: kinds, forms: s.shown(),
		ClockButtons: clockButtons, FacebookButtons: facebookButtons, OperatorButtons: operatorButtons,
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

// inbox is what /dev/ shows of instagram_events, and what became of it.
type inbox struct {
	Events  []event         // the newest first
	Trouble string          // why Events is not known
	Replies []metasim.Reply // the newest first; the page shows no token
	Worked  *worked
}

// event is a row of instagram_events, for a person to read.
type event struct {
	Kind, Conversation, Text string
	Owner                    string // e-mail address of the user whose connection received it
	State                    string
	Attempts                 int
	LastError                string `json:"last_error"`
}

// worked is what a worker did with one claim.
type worked struct {
	worker.Result
	Trouble string // what stopped it
}

// maxShown is how many events and replies are shown.
const maxShown = 50

// showInbox answers a part of the page: its script puts it in place.
func (s *system) showInbox(w http.ResponseWriter, r *http.Request) {
	if s.supabase == nil {
		http.NotFound(w, r)
		return
	}
	s.render(w, http.StatusOK, "inbox", s.inbox(r.Context()))
}

func (s *system) inbox(ctx context.Context) *inbox {
	in := &inbox{Worked: s.shown().Worked}
	var err error
	if in.Events, err = s.events(ctx); err != nil {
		in.Trouble = err.Error()
	}
	if s.meta != nil {
		in.Replies = s.meta.Replies()
		slices.Reverse(in.Replies)
		in.Replies = in.Replies[:min(len(in.Replies), maxShown)]
	}
	return in
}

// events reads the inbox beside everything that guards it.
func (s *system) events(ctx context.Context) (events []event, err error) {
	rows, err := s.supabase.SQL(ctx, `
		select e.kind, e.conversation, u.email as owner, e.attempts, e.last_error,
			coalesce(
				e.payload #>> '{message,text}', e.payload #>> '{message_edit,text}', e.payload #>> '{postback,title}',
				e.payload #>> '{value,text}', e.payload #>> '{reaction,emoji}', '') as text,
			case
				when e.finished_at is not null then 'finished'
				when e.dead_at is not null then 'dead'
				when e.id = any (v.claimed) and v.due_at > now() then 'with a worker'
				when c.status = 'reconnect' then 'waiting for the account to be connected again'
				when e.next_try_at > now() then 'waiting for another try in ' || ceil(extract(epoch from e.next_try_at - now())) || ' s'
				else 'waiting'
			end as state
		from public.instagram_events e
		join public.user_configs c on c.connection_id = e.connection_id
		left join auth.users u on u.id = c.auth_user_id
		left join public.instagram_conversations v on v.connection_id = e.connection_id and v.conversation = e.conversation
		order by e.occurred_at desc, e.place desc
		limit $1`, maxShown)
	if err != nil {
		return nil, err
	}
	encoded, _ := json.Marshal(rows) // which were JSON before
	err = json.Unmarshal(encoded, &events)
	return events, err
}

// Class is how the state looks: good, as it should be for now, or warn.
func (e event) Class() string {
	switch e.State {
	case "finished", "with a worker":
		return "good"
	case "waiting":
		return ""
	}
	return "warn"
}

// nameOf names a sender of ours, by the id or the conversation; anybody else keeps the id.
func nameOf(person string) string {
	person = person[strings.Index(person, "/")+1:]
	if known, ok := find(senders, func(s choice) bool { return s.ID == person }); ok {
		return known.Name
	}
	return person
}

// work lets the worker of examples/ work once.
func (s *system) work(w http.ResponseWriter, r *http.Request) {
	result := &worked{}
	answering, err := s.worker()
	if err == nil {
		result.Result, err = answering.Work(r.Context())
	}
	if err != nil {
		result.Trouble = sentence(err)
	}
	s.show(func(f *forms) { f.Worked = result })
	http.Redirect(w, r, "/dev/#inbox-title", http.StatusSeeOther)
}

// worker is the one of examples/, with the settings of the functions. What it leaves open comes
// again after a minute.
func (s *system) worker() (*worker.Worker, error) {
	w, err := worker.New(s.env.get)
	if err == nil {
		w.Batch, w.Lease = maxShown, "1 minute"
	}
	return w, err
}
