package supalite_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

// erasureRecord is a row of erasures.
type erasureRecord struct {
	Code     string `json:"code"`
	Accounts int    `json:"accounts"`
	Events   int    `json:"events"`
	ErasedAt string `json:"erased_at"`
}

// deauthorize calls the function with further arguments.
func (l *life) deauthorize(t *testing.T, want int, reason string, more object) {
	t.Helper()
	args := object{"p_facebook_user_id": l.facebook, "p_reason": reason}
	for key, value := range more {
		args[key] = value
	}
	l.wantCount(t, want, "deauthorize_facebook_user", args)
}

// wantStatus checks status and reason of a row.
func (l *life) wantStatus(t *testing.T, id, status string, reason any) {
	t.Helper()
	if got := l.read(t, id, "status, status_reason"); got["status"] != status || got["status_reason"] != reason {
		t.Errorf("%s: %v, want %s because %v", id, got, status, reason)
	}
}

// another is another user's view of the same project, who approved as the same Facebook person.
func (l *life) another(t *testing.T) *life {
	t.Helper()
	return &life{project: l.project, user: l.newUser(t), facebook: l.facebook}
}

func testLifeDeauthorize(t *testing.T, l *life) {
	second, stranger := l.another(t), l.another(t)
	stranger.facebook = unique("80008000")
	mine, again, theirs, strangers := l.connect(t, 60), l.connect(t, 60), second.connect(t, 60), stranger.connect(t, 60)

	l.deauthorize(t, 3, "The app was removed.", nil)
	for _, id := range []string{mine, again, theirs} {
		l.wantStatus(t, id, "reconnect", "The app was removed.")
		if got := l.lookUp(t, id)[0]; got["token"] != nil || got["page_token"] != nil {
			t.Errorf("tokens of %s: %v", id, got)
		}
	}
	if names := append(l.secrets(t, l.user), l.secrets(t, second.user)...); len(names) > 0 {
		t.Errorf("secrets are left: %v", names)
	}
	stranger.wantStatus(t, strangers, "active", nil)
	if rows := l.claim(t, 10); len(rows) != 1 || rows[0].InstagramID != strangers {
		t.Errorf("claimed %v, want the stranger's", rows)
	}

	l.reconnect(t, mine, 60)
	l.wantStatus(t, mine, "active", nil)
	if got := l.lookUp(t, mine)[0]; got["token"] == nil || got["page_token"] == nil {
		t.Errorf("connected again: %v", got)
	}
}

// testLifeDeauthorizeAgain: what is dead already keeps the reason it died of.
func testLifeDeauthorizeAgain(t *testing.T, l *life) {
	alive, withToken, withPageToken, bare := l.connect(t, 60), l.connect(t, 60), l.connect(t, 60), newID()
	for _, id := range []string{withToken, withPageToken} {
		l.mustPatch(t, id, object{"status": "reconnect", "status_reason": "The password changed."})
	}
	l.sql(t, "delete from vault.secrets where name = $1", "user_configs/"+l.user.ID+"/"+withPageToken)
	l.mustUpsert(t, object{"user_id": l.user.ID, "instagram_id": bare, "facebook_user_id": l.facebook,
		"status": "reconnect", "status_reason": "The password changed."})

	l.deauthorize(t, 3, "The app was removed.", nil)
	before := l.sql(t, "select instagram_id, updated_at from public.user_configs order by 1")
	l.deauthorize(t, 0, "Removed a second time.", nil)
	for _, id := range []string{alive, withToken, withPageToken} {
		l.wantStatus(t, id, "reconnect", "The app was removed.")
	}
	l.wantStatus(t, bare, "reconnect", "The password changed.")
	for i, row := range l.sql(t, "select instagram_id, updated_at from public.user_configs order by 1") {
		if row["updated_at"] != before[i]["updated_at"] {
			t.Errorf("the second call touched %v", row["instagram_id"])
		}
	}
}

// testLifeDeauthorizeLate repeats a request after the person has connected again.
func testLifeDeauthorizeLate(t *testing.T, l *life) {
	old, fresh := l.connect(t, 60), l.connect(t, 60)
	asked := time.Now().Truncate(time.Second)
	l.mustPatch(t, old, object{"connected_at": asked.Add(900 * time.Millisecond).Format(time.RFC3339Nano)}) // Meta cuts off fractions
	l.mustPatch(t, fresh, object{"connected_at": asked.Add(time.Second).Format(time.RFC3339Nano)})
	issued := object{"p_issued_at": asked.Format(time.RFC3339)}
	l.deauthorize(t, 1, "The app was removed.", issued)
	l.deauthorize(t, 0, "The app was removed.", issued)
	l.wantStatus(t, old, "reconnect", "The app was removed.")
	l.wantStatus(t, fresh, "active", nil)
	if got := l.lookUp(t, fresh)[0]; got["token"] == nil || got["page_token"] == nil {
		t.Errorf("tokens of the new connection: %v", got)
	}
}

// testLifeDeauthorizeDuringRenewal: a renewal that is under way puts nothing back.
func testLifeDeauthorizeDuringRenewal(t *testing.T, l *life) {
	id := l.connect(t, 60)
	d := l.wantClaim(t, 1, id)[0]
	l.deauthorize(t, 1, "The app was removed.", nil)
	l.settle(t, 0, d.result(object{"token": "renewed", "status": "active", "status_reason": nil, "checked": true}))
	l.wantStatus(t, id, "reconnect", "The app was removed.")
	l.wantToken(t, id, nil)
}

func (l *life) erase(t *testing.T, code string) erasureRecord {
	t.Helper()
	var rows []erasureRecord
	l.mustCall(t, "erase_facebook_user", object{"p_facebook_user_id": l.facebook, "p_code": code}, &rows)
	if len(rows) != 1 {
		t.Fatalf("erase_facebook_user returned %v", rows)
	}
	return rows[0]
}

