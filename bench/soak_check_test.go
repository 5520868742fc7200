package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"testing"

	"igconnect/internal/leaks"
)

// checkDatabase compares the database with what the functions said they did, and returns what does
// not fit.
func (s *soaking) checkDatabase(t *testing.T) (problems []string) {
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	query := func(sql string, args ...any) []map[string]any {
		rows, err := s.lite.SQL(t.Context(), sql, args...)
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}

	// Every message of an acknowledged delivery is there once, and no other is.
	missing := maps.Clone(s.accepted)
	for _, row := range query("select payload->'message'->>'mid' as mid, count(*)::int as n from public.instagram_events group by 1") {
		mid, _ := row["mid"].(string)
		if row["n"] != 1.0 || !s.accepted[mid] {
			wrong("the message %q is in the inbox %v times", mid, row["n"])
		}
		delete(missing, mid)
	}
	if len(missing) > 0 {
		wrong("%d of %d acknowledged messages are not in the inbox", len(missing), len(s.accepted))
	}

	// Everybody who was told to be connected is one row, whose tokens Meta gave out.
	granted := s.sim.Load().Secrets()
	known := func(token any) bool { return slices.Contains(granted, fmt.Sprint(token)) }
	for _, account := range slices.Sorted(maps.Keys(s.connected)) {
		rows := query("select token, page_token, status from public.get_instagram_token($1)", account)
		if len(rows) != 1 || rows[0]["status"] != "active" || !known(rows[0]["token"]) || !known(rows[0]["page_token"]) {
			wrong("the account %s has %d rows, or one without its tokens", account, len(rows))
		}
	}

	// Vault holds what the rows name, and nothing else.
	vault := query(`
		with named as (
			select token_secret_id as id from public.user_configs where token_secret_id is not null
			union all
			select page_token_secret_id from public.user_configs where page_token_secret_id is not null)
		select (select count(*)::int from vault.secrets s where name like 'user_configs/%' and s.id not in (select id from named)) as orphans,
			(select count(*)::int from named where id not in (select id from vault.secrets)) as missing`)[0]
	if vault["orphans"] != 0.0 || vault["missing"] != 0.0 {
		wrong("Vault holds %v secrets of no row, and lacks %v", vault["orphans"], vault["missing"])
	}
	return problems
}

// checkLog: the functions logged, and no secret.
func (s *soaking) checkLog(t *testing.T) (problems []string) {
	logged, err := os.ReadFile(s.side.process.said.Name())
	if err != nil {
		t.Fatal(err)
	}
	if len(logged) == 0 {
		problems = append(problems, "the functions logged nothing")
	}
	secrets := leaks.Numbered("of Meta's", s.sim.Load().Secrets())
	maps.Copy(secrets, map[string]string{
		"FB_APP_SECRET": appSecret, "WEBHOOK_VERIFY_TOKEN": verifyToken, "CRON_SECRET": cronSecret, "SUPABASE_SECRET_KEY": s.lite.ServiceKey,
	})
	for _, leak := range leaks.Find(logged, secrets) {
		problems = append(problems, "in the log: "+leak.String())
	}
	return problems
}

// report prints what was done, what went wrong and how the process changed. It reports whether it
// stayed flat.
func (s *soaking) report(out io.Writer, samples []sample, problems []string) (flat bool) {
	fmt.Fprintf(out, "\nIn %v: %d connects, %d deliveries of %d events, %d runs of the renewal.\n\n",
		s.plan.length, s.done["connect"], s.done["delivery"], s.plan.events, s.done["renewal"])
	flat = reportTrends(out, samples)
	s.reportErrors(out)
	fmt.Fprintln(out)
	for _, problem := range problems {
		fmt.Fprintln(out, "Wrong in the database:", problem)
	}
	if len(problems) == 0 {
		fmt.Fprintf(out, "In the database: %d messages, each once; %d connections with their tokens; no secret of no row.\n", len(s.accepted), len(s.connected))
	}
	yes := map[bool]string{true: "yes", false: "NO"}
	fmt.Fprintf(out, "Flat: %s. No error but those ordered: %s. The database is right: %s.\n", yes[flat], yes[len(s.details) == 0], yes[len(problems) == 0])
	return flat
}

// reportErrors prints each error beside how often it was ordered.
func (s *soaking) reportErrors(out io.Writer) {
	fmt.Fprintf(out, "\nOrdered in each of %d rounds:\n", s.plan.faultRounds)
	for _, f := range soakFaults {
		fmt.Fprintf(out, "- %s; may show: %s\n", f.what, cmp.Or(f.shows, "nothing, it is tried again"))
	}
	fmt.Fprint(out, "\n| error | ordered | seen |\n|---|---:|---:|\n")
	kinds := maps.Clone(s.ordered)
	maps.Copy(kinds, s.seen)
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		fmt.Fprintf(out, "| %s | %d | %d |\n", kind, s.ordered[kind], s.seen[kind])
	}
	for _, detail := range s.details[:min(10, len(s.details))] {
		fmt.Fprintln(out, "Not ordered:", detail)
	}
	if more := len(s.details) - 10; more > 0 {
		fmt.Fprintf(out, "and %d more\n", more)
	}
}
