package main

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"igconnect/examples/worker-go/worker"
	"igconnect/internal/metasim"
)

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
	Owner                    string // e-mail address of the user whose connection received it, or the id
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
		select e.kind, e.conversation, coalesce(u.email, e.user_id) as owner, e.attempts, e.last_error,
			coalesce(
				e.payload #>> '{message,text}', e.payload #>> '{message_edit,text}', e.payload #>> '{postback,title}',
				e.payload #>> '{value,text}', e.payload #>> '{reaction,emoji}', e.payload #>> '{change}', '') as text,
			case
				when e.finished_at is not null then 'finished'
				when e.dead_at is not null then 'dead'
				when e.id = any (v.claimed) and v.due_at > now() then 'with a worker'
				when c.status = 'reconnect' then 'waiting for the account to be connected again'
				when e.next_try_at > now() then 'waiting for another try in ' || ceil(extract(epoch from e.next_try_at - now())) || ' s'
				else 'waiting'
			end as state
		from public.instagram_events e
		left join public.user_configs c on c.connection_id = e.connection_id
		left join auth.users u on u.id::text = e.user_id
		left join public.instagram_conversations v on v.connection_id = e.connection_id and v.conversation = e.conversation
		where e.kind = 'connection' or c.connection_id is not null -- else it waits for nothing but its removal
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
	http.Redirect(w, r, "/dev/#inbox", http.StatusSeeOther)
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
