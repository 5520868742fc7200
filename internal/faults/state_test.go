package faults_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// stateSQL is everything that a world's user has in the tables and in Vault,
// and the records of its person's erasure.
const stateSQL = `
	select coalesce((
		select json_agg(json_build_object(
			'account', c.instagram_id, 'page', c.page_id, 'person', c.facebook_user_id, 'status', c.status, 'reason', c.status_reason,
			'fields', c.subscribed_fields, 'refused', c.subscription_error is not null, 'scopes', c.scopes,
			'ends', c.token_expires_at > now(), 'reads', c.data_access_expires_at > now(), 'checked', c.checked_at > now() - interval '1 hour',
			'leased', c.leased_until is not null and c.leased_until > now(), 'token', t.token, 'page_token', t.page_token
		) order by c.instagram_id)
		from public.user_configs c left join lateral public.get_instagram_token(c.instagram_id) t on t.user_id = c.user_id
		where c.user_id::text = $1), '[]') as rows,
	(select count(*)::int from vault.secrets where name like 'user_configs/' || $1 || '/%') as secrets,
	(select coalesce(json_agg(e.kind || ' for ' || e.instagram_id order by e.id), '[]') from public.instagram_events e where e.user_id::text = $1) as events,
	(select coalesce(json_agg(format('%s accounts, %s events', x.accounts, x.events)), '[]') from public.erasures x where x.code::text = any ($2)) as erased`

// state is what the tables hold of this world, one line a thing, without what
// differs from run to run.
func (w *world) state() string {
	codes := w.codes
	if codes == nil {
		codes = []string{}
	}
	row := w.sql(stateSQL, w.user.ID, codes)[0]
	var content struct {
		Rows []struct {
			Account, Page, Person, Status, Reason string
			Fields, Scopes                        []string
			Refused, Ends, Reads, Checked, Leased bool
			Token                                 string
			PageToken                             string `json:"page_token"`
		}
		Secrets        int
		Events, Erased []string
	}
	must(json.Unmarshal(sure(json.Marshal(row)), &content))
	if w.old == nil { // the first time: these are the old ones
		w.old = map[string]bool{}
		for _, r := range content.Rows {
			w.old[r.Token], w.old[r.PageToken] = true, true
		}
	}
	var lines []string
	for _, r := range content.Rows {
		if len(content.Rows) > 2 { // which of many come first is chance
			r.Account, r.Page = "many", "many"
		}
		lines = append(lines, fmt.Sprintf("%s of Page %s and person %s: %s (%s); token %s; page token %s; %s; %s; ends %s; data access %s; %s; %s; scopes %s",
			r.Account, r.Page, r.Person, r.Status, r.Reason, w.tokenState(r.Token), w.tokenState(r.PageToken),
			word(len(r.Fields) > 0, "subscribed"), word(r.Refused, "refusal noted"), word(r.Ends, "known"), word(r.Reads, "known"),
			word(r.Checked, "checked"), word(r.Leased, "leased"), strings.Join(r.Scopes, ",")))
	}
	slices.Sort(lines)
	lines = slices.Compact(lines)
	for _, event := range content.Events {
		lines = append(lines, "event: "+event)
	}
	for _, erased := range content.Erased {
		lines = append(lines, "erased: "+erased)
	}
	lines = append(lines, fmt.Sprint(content.Secrets, " secrets"))
	return strings.ReplaceAll(strings.Join(lines, "\n"), w.number, "……")
}

func word(is bool, yes string) string {
	if is {
		return yes
	}
	return "not " + yes
}

// tokenState says which token it is, and whether Meta takes it.
func (w *world) tokenState(token string) string {
	switch {
	case token == "":
		return "none"
	case w.old[token]:
		return "old"
	case slices.Contains(w.meta.Secrets(), token) && w.alive(token):
		return "new"
	}
	return "useless"
}
