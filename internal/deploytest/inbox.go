package deploytest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"

	"igconnect/lib/metajson"
)

// Inbox is what the stand-in makes of ingest_instagram_events: it stores a call whole or not at all, each
// event once, and refuses with PostgREST's answers what the database refuses. Every account is connected.
type Inbox struct {
	Events []map[string]any // in the order in which they were stored
	known  map[string]bool
	locked map[string]bool
	refuse func(event map[string]any) *Refusal
}

// Refusal is an answer of PostgREST: a status, and PostgreSQL's code.
type Refusal struct {
	Status int
	Code   string
}

// What PostgreSQL takes.
const (
	maxIndexed = 2704 // bytes of an index's row
	maxDepth   = 6000 // levels of JSON, where its stack has the usual size
	maxAtOnce  = 4500 // new events of a call, for as long as Meta waits
)

// Inbox is what is stored.
func (s *Supabase) Inbox() []map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.inbox.Events)
}

// Lock has somebody else hold the rows of an account, until it is unlocked.
func (s *Supabase) Lock(account string, locked bool) {
	s.locked(func() { s.inbox.locked[account] = locked })
}

// Refuse has the database refuse every call with an event for which there is a refusal.
func (s *Supabase) Refuse(refuse func(event map[string]any) *Refusal) {
	s.locked(func() { s.inbox.refuse = refuse })
}

var (
	text = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
	nul  = regexp.MustCompile(`[^\\](?:\\\\)*\\u0000`)
	huge = regexp.MustCompile(`[eE]\+?0*[1-9][0-9]{5}`)
)

// ingest answers a call: how many events were new, or what the database refuses it with.
func (i *Inbox) ingest(body []byte) (fresh int, refusal *Refusal) {
	var arguments struct{ Events []json.RawMessage }
	switch {
	case metajson.Depth(body) > maxDepth:
		return 0, &Refusal{http.StatusInternalServerError, "54001"}
	case json.Unmarshal(body, &arguments) != nil:
		return 0, &Refusal{http.StatusBadRequest, "PGRST102"}
	case bytes.Contains(body, []byte(`\u0000`)) && nul.Match(body):
		return 0, &Refusal{http.StatusBadRequest, "22P05"}
	case huge.Match(body) && huge.Match(text.ReplaceAll(body, nil)):
		return 0, &Refusal{http.StatusBadRequest, "22003"}
	}
	var added []map[string]any
	for _, raw := range arguments.Events {
		var event map[string]any
		_ = json.Unmarshal(raw, &event)
		account, _ := event["account"].(string)
		key, _ := event["key"].(string)
		switch {
		case i.locked[account]:
			return 0, &Refusal{http.StatusInternalServerError, "55P03"}
		case len(account)+len(key) > maxIndexed:
			return 0, &Refusal{http.StatusInternalServerError, "54000"}
		case i.refuse != nil && i.refuse(event) != nil:
			return 0, i.refuse(event)
		case !i.known[account+" "+key]:
			added = append(added, event)
		}
	}
	if len(added) > maxAtOnce {
		return 0, &Refusal{http.StatusInternalServerError, "57014"}
	}
	for _, event := range added {
		name := event["account"].(string) + " " + event["key"].(string)
		if !i.known[name] {
			i.known[name], i.Events = true, append(i.Events, event)
			fresh++
		}
	}
	return fresh, nil
}
