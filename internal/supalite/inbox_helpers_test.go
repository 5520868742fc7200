package supalite_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"igconnect/internal/supalite"
)

// inbox is a project with a user's connection, as the webhook and the workers see it.
type inbox struct {
	*project
	user    supalite.User
	account string // Instagram id of the connection
	page    string // id of its Page
	token   string
}

// claimed is a row of claim_instagram_events.
type claimed struct {
	ID           string `json:"id"`
	UserID       string `json:"user_id"`
	InstagramID  string `json:"instagram_id"`
	Conversation string `json:"conversation"`
	Kind         string `json:"kind"`
	Payload      any    `json:"payload"`
	OccurredAt   string `json:"occurred_at"`
	ReceivedAt   string `json:"received_at"`
	Attempts     int    `json:"attempts"`
	Token        string `json:"token"`
	PageID       string `json:"page_id"`
	PageToken    string `json:"page_token"`
}

// newInbox connects a new user's new account. What earlier tests left in the inbox is removed, because a claim takes
// from every account.
func newInbox(t *testing.T, p *project) *inbox {
	t.Helper()
	p.sql(t, "delete from public.instagram_events")
	p.sql(t, "delete from public.instagram_conversations")
	in := &inbox{project: p, user: p.newUser(t), account: newID(), page: unique("10203040"), token: newToken()}
	in.connect(t, in.user)
	return in
}

// connect gives a user a connection to the inbox's account.
func (in *inbox) connect(t *testing.T, u supalite.User) {
	t.Helper()
	connection := row(u, in.account, in.token)
	connection["page_id"], connection["page_token"] = in.page, in.token+"page"
	in.mustUpsert(t, connection)
}

// event is an element of ingest's argument that occurred in the given second of a minute long ago.
func (in *inbox) event(key, counterpart string, second int) object {
	return object{
		"account": in.account, "key": key, "counterpart": counterpart, "kind": "message",
		"payload": object{"text": key}, "occurred_at": fmt.Sprintf("2026-01-01T00:00:%02dZ", second),
	}
}

// id is the row's id of a key.
func (in *inbox) id(key string) string { return in.user.ID + "/" + in.account + "/" + key }

func (in *inbox) ids(keys ...string) []string {
	ids := []string{}
	for _, key := range keys {
		ids = append(ids, in.id(key))
	}
	return ids
}

// call calls a function with the secret key, from any goroutine, and decodes its answer into out.
func (p *project) call(ctx context.Context, function string, args object, out any) error {
	status, body, err := p.send(ctx, p.service(), "POST", "rpc/"+function, args)
	if err != nil {
		return err
	}
	if status != 200 {
		return fmt.Errorf("%s: status %d: %s", function, status, body)
	}
	if err := json.Unmarshal([]byte(body), out); err != nil {
		return fmt.Errorf("%s: %w in %s", function, err, body)
	}
	return nil
}

func (p *project) mustCall(t *testing.T, function string, args object, out any) {
	t.Helper()
	if err := p.call(t.Context(), function, args, out); err != nil {
		t.Fatal(err)
	}
}

// wantRefused checks that a function answers with an error that says so.
func (p *project) wantRefused(t *testing.T, function string, args object, words string) {
	t.Helper()
	var out any
	if err := p.call(t.Context(), function, args, &out); err == nil || !strings.Contains(err.Error(), words) {
		t.Errorf("%s(%v) = %v, error %v; want one with %q", function, args, out, err, words)
	}
}

// wantCount checks what a function that counts answers.
func (p *project) wantCount(t *testing.T, want int, function string, args object) {
	t.Helper()
	var got int
	p.mustCall(t, function, args, &got)
	if got != want {
		t.Fatalf("%s = %d, want %d", function, got, want)
	}
}

func (p *project) ingest(t *testing.T, want int, events ...object) {
	t.Helper()
	p.wantCount(t, want, "ingest_instagram_events", object{"events": append([]object{}, events...)})
}

func (p *project) finish(t *testing.T, want int, ids ...string) {
	t.Helper()
	p.wantCount(t, want, "finish_instagram_events", object{"ids": ids})
}

func (p *project) fail(t *testing.T, want int, ids ...string) {
	t.Helper()
	p.wantCount(t, want, "fail_instagram_events", object{"ids": ids, "reason": "Meta is asleep"})
}

func (p *project) claim(t *testing.T, limit int) []claimed {
	t.Helper()
	var rows []claimed
	p.mustCall(t, "claim_instagram_events", object{"p_limit": limit, "p_lease": "10 minutes"}, &rows)
	return rows
}

// wantClaim claims and checks which keys come, in this order.
func (in *inbox) wantClaim(t *testing.T, limit int, keys ...string) []claimed {
	t.Helper()
	rows := in.claim(t, limit)
	got := []string{}
	for _, row := range rows {
		got = append(got, row.ID[strings.LastIndex(row.ID, "/")+1:])
	}
	if !slices.Equal(got, keys) {
		t.Fatalf("claimed %q, want %q", got, keys)
	}
	return rows
}

// wantConsistent checks what must hold between any two calls: a conversation's row for each that has open events, and
// nothing but open events in the leases.
func (p *project) wantConsistent(t *testing.T) {
	t.Helper()
	wrong := p.sql(t, `
		with open as (select * from public.instagram_events where finished_at is null and dead_at is null)
		select 'open events without a row: ' || o.conversation as what from open o
			left join public.instagram_conversations c using (user_id, conversation) where c.user_id is null
		union
		select 'a row without open events: ' || c.conversation from public.instagram_conversations c
			left join open o using (user_id, conversation) where o.id is null
		union
		select 'claimed and not open: ' || i.id from public.instagram_conversations c, unnest(c.claimed) as i (id)
			left join open o on o.id = i.id where o.id is null
		union
		select 'a lease on nothing: ' || c.conversation from public.instagram_conversations c where c.claimed = '{}'`)
	if len(wrong) > 0 {
		t.Errorf("inconsistent: %v", wrong)
	}
}

// pass lets time pass for leases and delays.
func (p *project) pass(t *testing.T, interval string) {
	t.Helper()
	p.sql(t, "update public.instagram_events set next_try_at = next_try_at - $1::interval", interval)
	p.sql(t, "update public.instagram_conversations set due_at = due_at - $1::interval", interval)
}
