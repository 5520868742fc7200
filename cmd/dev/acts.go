package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"igconnect/internal/metasim"
)

// leaps move the clock.
var leaps = []act{
	leapOf(1, "Every connection is due to be checked again"),
	leapOf(50, "A token of 60 days made before has 10 days left, so /api/renew exchanges it"),
	leapOf(60, "A token made before has run out, if nobody renewed it on the way"),
	leapOf(100, "Tokens made before have run out, and so has the consent, which lasts 90 days"),
}

func leapOf(days int, consequence string) act {
	label := plural(days, "day") + " later"
	return act{Name: fmt.Sprintf("leap-%d", days), Label: label, do: func(s *system, ctx context.Context, _ owner) (came, error) {
		return came{Text: "It is " + label + ". " + consequence + ": run /api/renew."}, s.leap(ctx, days)
	}}
}

// thenRenew says how the functions learn of what Meta does not call about.
const thenRenew = " Nobody tells the app: go 1 day later and run /api/renew, then look at the landing page."

// fates are what people do at Facebook, and what Meta then calls.
var fates = []act{
	{Name: "password", Label: "Change the password", about: true, do: changePassword},
	{Name: "remove", Label: "Remove the app", about: true, do: removeApp},
	{Name: "lose-role", Label: "Lose the role on the Page", about: true, do: loseRole},
	{Name: "regain-role", Label: "Get the role back", about: true, do: regainRole},
	{Name: "deauthorize", Label: "Meta calls /api/deauthorize", about: true, do: deauthorize},
	{Name: "deletion", Label: "Meta calls /api/deletion", about: true, do: askDeletion},
}

func changePassword(s *system, _ context.Context, o owner) (came, error) {
	s.meta.ChangePassword(o.Person)
	return came{Text: o.Name + " changed the Facebook password, which ended all tokens." + thenRenew}, nil
}

func removeApp(s *system, _ context.Context, o owner) (came, error) {
	s.meta.RemoveApp(o.Person)
	return came{Text: o.Name + " removed the app at Facebook, and Meta's call was lost." + thenRenew}, nil
}

func loseRole(s *system, _ context.Context, o owner) (came, error) {
	person, _ := personOf(o.Person)
	if !hasPage(person, o.Page) || slices.ContainsFunc(s.life.lost, o.sameRole) {
		return came{}, errors.New(o.Name + " has no role on the Page to lose")
	}
	s.meta.LoseRole(o.Person, o.Page)
	s.life.lost = append(s.life.lost, o)
	return came{Text: o.Name + " lost the role on the Page of @" + o.Username + "." + thenRenew}, nil
}

func (o owner) sameRole(other owner) bool { return o.Person == other.Person && o.Page == other.Page }

func regainRole(s *system, _ context.Context, o owner) (came, error) {
	person, _ := personOf(o.Person)
	s.meta.AddPerson(person)
	s.life.lost = slices.DeleteFunc(s.life.lost, func(other owner) bool { return other.Person == o.Person })
	return came{Text: o.Name + " has every role again. A connection that stopped meanwhile stays so: reconnect it on the landing page."}, nil
}

func deauthorize(s *system, ctx context.Context, o owner) (came, error) {
	s.meta.RemoveApp(o.Person)
	status, body, err := s.asMeta(ctx, "/api/deauthorize", o.Person)
	if err != nil {
		return came{}, err
	}
	return answered(status, body, o.Name+" removed the app at Facebook, and /api/deauthorize", "Look at the landing page; in what is saved below, the keys are gone."), nil
}

func askDeletion(s *system, ctx context.Context, o owner) (came, error) {
	s.meta.RemoveApp(o.Person)
	status, body, err := s.asMeta(ctx, "/api/deletion", o.Person)
	if err != nil {
		return came{}, err
	}
	result := answered(status, body, o.Name+" asked Meta to have the data deleted, and /api/deletion", "Look at the status page, and at what is saved below: nothing of this person.")
	var answer struct{ URL string }
	if json.Unmarshal(body, &answer) == nil {
		result.Link = answer.URL
	}
	return result, nil
}

// calls are those of the operator.
var calls = []act{
	{Name: "renew", Label: "Run /api/renew now", do: renew},
	{Name: "health", Label: "Show /api/health", do: showHealth},
}

func renew(s *system, ctx context.Context, _ owner) (came, error) {
	status, body, err := s.asOperator(ctx, "/api/renew")
	if err != nil {
		return came{}, err
	}
	result := answered(status, body, "/api/renew", "Look at the landing page, and at what is saved below.")
	var run struct{ Checked, Failed, Remaining int }
	if json.Unmarshal(body, &run) == nil && !result.Trouble && run.Checked+run.Failed+run.Remaining == 0 {
		result.Text = "/api/renew found nothing that is due: each connection is checked 20 hours after the last time, and one that stopped waits for its person. Go 1 day later, then run it again."
	}
	return result, nil
}

func showHealth(s *system, ctx context.Context, _ owner) (came, error) {
	status, body, err := s.asOperator(ctx, "/api/health")
	if err != nil {
		return came{}, err
	}
	return answered(status, body, "/api/health, asked by the operator,", "To everybody else it tells only whether the settings are complete."), nil
}

// answered tells what a function said, and what to look at if that was well.
func answered(status int, body []byte, who, look string) came {
	c := came{Trouble: status != http.StatusOK, JSON: indented(body)}
	if c.Trouble {
		look = "Look at its answer, and at the log of this server."
	}
	c.Text = fmt.Sprintf("%s answered %d. %s", who, status, look)
	return c
}

// indented is JSON to read; what is none stays as it is.
func indented(body []byte) string {
	var b bytes.Buffer
	if json.Indent(&b, body, "", "  ") != nil {
		return string(body)
	}
	return b.String()
}

// webhookAt is the app's webhook as it would be set up at Meta.
func webhookAt(origin string) metasim.AppSubscription {
	return metasim.AppSubscription{Object: "instagram", CallbackURL: origin + "/api/webhook", Fields: []string{
		"messages", "messaging_postbacks", "message_reactions", "messaging_referrals", "message_edits", "standby",
	}}
}
