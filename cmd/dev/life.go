package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"igconnect/internal/metasim"
)

// outcome is what came of a button: one line, and what to look at.
type outcome struct {
	Text    string
	Trouble bool
	Link    string // of a page to look at; "": none
	JSON    string // what a function answered; "": nothing to show
}

// button is one of the page. Those about a connection get its owner, the others a zero one.
type button struct {
	Name, Label     string
	aboutConnection bool
	press           func(*system, context.Context, owner) (outcome, error)
}

// The buttons of the page, in its order.
var (
	clockButtons = []button{
		later(1, "Every connection is due to be checked again"),
		later(50, "A token of 60 days made before has 10 days left, so /api/renew exchanges it"),
		later(60, "A token made before has run out, if nobody renewed it on the way"),
		later(100, "Tokens made before have run out, and so has the consent, which lasts 90 days"),
	}
	facebookButtons = []button{ // what people do at Facebook, and what Meta then calls
		{"password", "Change the password", true, done((*metasim.Sim).ChangePassword, " changed the Facebook password, which ended all tokens.")},
		{"remove", "Remove the app", true, done((*metasim.Sim).RemoveApp, " removed the app at Facebook, and Meta's call was lost.")},
		{"lose-role", "Lose the role on the Page", true, loseRole},
		{"regain-role", "Get the role back", true, regainRole},
		{"deauthorize", "Meta calls /api/deauthorize", true, deauthorize},
		{"deletion", "Meta calls /api/deletion", true, askDeletion},
	}
	operatorButtons = []button{
		{"renew", "Run /api/renew now", false, renew},
		{"health", "Show /api/health", false, showHealth},
	}
)

func buttonNamed(name string) (button, bool) {
	all := slices.Concat(clockButtons, facebookButtons, operatorButtons)
	return find(all, func(b button) bool { return b.Name == name })
}

// find returns the first element that fits, and reports whether there is one.
func find[T any](all []T, fits func(T) bool) (found T, ok bool) {
	if i := slices.IndexFunc(all, fits); i >= 0 {
		return all[i], true
	}
	return found, false
}

func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// pressButton answers the form of a button.
func (s *system) pressButton(w http.ResponseWriter, r *http.Request) {
	b, ok := buttonNamed(r.PostFormValue("name"))
	if !ok {
		http.Error(w, "There is no such button.", http.StatusBadRequest)
		return
	}
	chosen := r.PostFormValue("owner")
	result, err := s.press(r.Context(), b, chosen)
	if err != nil {
		result = outcome{Text: sentence(err), Trouble: true}
	}
	part := "time"
	s.show(func(f *forms) {
		if b.aboutConnection {
			part, f.Chosen = "facebook", chosen
		}
		f.Used, f.Outcome = part, &result
	})
	http.Redirect(w, r, "/dev/#"+part, http.StatusSeeOther)
}

func (s *system) press(ctx context.Context, b button, chosen string) (outcome, error) {
	s.serving.Lock()
	defer s.serving.Unlock()
	rows, err := s.connections(ctx)
	if err != nil {
		return outcome{}, err
	}
	about, ok := find(overview{Connected: rows}.Owners(), func(one owner) bool { return one.Key == chosen })
	if b.aboutConnection && !ok {
		return outcome{}, errors.New("choose an account that is connected")
	}
	return b.press(s, ctx, about)
}

// later is a button that lets days pass.
func later(days int, consequence string) button {
	label := plural(days, "day") + " later"
	return button{fmt.Sprintf("days-%d", days), label, false, func(s *system, ctx context.Context, _ owner) (outcome, error) {
		return outcome{Text: "It is " + label + ". " + consequence + ": run /api/renew."}, s.letPass(ctx, days)
	}}
}

// thenRenew says how the functions learn of what Meta does not call about.
const thenRenew = " Nobody tells the app: go 1 day later and run /api/renew, then look at the landing page."

// done is what a button does that tells the simulated Meta about a person, and nobody else.
func done(tell func(*metasim.Sim, string), what string) func(*system, context.Context, owner) (outcome, error) {
	return func(s *system, _ context.Context, o owner) (outcome, error) {
		tell(s.meta, o.Person)
		return outcome{Text: o.Name + what + thenRenew}, nil
	}
}

func loseRole(s *system, _ context.Context, o owner) (outcome, error) {
	if !s.meta.HasRole(o.Person, o.Page) {
		return outcome{}, errors.New(o.Name + " has no role on the Page to lose")
	}
	s.meta.LoseRole(o.Person, o.Page)
	return outcome{Text: o.Name + " lost the role on the Page of @" + o.Username + "." + thenRenew}, nil
}

func regainRole(s *system, _ context.Context, o owner) (outcome, error) {
	person, _ := personOf(o.Person)
	s.meta.AddPerson(person)
	return outcome{Text: o.Name + " has every role again. A connection that stopped meanwhile stays so: reconnect it on the landing page."}, nil
}

func deauthorize(s *system, ctx context.Context, o owner) (outcome, error) {
	return s.asMeta(ctx, "/api/deauthorize", o, " removed the app at Facebook", "Look at the landing page; in what is connected, the keys are gone.")
}

func askDeletion(s *system, ctx context.Context, o owner) (outcome, error) {
	result, err := s.asMeta(ctx, "/api/deletion", o, " asked Meta to have the data deleted",
		"Look at the status page, and at what is connected: nothing of this person.")
	var answer struct{ URL string }
	if json.Unmarshal([]byte(result.JSON), &answer) == nil {
		result.Link = answer.URL
	}
	return result, err
}

