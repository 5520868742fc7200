package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"igconnect/internal/metasim"
)

// checkInbox lets somebody write to the account. The message comes five times
// at once, again after the database was down, lies in the inbox once, and is
// answered with the token that came with it.
func (w *walk) checkInbox(ctx context.Context) error {
	message := metasim.Message(writers[0].ID, w.instagramID, "Hello, are you open today?")
	if err := w.deliverMessage(ctx, message); err != nil {
		return err
	}
	begin := time.Now()
	events, err := w.events(ctx)
	if err != nil {
		return fmt.Errorf("reading the inbox: %w", err)
	}
	if len(events) != 1 {
		return fmt.Errorf("reading the inbox: it holds %d events", len(events))
	}
	w.mid = message.MID()
	report(begin, "the inbox holds it once: %s, %q in %s, %s", events[0].Kind, events[0].Text, events[0].Conversation, events[0].State)
	if err := w.answerMessage(ctx); err != nil {
		return err
	}
	if events, err = w.events(ctx); err != nil {
		return fmt.Errorf("reading the inbox again: %w", err)
	}
	if len(events) != 1 || events[0].State != "finished" {
		return fmt.Errorf("reading the inbox again: it holds %+v", events)
	}
	return nil
}

// deliverMessage has every delivery refused while the database is down, and
// acknowledged afterwards.
func (w *walk) deliverMessage(ctx context.Context, message metasim.Event) error {
	o := order{Account: w.instagramID, FiveTimes: true, FailFirst: true}
	begin := time.Now()
	rounds, err := w.deliver(ctx, w.deliveries(o, []metasim.Event{message}), o)
	if err != nil {
		return fmt.Errorf("delivering a message: %w", err)
	}
	if len(rounds) != 2 || rounds[0].Tally() != "5 × 503" || rounds[1].Tally() != "5 × 200" {
		return fmt.Errorf("delivering a message: %+v", rounds)
	}
	report(begin, "a message to the account, five times at once: %s while the database was down, then %s", rounds[0].Tally(), rounds[1].Tally())
	return nil
}

// answerMessage claims the message and answers it as a worker does.
func (w *walk) answerMessage(ctx context.Context) error {
	begin := time.Now()
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
	report(begin, "claimed with its tokens: %s… (%d characters), of its Page %s…", e.Token[:6], len(e.Token), e.PageToken[:6])
	begin = time.Now()
	if result, err := answering.Handle(ctx, events); err != nil || len(result.Failed) > 0 {
		err = errors.Join(append(result.Failed, err)...)
		return fmt.Errorf("answering the message: %w", err)
	}
	replies := w.meta.Replies()
	if len(replies) != 1 || replies[0].Token != e.PageToken || replies[0].Recipient != writers[0].ID {
		return errors.New("answering the message: Meta received something else")
	}
	report(begin, "answered: Meta received %q from Page %s with its token", replies[0].Text, replies[0].PageID)
	return nil
}

// seesInbox reports whether the message and the log of its deliveries are
// where the search for secrets looks.
func (w *walk) seesInbox(tables map[string]string, logs []byte) bool {
	return strings.Contains(tables["public.instagram_events"], w.mid) && strings.Contains(string(logs), `"route":"webhook"`)
}
