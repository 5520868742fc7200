package supabase_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestMovedUsers runs the SQL of docs/users.md that moves connections to other ids of their users.
func TestMovedUsers(t *testing.T) {
	onBothDatabases(t, newRenewal, []testCase[*renewal]{{"Copied", movedUsersCase}})
}

func movedUsersCase(t *testing.T, r *renewal) {
	document, err := os.ReadFile("../docs/users.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```sql\n(.*?)```").FindSubmatch(document)
	if block == nil {
		t.Fatal("docs/users.md has no SQL")
	}
	other := r.leaver()
	shared, own := r.connect(t, 60), r.connect(t, 60)
	other.connect(t, 60)
	other.upsert(t, other.connection(shared, 60)) // both hold it
	r.patch(t, own, object{"status": "reconnect", "status_reason": "gone"})
	// All that is told of an account, and nothing that is the row's own.
	const columns = `select to_jsonb(c) - array['user_id', 'auth_user_id', 'connection_id', 'updated_at', 'status_since',
		'token_version', 'token_secret_id', 'page_token_secret_id'] as row
		from public.user_configs c where c.user_id = $1 order by c.instagram_id`
	tokens := func(user string) (all []object) {
		for _, id := range []string{shared, own} {
			for _, found := range r.lookUp(t, id) {
				if found["user_id"] == user {
					all = append(all, object{"id": id, "token": found["token"], "page_token": found["page_token"]})
				}
			}
		}
		return all
	}
	rows, before := r.sql(t, columns, r.user.ID), tokens(r.user.ID)
	wantEqual(t, "connections", 2, len(rows))

	const moved = "auth0|moved"
	r.sql(t, "create table public.moved_users (old_id text, new_id text)")
	defer r.sql(t, "drop table public.moved_users")
	r.sql(t, "insert into public.moved_users values ($1, $2)", r.user.ID, moved)
	for _, statement := range strings.Split(strings.TrimSpace(string(block[1])), ";\n") {
		r.sql(t, strings.TrimSuffix(statement, ";"))
	}

	wantEqual(t, "rows", rows, r.sql(t, columns, moved))
	wantEqual(t, "tokens", before, tokens(moved))
	r.wantSecrets(t, 4, moved)
	r.wantSecrets(t, 0, r.user.ID)
	wantEqual(t, "rows of the old id", 0, len(r.sql(t, columns, r.user.ID)))
	wantEqual(t, "rows of another user", 2, len(r.sql(t, columns, other.user.ID)))
}
