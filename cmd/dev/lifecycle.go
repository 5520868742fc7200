package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"igconnect/internal/metasim"
)

// later is a button that lets days pass.
func later(days int, consequence string) button {
	label := plural(days, "day") + " later"
	return button{fmt.Sprintf("days-%d", days), label, false,
		func(s *system, ctx context.Context, _ owner) (outcome, error) {
			text := "It is " + label + ". " + consequence + ": run /api/renew."
			return outcome{Text: text}, s.letPass(ctx, days)
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
	person, _ := personOf(o.Person)
	if !hasPage(person, o.Page) || slices.ContainsFunc(s.lostRoles, o.hasRoleOf) {
		return outcome{}, errors.New(o.Name + " has no role on the Page to lose")
	}
	s.meta.LoseRole(o.Person, o.Page)
	s.lostRoles = append(s.lostRoles, o)
	return outcome{Text: o.Name + " lost the role on the Page of @" + o.Username + "." + thenRenew}, nil
}

func regainRole(s *system, _ context.Context, o owner) (outcome, error) {
	person, _ := personOf(o.Person)
	s.meta.AddPerson(person)
	s.lostRoles = slices.DeleteFunc(s.lostRoles, func(lost owner) bool { return lost.Person == o.Person })
	return outcome{Text: o.Name + " has every role again. A connection that stopped meanwhile stays so: reconnect it on the landing page."}, nil
}

func deauthorize(s *system, ctx context.Context, o owner) (outcome, error) {
	s.meta.RemoveApp(o.Person)
	result, _, err := s.asMeta(ctx, "/api/deauthorize", o, o.Name+" removed the app at Facebook, and /api/deauthorize",
		"Look at the landing page; in what is saved below, the keys are gone.")
	return result, err
}

func askDeletion(s *system, ctx context.Context, o owner) (outcome, error) {
	s.meta.RemoveApp(o.Person)
	result, body, err := s.asMeta(ctx, "/api/deletion", o, o.Name+" asked Meta to have the data deleted, and /api/deletion",
		"Look at the status page, and at what is saved below: nothing of this person.")
	var answer struct{ URL string }
	if json.Unmarshal(body, &answer) == nil {
		result.Link = answer.URL
	}
	return result, err
}

func renew(s *system, ctx context.Context, _ owner) (outcome, error) {
	result, body, err := s.asOperator(ctx, "/api/renew", "/api/renew", "Look at the landing page, and at what is saved below.")
	var run struct{ Checked, Failed, Remaining int }
	if json.Unmarshal(body, &run) == nil && !result.Trouble && run.Checked+run.Failed+run.Remaining == 0 {
		result.Text = "/api/renew found nothing that is due: each connection is checked 20 hours after the last time, and one that stopped waits for its person. Go 1 day later, then run it again."
	}
	return result, err
}

func showHealth(s *system, ctx context.Context, _ owner) (outcome, error) {
	result, _, err := s.asOperator(ctx, "/api/health", "/api/health, asked by the operator,",
		"To everybody else it tells only whether the settings are complete.")
	return result, err
}

// asOperator fetches a path of ours with the secret of the cron job.
func (s *system) asOperator(ctx context.Context, path, who, look string) (outcome, []byte, error) {
	header := map[string]string{"Authorization": "Bearer " + s.env["CRON_SECRET"]}
	status, body, err := ask(ctx, http.MethodGet, s.url+path, header, "")
	return answered(status, body, who, look), body, err
}

// asMeta posts to a path of ours what Meta posts about a person.
func (s *system) asMeta(ctx context.Context, path string, o owner, who, look string) (outcome, []byte, error) {
	form := url.Values{"signed_request": {s.signedToday(o.Person)}}
	header := map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
	status, body, err := ask(ctx, http.MethodPost, s.url+path, header, form.Encode())
	return answered(status, body, who, look), body, err
}

// answered tells what a function said, and what to look at if that was well.
func answered(status int, body []byte, who, look string) outcome {
	o := outcome{Trouble: status != http.StatusOK, JSON: indented(body)}
	if o.Trouble {
		look = "Look at its answer, and at the log of this server."
	}
	o.Text = fmt.Sprintf("%s answered %d. %s", who, status, look)
	return o
}

// indented is JSON to read; what is none stays as it is.
func indented(body []byte) string {
	var b bytes.Buffer
	if json.Indent(&b, body, "", "  ") != nil {
		return string(body)
	}
	return b.String()
}

// owner is a connected account and the Facebook person whose token it lives by.
type owner struct {
	Key      string // for the form
	Username string
	Person   string // id
	Name     string // of the person
	Page     string // id
}

func (o owner) hasRoleOf(other owner) bool { return o.Person == other.Person && o.Page == other.Page }

// Owners lists who connected what, each once. Rows of nobody whom the simulated Meta knows are
// left out.
func (o overview) Owners() []owner {
	var all []owner
	for _, row := range o.Connected {
		person, known := personOf(row.Show("facebook_user_id"))
		one := owner{
			Key:      row.Show("instagram_id") + "/" + person.ID,
			Username: row.Show("username"), Person: person.ID, Name: person.Name, Page: row.Show("page_id"),
		}
		if known && !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	return all
}

func personOf(id string) (metasim.Person, bool) {
	return find(metasim.Demo(), func(p metasim.Person) bool { return p.ID == id })
}

// hasPage reports whether the person has a role on the Page, or did before it was lost here.
func hasPage(p metasim.Person, id string) bool {
	is := func(page metasim.Page) bool { return page.ID == id }
	return slices.ContainsFunc(p.Pages, is) || slices.ContainsFunc(p.Businesses, func(b metasim.Business) bool {
		return slices.ContainsFunc(b.Owned, is) || slices.ContainsFunc(b.Client, is)
	})
}
