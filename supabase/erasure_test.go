package supabase_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

const removed = "The app was removed."

// deauthorize calls the function with further arguments.
func (r *renewal) deauthorize(t *testing.T, want int, reason string, more object) {
	t.Helper()
	r.wantCount(t, want, "deauthorize_facebook_user", with(object{"p_facebook_user_id": r.facebook, "p_reason": reason}, more))
}

// record is a row of erasures.
type record struct {
	Code       string  `json:"code"`
	Accounts   int     `json:"accounts"`
	Events     int     `json:"events"`
	ErasedAt   string  `json:"erased_at"`
	FinishedAt *string `json:"finished_at"`
}

func (r *renewal) erase(t *testing.T, code string) record {
	t.Helper()
	var rows []record
	r.mustCall(t, "erase_facebook_user", object{"p_facebook_user_id": r.facebook, "p_code": code}, &rows)
	if len(rows) != 1 || rows[0].ErasedAt == "" {
		t.Fatalf("erase_facebook_user returned %v", rows)
	}
	return rows[0]
}

// others returns another user's view of the project, who approved as the same Facebook person, and one
// of a user who approved as another person.
func (r *renewal) others(t *testing.T) (second, stranger *renewal) {
	t.Helper()
	return &renewal{r.project, r.newUser(t), r.facebook}, &renewal{r.project, r.newUser(t), unique("80008000")}
}

// fill gives an account as many events, each of a conversation of its own.
func (r *renewal) fill(t *testing.T, id string, events int) {
	t.Helper()
	r.sql(t, `select public.ingest_instagram_events((
		select jsonb_agg(jsonb_build_object('account', $1::text, 'key', i, 'counterpart', i, 'kind', 'message', 'payload', '{}'::jsonb))
		from generate_series(1, $2::int) i))`, id, events)
}

// wantForgotten connects a removed account again for the same user, who gets and sees none of its messages.
func (r *renewal) wantForgotten(t *testing.T, id string) {
	t.Helper()
	r.upsert(t, row(r.user.ID, id, newToken()))
	wantEqual(t, "claimed", []object{{"n": 0.0}}, r.sql(t, `select count(*) as n from jsonb_array_elements(
		public.claim_instagram_events(1000, '1 minute')) e where e ->> 'instagram_id' = $1 and e ->> 'kind' <> 'connection'`, id))
	wantEqual(t, "seen", []object{}, r.asUser(t, r.user.ID,
		"select id from public.instagram_events where instagram_id = '"+id+"' and kind <> 'connection'"))
	r.disconnect(t, id, r.user.ID)
}

// TestErasure holds what Meta's two callbacks do, and the deletion of users.
func TestErasure(t *testing.T) { onBothDatabases(t, newRenewal, erasureCases) }

