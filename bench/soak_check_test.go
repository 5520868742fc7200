package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"

	"igconnect/internal/leaks"
)

// check compares the database with what the functions said they did, and returns what does not
// fit.
func (s *soaking) check(ctx context.Context) (problems []string, err error) {
	for _, check := range []func(context.Context) ([]string, error){s.checkInbox, s.checkConnections, s.checkSecrets, s.checkLog} {
		found, err := check(ctx)
		if err != nil {
			return nil, err
		}
		problems = append(problems, found...)
	}
	return problems, nil
}

// checkInbox: every message of an acknowledged delivery is there once, and no other is.
func (s *soaking) checkInbox(ctx context.Context) (problems []string, err error) {
	rows, err := s.lite.SQL(ctx, "select payload->'message'->>'mid' as mid, count(*)::int as n from public.instagram_events group by 1")
	if err != nil {
		return nil, err
	}
	missing := maps.Clone(s.accepted)
	for _, row := range rows {
		mid, _ := row["mid"].(string)
		if row["n"] != 1.0 || !s.accepted[mid] {
			problems = append(problems, fmt.Sprintf("the message %q is in the inbox %v times", mid, row["n"]))
		}
		delete(missing, mid)
	}
	if len(missing) > 0 {
		problems = append(problems, fmt.Sprintf("%d of %d acknowledged messages are not in the inbox", len(missing), len(s.accepted)))
	}
	return problems, nil
}

// checkConnections: everybody who was told to be connected is one row, whose token Meta gave out.
func (s *soaking) checkConnections(ctx context.Context) (problems []string, err error) {
	known := map[string]bool{}
	for _, secret := range s.meta.sim.Load().Secrets() {
		known[secret] = true
	}
	for _, account := range slices.Sorted(maps.Keys(s.connected)) {
		rows, err := s.lite.SQL(ctx, "select token, page_token, status from public.get_instagram_token($1)", account)
		if err != nil {
			return nil, err
		}
		if len(rows) != 1 || rows[0]["status"] != "active" || !known[fmt.Sprint(rows[0]["token"])] || !known[fmt.Sprint(rows[0]["page_token"])] {
			problems = append(problems, fmt.Sprintf("the account %s has %d rows, or one without its tokens", account, len(rows)))
		}
	}
	return problems, nil
}

// checkSecrets: Vault holds what the rows name, and nothing else.
func (s *soaking) checkSecrets(ctx context.Context) ([]string, error) {
	rows, err := s.lite.SQL(ctx, `
		with named as (
			select token_secret_id as id from public.user_configs where token_secret_id is not null
			union all
			select page_token_secret_id from public.user_configs where page_token_secret_id is not null)
		select (select count(*)::int from vault.secrets s where name like 'user_configs/%' and s.id not in (select id from named)) as orphans,
			(select count(*)::int from named where id not in (select id from vault.secrets)) as missing`)
	if err != nil {
		return nil, err
	}
	if rows[0]["orphans"] != 0.0 || rows[0]["missing"] != 0.0 {
		return []string{fmt.Sprintf("Vault holds %v secrets of no row, and lacks %v", rows[0]["orphans"], rows[0]["missing"])}, nil
	}
	return nil, nil
}

// checkLog: the functions logged, and no secret.
func (s *soaking) checkLog(context.Context) (problems []string, err error) {
	logged, err := os.ReadFile(s.side.process.said.Name())
	if err != nil {
		return nil, err
	}
	if len(logged) == 0 {
		problems = append(problems, "the functions logged nothing")
	}
	secrets := leaks.Numbered("of Meta's", s.meta.sim.Load().Secrets())
	maps.Copy(secrets, map[string]string{
		"FB_APP_SECRET": appSecret, "WEBHOOK_VERIFY_TOKEN": verifyToken, "CRON_SECRET": cronSecret, "SUPABASE_SECRET_KEY": s.lite.ServiceKey,
	})
	for _, leak := range leaks.Find(logged, secrets) {
		problems = append(problems, "in the log: "+leak.String())
	}
	return problems, nil
}