func testLifeErase(t *testing.T, l *life) {
	second, stranger := l.another(t), l.another(t)
	stranger.facebook = unique("80008000")
	mine, theirs, strangers := l.connect(t, 60), second.connect(t, 60), stranger.connect(t, 60)
	l.claim(t, 10) // a renewal is under way
	for _, id := range []string{mine, mine, theirs, strangers} {
		in := &inbox{project: l.project, account: id}
		l.ingest(t, 1, in.event(unique("erase"), "ann", 1))
	}

	code := uuid.NewString()
	got := l.erase(t, code)
	if got.Code != code || got.Accounts != 2 || got.Events != 3 || got.ErasedAt == "" {
		t.Errorf("record %+v", got)
	}
	left := l.sql(t, `select instagram_id from public.user_configs union all select instagram_id from public.instagram_events
		union all select instagram_id from public.instagram_conversations`)
	if len(left) != 3 || left[0]["instagram_id"] != strangers || left[1]["instagram_id"] != strangers || left[2]["instagram_id"] != strangers {
		t.Errorf("left: %v, want the stranger's row, event and conversation", left)
	}
	if names := append(l.secrets(t, l.user), l.secrets(t, second.user)...); len(names) > 0 {
		t.Errorf("secrets are left: %v", names)
	}
	dump, err := l.Dump(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for table, rows := range dump {
		if strings.Contains(rows, l.facebook) {
			t.Errorf("the person's id stands in %s", table)
		}
	}

	var records []erasureRecord
	l.mustCall(t, "erasure", object{"p_code": code}, &records)
	if len(records) != 1 || records[0] != got {
		t.Errorf("erasure(%s) = %v, want %v", code, records, got)
	}
	l.mustCall(t, "erasure", object{"p_code": uuid.NewString()}, &records)
	if len(records) != 0 {
		t.Errorf("an unknown code has %v", records)
	}
}

func testLifeEraseAgain(t *testing.T, l *life) {
	l.connect(t, 60)
	code := uuid.NewString()
	first := l.erase(t, code)
	id := l.connect(t, 60) // with a new consent
	if again := l.erase(t, code); again != first {
		t.Errorf("the same code again: %+v, want %+v", again, first)
	}
	l.wantStatus(t, id, "active", nil)
	if another := l.erase(t, uuid.NewString()); another.Accounts != 1 {
		t.Errorf("another request: %+v", another)
	}
}

func testLifeEraseNobody(t *testing.T, l *life) {
	code := uuid.NewString()
	if got := l.erase(t, code); got.Code != code || got.Accounts != 0 || got.Events != 0 || got.ErasedAt == "" {
		t.Errorf("record %+v", got)
	}
	var columns []string
	for _, row := range l.sql(t, "select column_name as name from information_schema.columns where table_name = 'erasures' order by 1") {
		columns = append(columns, row["name"].(string))
	}
	if got := strings.Join(columns, " "); got != "accounts code erased_at events" {
		t.Errorf("a record holds %s", got)
	}
}

func testLifeCallbacksRefuse(t *testing.T, l *life) {
	id := l.connect(t, 60)
	l.mustPatch(t, id, object{"facebook_user_id": ""})
	for _, nobody := range []any{nil, "", " "} {
		l.wantRefused(t, "deauthorize_facebook_user", object{"p_facebook_user_id": nobody, "p_reason": "x"}, "must name a Facebook person")
		l.wantRefused(t, "erase_facebook_user", object{"p_facebook_user_id": nobody, "p_code": uuid.NewString()}, "must name a Facebook person")
	}
	for _, reason := range []any{nil, "", " "} {
		l.wantRefused(t, "deauthorize_facebook_user", object{"p_facebook_user_id": l.facebook, "p_reason": reason}, "p_reason must say why")
	}
	l.wantRefused(t, "erase_facebook_user", object{"p_facebook_user_id": l.facebook, "p_code": nil}, "p_code must be a new UUID")
	l.wantRefused(t, "erase_facebook_user", object{"p_facebook_user_id": l.facebook, "p_code": "me"}, "uuid")
	l.wantStatus(t, id, "active", nil)
}

func testLifeAttention(t *testing.T, l *life) {
	well, ending, lost := l.connect(t, 60), l.connect(t, 60), l.connect(t, 60)
	l.mustPatch(t, ending, object{"username": "bakery", "status": "expiring", "status_reason": "It ends soon."})
	l.mustPatch(t, lost, object{"status": "reconnect", "status_reason": "The password changed."})
	status, out := l.rest(t, l.service(), "GET", "connections_needing_attention?select=*&order=status", nil)
	if status != 200 || strings.Contains(out, well) {
		t.Fatalf("status %d: %s", status, out)
	}
	var rows []map[string]string
	if err := json.Unmarshal([]byte(strings.ReplaceAll(out, "null", `""`)), &rows); err != nil || len(rows) != 2 {
		t.Fatalf("%v in %s", err, out)
	}
	for i, want := range []map[string]string{
		{"user_id": l.user.ID, "instagram_id": ending, "username": "bakery", "status": "expiring", "status_reason": "It ends soon."},
		{"user_id": l.user.ID, "instagram_id": lost, "username": "", "status": "reconnect", "status_reason": "The password changed."},
	} {
		if rows[i]["since"] == "" || len(rows[i]) != len(want)+1 {
			t.Errorf("row %d: %v", i, rows[i])
		}
		for key, value := range want {
			if rows[i][key] != value {
				t.Errorf("row %d: %s = %q, want %q", i, key, rows[i][key], value)
			}
		}
	}
}