var erasureCases = []testCase[*renewal]{
	{"Deauthorize", func(t *testing.T, r *renewal) {
		second, stranger := r.others(t)
		mine, again, theirs, strangers := r.connect(t, 60), r.connect(t, 60), second.connect(t, 60), stranger.connect(t, 60)

		r.deauthorize(t, 3, removed, nil)
		for _, id := range []string{mine, again, theirs} {
			r.wantStatus(t, id, "reconnect", removed)
			r.wantTokens(t, id, nil, nil)
		}
		r.wantSecrets(t, 0, r.user.ID, second.user.ID)
		r.wantStatus(t, strangers, "active", nil)
		r.wantClaim(t, 10, strangers)

		connection := r.connection(mine, 60)
		r.upsert(t, connection)
		r.wantStatus(t, mine, "active", nil)
		r.wantTokens(t, mine, connection["token"], connection["page_token"])
	}},
	// What had stopped without a token keeps its reason.
	{"DeauthorizeAgain", func(t *testing.T, r *renewal) {
		active, withToken, withPageToken, bare := r.connect(t, 60), r.connect(t, 60), r.connect(t, 60), newID()
		const changed = "The password changed."
		for _, id := range []string{withToken, withPageToken} {
			r.patch(t, id, object{"status": "reconnect", "status_reason": changed})
		}
		r.sql(t, "delete from vault.secrets where name = $1", "user_configs/"+r.user.ID+"/"+withPageToken)
		r.upsert(t, object{"user_id": r.user.ID, "instagram_id": bare, "facebook_user_id": r.facebook,
			"status": "reconnect", "status_reason": changed})

		r.deauthorize(t, 3, removed, nil)
		const touched = "select instagram_id, updated_at from public.user_configs order by 1"
		before := r.sql(t, touched)
		r.deauthorize(t, 0, "Removed a second time.", nil)
		wantEqual(t, "after the second call", before, r.sql(t, touched))
		for _, id := range []string{active, withToken, withPageToken} {
			r.wantStatus(t, id, "reconnect", removed)
		}
		r.wantStatus(t, bare, "reconnect", changed)

	}},
	// A request is repeated after the person has connected again.
	{"DeauthorizeLate", func(t *testing.T, r *renewal) {
		fresh := r.connection(newID(), 60)
		r.upsert(t, fresh)
		old, freshID, asked := r.connect(t, 60), fresh["instagram_id"].(string), time.Now().Truncate(time.Second)
		r.patch(t, old, object{"connected_at": asked.Add(900 * time.Millisecond).Format(time.RFC3339Nano)}) // Meta cuts off fractions
		r.patch(t, freshID, object{"connected_at": asked.Add(time.Second).Format(time.RFC3339Nano)})
		for _, want := range []int{1, 0} {
			r.deauthorize(t, want, removed, object{"p_issued_at": asked.Format(time.RFC3339)})
		}
		r.wantStatus(t, old, "reconnect", removed)
		r.wantStatus(t, freshID, "active", nil)
		r.wantTokens(t, freshID, fresh["token"], fresh["page_token"])
	}},
	// A renewal that is under way puts nothing back.
	{"DeauthorizeDuringRenewal", func(t *testing.T, r *renewal) {
		id := r.connect(t, 60)
		d := r.wantClaim(t, 1, id)[0]
		r.deauthorize(t, 1, removed, nil)
		r.settle(t, 0, d.result(object{"token": "renewed", "status": "active", "status_reason": nil, "checked": true}))
		r.wantStatus(t, id, "reconnect", removed)
		r.wantTokens(t, id, nil, nil)
	}},
	{"Erase", func(t *testing.T, r *renewal) {
		second, stranger := r.others(t)
		mine, theirs, strangers := r.connect(t, 60), second.connect(t, 60), stranger.connect(t, 60)
		r.claim(t, 10) // a renewal is under way
		for _, id := range []string{mine, mine, theirs, strangers} {
			in := &inbox{account: id}
			r.ingest(t, 1, in.event(unique("erase"), "ann", 1))
		}

		code := uuid.NewString()
		got := r.erase(t, code)
		wantEqual(t, "record", record{code, 2, 3, got.ErasedAt, &got.ErasedAt}, got)
		r.dropConnectionEvents(t)
		// The stranger's row, event and conversation are left.
		wantEqual(t, "accounts", []string{strangers, strangers, strangers}, texts(r.sql(t, `select instagram_id from public.user_configs
			union all select instagram_id from public.instagram_events union all select split_part(conversation, '/', 1) from public.instagram_conversations`), "instagram_id"))
		r.wantSecrets(t, 0, r.user.ID, second.user.ID)
		r.wantInNoRow(t, r.facebook)

		for code, want := range map[string][]record{code: {got}, uuid.NewString(): {}} {
			var records []record
			r.mustCall(t, "erasure", object{"p_code": code}, &records)
			wantEqual(t, "erasure", want, records)
		}
	}},
	{"EraseAgain", func(t *testing.T, r *renewal) {
		r.connect(t, 60)
		code := uuid.NewString()
		first := r.erase(t, code)
		id := r.connect(t, 60) // with a new consent
		wantEqual(t, "the same code again", first, r.erase(t, code))
		r.wantStatus(t, id, "active", nil)
		wantEqual(t, "accounts of another request", 1, r.erase(t, uuid.NewString()).Accounts)
	}},
	// Rows that name nobody are deleted as soon as they turn out to be the person's, with the record and
	// once. Others', and what was connected after the request, stay; then the request is forgotten.
	{"EraseUnknown", func(t *testing.T, r *renewal) {
		r.connect(t, 60)
		mine, failing, strangers := newID(), newID(), newID()
		for _, id := range []string{mine, failing, strangers} {
			r.upsert(t, row(r.user.ID, id, newToken()))
		}
		in := &inbox{account: mine}
		r.ingest(t, 1, in.event(unique("erase"), "ann", 1))
		code := uuid.NewString()
		if got := r.erase(t, code); got.Accounts != 1 || got.Events != 0 {
			t.Errorf("%+v", got)
		}
		awaited := func() int { return len(r.sql(t, "select 1 from igconnect.awaited_erasures")) }
		later := newID()
		r.upsert(t, row(r.user.ID, later, newToken()))
		r.wantCount(t, 4, "count_due_connections", object{})

		learned := map[string]object{
			mine: {"checked": true, "facebook_user_id": r.facebook}, failing: {"checked": false},
			strangers: {"checked": true, "facebook_user_id": "9"}, later: {"checked": true, "facebook_user_id": r.facebook},
		}
		var results []object
		for _, d := range r.claim(t, 10) {
			results = append(results, d.result(learned[d.InstagramID]))
		}
		r.settle(t, 4, results...)
		wantEqual(t, "left", sorted(strings.Join([]string{failing, strangers, later}, ",")), sorted(strings.Join(texts(
			r.sql(t, "select instagram_id from public.user_configs"), "instagram_id"), ",")))
		again := r.erase(t, code)
		if again.Accounts != 2 || again.Events != 1 || awaited() != 1 {
			t.Errorf("%+v, %d requests wait", again, awaited())
		}
		d := r.wantClaim(t, 10, failing)[0]
		r.settle(t, 1, d.result(object{"checked": true, "facebook_user_id": r.facebook, "status": "reconnect"}))
		if again = r.erase(t, code); again.Accounts != 3 || awaited() != 0 {
			t.Errorf("%+v, %d requests wait", again, awaited())
		}
		r.wantSecrets(t, 2, r.user.ID) // the tokens of the two that stay
	}},
	// Of many events the first thousand go at once. The rest is shown to nobody and handed to nobody, also
	// if the same user connects the same account again, and goes in steps.
	{"EraseMany", func(t *testing.T, r *renewal) {
		id := r.connect(t, 60)
		r.fill(t, id, 2500)
		code := uuid.NewString()
		if got := r.erase(t, code); got.Accounts != 1 || got.Events != 1000 || got.FinishedAt != nil {
			t.Errorf("%+v", got)
		}
		r.wantForgotten(t, id)
		for _, want := range []int{1000, 500, 0} {
			r.wantCount(t, want, "delete_removed_events", object{})
		}
		if got := r.erase(t, code); got.Accounts != 1 || got.Events != 2500 || got.FinishedAt == nil {
			t.Errorf("%+v", got)
		}
		r.wantForgotten(t, id)

		// A delivery that had begun before adds an event afterwards.
		r.sql(t, `insert into public.instagram_events (connection_id, user_id, instagram_id, key, conversation, kind, payload, occurred_at)
			select connection_id, $1, $2, 'late', 'c', 'message', '{}', now() from igconnect.removed_connections where erasure is not null`, r.user.ID, id)
		r.wantCount(t, 0, "delete_removed_events", object{})
		r.sql(t, "update igconnect.removed_connections set emptied_at = now() - interval '61 minutes'")
		r.wantCount(t, 1, "delete_removed_events", object{})
		r.wantCount(t, 0, "delete_removed_events", object{})
		wantEqual(t, "left", []object{}, r.sql(t, "select from igconnect.removed_connections"))
		for _, limit := range []any{0, 10001, nil} {
			r.wantRefused(t, "delete_removed_events", object{"p_limit": limit}, "p_limit must be between 1 and 10000")
		}
	}},
	{"DeleteUser", func(t *testing.T, r *renewal) {
		gone := r.newUser(t)
		theirs := &renewal{r.project, gone, r.facebook}
		first, second, mine := theirs.connect(t, 60), theirs.connect(t, 60), r.connect(t, 60)
		for _, id := range []string{first, second, mine} {
			r.fill(t, id, 700)
		}
		r.sql(t, "delete from auth.users where id = $1", gone.ID)
		r.wantSecrets(t, 0, gone.ID)
		stored := func() object {
			return r.onlyRow(t, "select count(*) filter (where user_id = $1) as gone, count(*) filter (where user_id <> $1) as others from public.instagram_events where kind = 'message'", gone.ID)
		}
		wantEqual(t, "left", object{"gone": 400.0, "others": 700.0}, stored())
		theirs.wantForgotten(t, first) // a user of that id may be another app's
		r.wantCount(t, 400, "delete_removed_events", object{"p_limit": 10000})
		wantEqual(t, "left", object{"gone": 0.0, "others": 700.0}, stored())
		r.wantConsistentInbox(t)
	}},
	{"EraseNobody", func(t *testing.T, r *renewal) {
		code := uuid.NewString()
		got := r.erase(t, code)
		wantEqual(t, "record", record{code, 0, 0, got.ErasedAt, &got.ErasedAt}, got)
		wantEqual(t, "columns", []string{"accounts", "code", "erased_at", "events", "finished_at"}, texts(r.sql(t,
			"select column_name as name from information_schema.columns where table_name = 'erasures' order by 1"), "name"))
	}},
	{"Refused", func(t *testing.T, r *renewal) {
		id := r.connect(t, 60)
		r.patch(t, id, object{"facebook_user_id": ""})
		for _, nothing := range []any{nil, "", " "} {
			r.wantRefused(t, "deauthorize_facebook_user", object{"p_facebook_user_id": nothing, "p_reason": "x"}, "must name a Facebook person")
			r.wantRefused(t, "erase_facebook_user", object{"p_facebook_user_id": nothing, "p_code": uuid.NewString()}, "must name a Facebook person")
			r.wantRefused(t, "deauthorize_facebook_user", object{"p_facebook_user_id": r.facebook, "p_reason": nothing}, "p_reason must say why")
		}
		r.wantRefused(t, "erase_facebook_user", object{"p_facebook_user_id": r.facebook, "p_code": nil}, "p_code must be a new UUID")
		r.wantRefused(t, "erase_facebook_user", object{"p_facebook_user_id": r.facebook, "p_code": "me"}, "uuid")
		r.wantStatus(t, id, "active", nil)
	}},
}
