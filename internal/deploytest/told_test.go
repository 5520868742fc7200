package deploytest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"igconnect/internal/deploytest"
	"igconnect/internal/supalite/supalitetest"
)

// shown returns the only block of docs/lifecycle.md in a language that has these words.
func shown(t *testing.T, language, words string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/lifecycle.md")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, block := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		if strings.Contains(block[1], words) {
			found = append(found, block[1])
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d blocks have %q", len(found), words)
	}
	return found[0]
}

// TestMail has the worker in TypeScript mail its user, with what docs/lifecycle.md adds to it: once, with
// the reason and the way to mend it, and not where that was mended before the worker came. Supabase Lite
// has no administration of users.
func TestMail(t *testing.T) {
	d := connected(t)
	w := installTypeScript(t)
	file := filepath.Join(w.dir, "worker.ts")
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	const begin = "async function handle(event: Event): Promise<void> {\n"
	text := strings.Replace(string(source), begin, shown(t, "ts", "sendMail")+`
		supabase.auth.admin.getUserById = async (id) => ({ data: { user: { email: id + "@example.com" } }, error: null }) as any;
		const sendMail = async (...mail: [to: string, subject: string, text: string]) => console.log(mail.join("|"));
		`+begin+`if (event.kind === "connection") return tell(event);`+"\n", 1)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	check := exec.CommandContext(t.Context(), "npm", "run", "check")
	check.Dir = w.dir
	if out, err := check.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}

	status := func(status string, reason any) {
		d.SQL("update public.user_configs set status = $1, status_reason = $2", status, reason)
	}
	status("expiring", "Soon.")
	status("reconnect", "You changed your Facebook password.")
	want := d.User + "@example.com|Please connect Instagram again|You changed your Facebook password. " +
		"https://YOUR-HOST/api/login?return_to=/settings&instagram_id=" + deploytest.InstagramID(1) + "\n"
	if said := d.drain(w); said != want {
		t.Errorf("mailed %q, want %q", said, want)
	}
	status("active", nil)
	status("reconnect", "Again.")
	status("active", nil)
	if said := d.drain(w); said != "" {
		t.Errorf("mailed %q", said)
	}
	d.wantFinished()
}

// TestDatabaseWebhook has the trigger of docs/lifecycle.md call an address, with a stand-in for Supabase's
// function: for each event that tells of a connection, and without a token.
func TestDatabaseWebhook(t *testing.T) {
	t.Parallel()
	_, url := supalitetest.SharedOnPostgres(t)
	ctx := t.Context()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	tx, err := conn.Begin(ctx) // which is never committed
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		`create schema supabase_functions`,
		`grant usage on schema supabase_functions to public`,
		`create table supabase_functions.calls (address text, method text, headers jsonb, record jsonb)`,
		`create function supabase_functions.http_request() returns trigger language plpgsql security definer as $$
		begin
			insert into supabase_functions.calls values (tg_argv[0], tg_argv[1], tg_argv[2]::jsonb, to_jsonb(new));
			return null;
		end $$`,
		shown(t, "sql", "http_request"),
		`insert into public.user_configs (user_id, instagram_id, status) values ('told', '17841400000000077', 'active')`,
		`select public.ingest_instagram_events('[{"account": "17841400000000077", "key": "m", "kind": "message"}]')`,
		`delete from public.user_configs where user_id = 'told'`,
	} {
		if _, err := tx.Exec(ctx, statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	var calls []string
	if err := tx.QueryRow(ctx, `select array_agg(concat_ws(' ', method, address, headers ->> 'Authorization',
			record #>> '{payload,change}', record ->> 'user_id', record ? 'token') order by record ->> 'occurred_at')
		from supabase_functions.calls`).Scan(&calls); err != nil {
		t.Fatal(err)
	}
	const call = "POST https://YOUR-HOST/told Bearer YOUR-SECRET "
	if got := strings.Join(calls, "\n"); got != call+"connected told f\n"+call+"disconnected told f" {
		t.Errorf("called:\n%s", got)
	}
}
