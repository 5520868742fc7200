package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"igconnect/internal/metasim"
)

// checkRow reads the row as the database holds it.
func (w *walk) checkRow(ctx context.Context) error {
	var o overview
	if err := w.connections(ctx, &o); err != nil {
		return fmt.Errorf("reading the row: %w", err)
	}
	if len(o.Connected) != 1 {
		return fmt.Errorf("reading the row: there are %d of them", len(o.Connected))
	}
	row := o.Connected[0]
	w.report("the row in user_configs:")
	for _, column := range o.Columns {
		fmt.Printf("%12s%-24s %s\n", "", column, row.Show(column))
	}
	switch {
	case row["instagram_id"] != w.instagramID:
		return fmt.Errorf("the row is of another account than %s", w.instagramID)
	case row["token"] != nil || row["page_token"] != nil:
		return errors.New("the row holds a token in clear")
	case row["token_sealed"] == nil || row["page_token_sealed"] == nil:
		return errors.New("the row has no sealed token")
	}
	return nil
}

// checkLookUp asks for the token with each key there is: get_instagram_token gives it to
// service_role and to nobody else.
func (w *walk) checkLookUp(ctx context.Context) error {
	user, err := w.supabase.SignIn(ctx, demoUsers[0].Email, demoPassword)
	if err != nil {
		return err
	}
	for _, as := range []struct {
		role, key, bearer string
		allowed           bool
	}{
		{"service_role", w.supabase.ServiceKey, "", true},
		{"anon", w.supabase.AnonKey, "", false},
		{"authenticated", w.supabase.AnonKey, user.AccessToken, false},
	} {
		status, body, err := project{w.env.supabaseURL(), as.key, as.bearer}.post(ctx,
			"/rest/v1/rpc/get_instagram_token", map[string]string{"p_instagram_id": w.instagramID})
		var rows []struct{ Token string }
		_ = json.Unmarshal(body, &rows) // a refusal has none
		switch {
		case err != nil:
			return fmt.Errorf("looking the token up as %s: %w", as.role, err)
		case as.allowed && (status != http.StatusOK || len(rows) != 1 || !slices.Contains(w.meta.Secrets(), rows[0].Token)):
			return fmt.Errorf("get_instagram_token answered %s with %d and not with the token that Meta issued", as.role, status)
		case !as.allowed && status != http.StatusUnauthorized && status != http.StatusForbidden:
			return fmt.Errorf("get_instagram_token answered %s with %d", as.role, status)
		case as.allowed:
			w.report("get_instagram_token as %s: %s… (%d characters), the one that Meta issued", as.role, rows[0].Token[:6], len(rows[0].Token))
		default:
			w.report("get_instagram_token as %s: refused with %d", as.role, status)
		}
	}
	return nil
}

// checkInbox lets somebody write to the account. The message comes five times at once, again after
// the database was down, lies in the inbox once, and is answered with the token that came with it.
func (w *walk) checkInbox(ctx context.Context) error {
	message := metasim.Message(senders[0].ID, w.instagramID, "Hello, are you open today?")
	w.mid = message.MID()
	form := messageForm{Account: w.instagramID, FiveTimes: true, FailFirst: true}
	rounds, err := w.deliver(ctx, w.deliveries(form, []metasim.Event{message}), form)
	if err != nil {
		return fmt.Errorf("delivering a message: %w", err)
	}
	if len(rounds) != 2 || rounds[0].Tally() != "5 × 503" || rounds[1].Tally() != "5 × 200" {
		return fmt.Errorf("delivering a message: %+v", rounds)
	}
	w.report("a message to the account, five times at once: %s while the database was down, then %s", rounds[0].Tally(), rounds[1].Tally())
	only, err := w.onlyEvent(ctx)
	if err != nil {
		return err
	}
	w.report("the inbox holds it once: %s, %q in %s, %s", only.Kind, only.Text, only.Conversation, only.State)
	if err := w.answerMessage(ctx); err != nil {
		return err
	}
	if only, err = w.onlyEvent(ctx); err == nil && only.State != "finished" {
		err = fmt.Errorf("the event is %+v after the answer", only)
	}
	return err
}

// onlyEvent returns the event of an inbox that holds one.
func (w *walk) onlyEvent(ctx context.Context) (event, error) {
	events, err := w.events(ctx)
	if err != nil {
		return event{}, fmt.Errorf("reading the inbox: %w", err)
	}
	if len(events) != 1 {
		return event{}, fmt.Errorf("reading the inbox: it holds %d events", len(events))
	}
	return events[0], nil
}

// answerMessage has the worker of examples/ claim the message and answer it.
func (w *walk) answerMessage(ctx context.Context) error {
	answering, err := w.worker()
	if err != nil {
		return err
	}
	events, err := answering.Claim(ctx)
	if err != nil {
		return err
	}
	issued := w.meta.Secrets()
	if len(events) != 1 || !slices.Contains(issued, events[0].Token) || !slices.Contains(issued, events[0].PageToken) {
		return errors.New("claiming the message: it came not once, or not with the tokens that Meta issued")
	}
	e := events[0]
	w.report("claimed with its tokens: %s… (%d characters), of its Page %s…", e.Token[:6], len(e.Token), e.PageToken[:6])
	result, err := answering.Handle(ctx, events)
	if err := errors.Join(append(result.Failed, err)...); err != nil {
		return fmt.Errorf("answering the message: %w", err)
	}
	replies := w.meta.Replies()
	if len(replies) != 1 || replies[0].Token != e.PageToken || replies[0].Recipient != senders[0].ID {
		return errors.New("answering the message: Meta received something else")
	}
	w.report("answered: Meta received %q from Page %s with its token", replies[0].Text, replies[0].PageID)
	return nil
}
