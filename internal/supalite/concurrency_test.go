package supalite_test

import (
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"igconnect/internal/supalite/pgtest"
	"igconnect/internal/supalite/supalitetest"
)

// TestConcurrentWriters lets 16 clients upsert and delete the same three accounts, on a PostgreSQL with a session each:
// nobody may fail, and at the end each row has its secret and each secret its row.
func TestConcurrentWriters(t *testing.T) {
	p := &project{startOnPostgres(t)}
	const clients, rounds = 16, 25
	u := p.newUser(t)
	ids := []string{newID(), newID(), newID()}

	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for range rounds {
				id := ids[rand.IntN(len(ids))]
				method, path, body := "POST", upserts, any(row(u, id, newToken()))
				if rand.IntN(3) == 0 {
					method, path, body = "DELETE", one(id), nil
				}
				status, out, err := p.send(t.Context(), p.service(), method, path, body, "resolution=merge-duplicates")
				if err != nil || status >= 300 {
					t.Errorf("%s: status %d, %v: %s", method, status, err, out)
				}
			}
		})
	}
	wg.Wait()

	wrong := p.sql(t, `
		select c.instagram_id, s.name from public.user_configs c
		full join vault.secrets s on s.id = c.token_secret_id
		where c.instagram_id is null or s.id is null`)
	if len(wrong) > 0 {
		t.Errorf("rows without a secret, or secrets without a row: %v", wrong)
	}
}

// TestConcurrentRoles sends requests of three roles at once: none may be answered under another's.
func TestConcurrentRoles(t *testing.T) {
	p := &project{supalitetest.Shared(t)}
	u, id := p.newUser(t), newID()
	p.mustUpsert(t, row(u, id, newToken()))
	var wg sync.WaitGroup
	for range 20 {
		for _, test := range []struct {
			who  caller
			path string
			want int
		}{
			{p.service(), "user_configs?select=*", 200},
			{p.user(u), "user_configs?select=instagram_id", 200},
			{p.user(u), "user_configs?select=*", 403},
			{p.anon(), "user_configs?select=instagram_id", 401},
		} {
			wg.Go(func() {
				status, out, err := p.send(t.Context(), test.who, "GET", test.path, nil)
				if err != nil || status != test.want {
					t.Errorf("%s: status %d, want %d: %v %s", test.path, status, test.want, err, out)
				}
			})
		}
	}
	wg.Wait()
}

// TestVaultMissing applies the first migration to a database that has no Vault.
func TestVaultMissing(t *testing.T) {
	if testing.Short() {
		t.Skip("starting PostgreSQL takes seconds")
	}
	migrations, err := supalitetest.Migrations()
	if err != nil {
		t.Fatal(err)
	}
	sql := readFile(t, migrations, "20261123090000_vault.sql")
	conn, err := pgx.Connect(t.Context(), pgtest.Start(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), sql)
	if err == nil || !strings.Contains(err.Error(), "igconnect keeps its tokens in Supabase Vault") {
		t.Errorf("error = %v, want the sentence about Vault", err)
	}
}
