package supalite_test

import (
	"slices"
	"testing"
	"time"

	"igconnect/internal/supalite"
)

// life is a project with a user who connects accounts, as the renewal and Meta's callbacks see it.
type life struct {
	*project
	user     supalite.User
	facebook string // id of the person who approved
}

// due is a row of claim_due_connections.
type due struct {
	LeaseID           string   `json:"lease_id"`
	UserID            string   `json:"user_id"`
	InstagramID       string   `json:"instagram_id"`
	FacebookUserID    string   `json:"facebook_user_id"`
	Token             string   `json:"token"`
	TokenVersion      int      `json:"token_version"`
	PageID            string   `json:"page_id"`
	PageToken         string   `json:"page_token"`
	Scopes            []string `json:"scopes"`
	SubscribedFields  []string `json:"subscribed_fields"`
	SubscriptionError string   `json:"subscription_error"`
	TokenExpiresAt    string   `json:"token_expires_at"`
	DataAccessExpires string   `json:"data_access_expires_at"`
	Status            string   `json:"status"`
	StatusReason      string   `json:"status_reason"`
}

// newLife removes what earlier tests connected, because a claim takes from everybody.
func newLife(t *testing.T, p *project) *life {
	t.Helper()
	p.sql(t, "delete from public.user_configs")
	p.sql(t, "delete from public.erasures")
	return &life{project: p, user: p.newUser(t), facebook: unique("80008000")}
}

// connect connects an account as api/callback does, with a token for so many days, and returns its Instagram id. It was
// never checked since.
func (l *life) connect(t *testing.T, days int) string {
	t.Helper()
	id := newID()
	l.reconnect(t, id, days)
	return id
}

func (l *life) reconnect(t *testing.T, id string, days int) {
	t.Helper()
	l.mustUpsert(t, l.connection(id, days))
}

func (l *life) connection(id string, days int) object {
	connection := row(l.user, id, "user-token-"+unique(id+"-"))
	connection["page_id"], connection["page_token"] = "page-"+id, "page-token-"+unique(id+"-")
	connection["facebook_user_id"] = l.facebook
	connection["token_expires_at"] = time.Now().AddDate(0, 0, days).UTC().Format(time.RFC3339)
	return connection
}

// claim claims for ten minutes.
func (l *life) claim(t *testing.T, limit int) []due {
	t.Helper()
	var rows []due
	l.mustCall(t, "claim_due_connections", object{"p_limit": limit, "p_lease": "10 minutes"}, &rows)
	return rows
}

// wantClaim claims and checks which accounts come, in this order.
func (l *life) wantClaim(t *testing.T, limit int, ids ...string) []due {
	t.Helper()
	rows := l.claim(t, limit)
	got := []string{}
	for _, row := range rows {
		got = append(got, row.InstagramID)
	}
	if !slices.Equal(got, ids) {
		t.Fatalf("claimed %q, want %q", got, ids)
	}
	return rows
}

// result is what settle_connections takes for a claimed row, with further keys.
func (d due) result(more object) object {
	result := object{"lease_id": d.LeaseID, "user_id": d.UserID, "instagram_id": d.InstagramID, "token_version": d.TokenVersion}
	for key, value := range more {
		result[key] = value
	}
	return result
}

func (l *life) settle(t *testing.T, want int, results ...object) {
	t.Helper()
	l.wantCount(t, want, "settle_connections", object{"results": append([]object{}, results...)})
}

// read returns columns of the row of an account.
func (l *life) read(t *testing.T, id, columns string) object {
	t.Helper()
	rows := l.sql(t, "select "+columns+" from public.user_configs where instagram_id = $1", id)
	if len(rows) != 1 {
		t.Fatalf("%d rows of %s", len(rows), id)
	}
	return rows[0]
}

// leased tells whether somebody holds an account.
func (l *life) leased(t *testing.T, id string) bool {
	t.Helper()
	return l.read(t, id, "lease_id is not null or leased_until is not null as leased")["leased"].(bool)
}

// pass lets time pass for leases, checks and statuses.
func (l *life) pass(t *testing.T, interval string) {
	t.Helper()
	l.sql(t, "update public.user_configs set leased_until = leased_until - $1::interval, checked_at = checked_at - $1::interval", interval)
}

// wantSealed checks what must hold between any two calls: each row has the secrets it names, and each secret its row.
func (l *life) wantSealed(t *testing.T) {
	t.Helper()
	wrong := l.sql(t, `
		with named as (
			select 'user_configs/' || user_id || '/' || instagram_id as name, token_secret_id as id from public.user_configs
			union all
			select 'user_configs/' || user_id || '/' || instagram_id || '/page_token', page_token_secret_id from public.user_configs)
		select n.name as wanted, s.name as found
		from (select * from named where id is not null) n
		full join (select id, name from vault.secrets where name like 'user_configs/%' or name like 'igconnect/%') s
			on s.id = n.id and s.name = n.name
		where n.id is null or s.id is null`)
	if len(wrong) > 0 {
		t.Errorf("rows without their secret, or secrets without their row: %v", wrong)
	}
}