func renew(s *system, ctx context.Context, _ owner) (outcome, error) {
	result, err := s.asOperator(ctx, "/api/renew", "", "Look at the landing page, and at what is connected.")
	var run struct{ Checked, Failed, Remaining int }
	if json.Unmarshal([]byte(result.JSON), &run) == nil && !result.Trouble && run.Checked+run.Failed+run.Remaining == 0 {
		result.Text = "/api/renew found nothing that is due: each connection is checked 20 hours after the last time, and one that stopped waits for its person. Go 1 day later, then run it again."
	}
	return result, err
}

func showHealth(s *system, ctx context.Context, _ owner) (outcome, error) {
	return s.asOperator(ctx, "/api/health", ", asked by the operator,", "To everybody else it tells only whether the settings are complete.")
}

// asOperator fetches a path of ours with the secret of the cron job.
func (s *system) asOperator(ctx context.Context, path, how, look string) (outcome, error) {
	header := map[string]string{"Authorization": "Bearer " + s.env["CRON_SECRET"]}
	return s.call(ctx, http.MethodGet, path, header, "", path+how, look)
}

// asMeta posts to a path of ours what Meta posts about a person who removed the app, dated by the
// clock of the functions: they refuse what was signed on another day.
func (s *system) asMeta(ctx context.Context, path string, o owner, what, look string) (outcome, error) {
	s.meta.RemoveApp(o.Person)
	form := url.Values{"signed_request": {s.meta.SignedRequest(o.Person, metasim.Signing{IssuedAt: time.Now()})}}
	header := map[string]string{"Content-Type": formType}
	return s.call(ctx, http.MethodPost, path, header, form.Encode(), o.Name+what+", and "+path, look)
}

// call asks a function, and tells what it said and what to look at if that was well.
func (s *system) call(ctx context.Context, method, path string, header map[string]string, body, who, look string) (outcome, error) {
	res, answer, err := ask(ctx, http.DefaultClient, method, s.at.main+path, header, body)
	if err != nil {
		return outcome{}, err
	}
	o := outcome{Trouble: res.StatusCode != http.StatusOK, JSON: string(answer)}
	var indented bytes.Buffer
	if json.Indent(&indented, answer, "", "  ") == nil {
		o.JSON = indented.String()
	}
	if o.Trouble {
		look = "Look at its answer, and at the log of this server."
	}
	o.Text = fmt.Sprintf("%s answered %d. %s", who, res.StatusCode, look)
	return o, nil
}

// owner is a connected account and the Facebook person whose token it lives by.
type owner struct {
	Key      string // for the form
	Username string
	Person   string // id
	Name     string // of the person
	Page     string // id
}

// Owners lists who connected what, each once. Rows of nobody whom the simulated Meta knows are
// left out.
func (o overview) Owners() []owner {
	var all []owner
	for _, row := range o.Connected {
		person, known := personOf(row.Show("facebook_user_id"))
		one := owner{row.Show("instagram_id") + "/" + person.ID, row.Show("username"), person.ID, person.Name, row.Show("page_id")}
		if known && !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	return all
}

func personOf(id string) (metasim.Person, bool) {
	return find(metasim.Demo(), func(p metasim.Person) bool { return p.ID == id })
}

// clockProxy stands in front of the simulated Meta, whose clock can be set forward, and dates its
// answers by the clock of the functions and of the database, which can't: 50 days later, a token
// that was made before reads as one made 50 days ago.
type clockProxy struct {
	meta  http.Handler
	ahead func() time.Duration // by which Meta's clock was set forward
}

const day = 24 * time.Hour

func (p *clockProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	by := p.ahead()
	if by == 0 {
		p.meta.ServeHTTP(w, r)
		return
	}
	recorder := httptest.NewRecorder()
	p.meta.ServeHTTP(recorder, r)
	header, body := w.Header(), recorder.Body.Bytes()
	maps.Copy(header, recorder.Header())
	if at, err := http.ParseTime(header.Get("Date")); err == nil {
		header.Set("Date", at.Add(-by).Format(http.TimeFormat))
	}
	if strings.HasSuffix(r.URL.Path, "/debug_token") {
		header.Del("Content-Length")
		body = tokenDate.ReplaceAllFunc(body, func(found []byte) []byte {
			parts := tokenDate.FindSubmatch(found)
			seconds, _ := strconv.ParseInt(string(parts[2]), 10, 64)
			return fmt.Appendf(nil, "%s%d", parts[1], seconds-int64(by/time.Second))
		})
	}
	w.WriteHeader(recorder.Code)
	_, _ = w.Write(body) // nobody is left to tell
}

// tokenDate is one of debug_token's, in seconds. Zero is no date: it never ends.
var tokenDate = regexp.MustCompile(`("(?:issued_at|expires_at|data_access_expires_at)":)([1-9][0-9]*)`)

// letPass lets days pass: Meta's clock is set forward, and the dates of all connections are set
// back by as much.
func (s *system) letPass(ctx context.Context, days int) error {
	_, err := s.supabase.SQL(ctx, `
		update public.user_configs set
			connected_at = connected_at - make_interval(days => $1),
			checked_at = checked_at - make_interval(days => $1),
			token_expires_at = token_expires_at - make_interval(days => $1),
			data_access_expires_at = data_access_expires_at - make_interval(days => $1)`, days)
	if err != nil {
		return fmt.Errorf("moving the dates of user_configs: %w", err)
	}
	s.meta.Jump(time.Duration(days) * day)
	return nil
}
