package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"igconnect/internal/metasim"
)

// renewedEach is how many of them are near their end in each run of the renewal.
const renewedEach = 4

// agingConnection is one that the renewal works on, with tokens of 50 days of age: of 60 that a
// token has.
type agingConnection struct {
	visitor
	old []string
}

// storeAging writes the aging connections. Their old tokens are granted first of all, with Meta's
// clock set back.
func (s *soaking) storeAging(ctx context.Context, visitors []visitor) error {
	sim := s.meta.sim.Load()
	const age = 50 * 24 * time.Hour
	runs := int(s.plan.length/s.plan.renewals) + 1
	sim.Jump(-age)
	for _, v := range visitors {
		e := agingConnection{visitor: v}
		for range (runs*renewedEach)/len(visitors) + 1 {
			e.old = append(e.old, sim.Grant(metasim.Grant{Person: v.person}))
		}
		s.aging = append(s.aging, e)
		_, err := s.lite.SQL(ctx, `insert into public.user_configs (user_id, instagram_id, facebook_user_id, page_id, token, scopes)
			values ($1, $2, $3, $4, $5, '{instagram_basic,instagram_manage_messages,pages_show_list,pages_manage_metadata}')`,
			v.userID, v.account, v.person, v.page, e.old[0])
		if err != nil {
			return err
		}
	}
	sim.Jump(age)
	return nil
}

// renew makes all aging connections due, gives some of them an old token, and calls the cron job's
// URL.
func (s *soaking) renew(ctx context.Context, run int) {
	s.note("renewal", s.renewal(ctx, run))
}

func (s *soaking) renewal(ctx context.Context, run int) error {
	renewed := 0
	for i := range renewedEach {
		n := run*renewedEach + i
		e, turn := s.aging[n%len(s.aging)], n/len(s.aging)
		if turn >= len(e.old) {
			continue
		}
		renewed++
		if _, err := s.lite.SQL(ctx, "update public.user_configs set token = $1 where instagram_id = $2", e.old[turn], e.account); err != nil {
			return err
		}
	}
	_, err := s.lite.SQL(ctx, `update public.user_configs set checked_at = now() - interval '1 day', token_expires_at = now() + interval '10 days'
		where instagram_id >= $1`, s.aging[0].account)
	if err != nil {
		return err
	}

	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.side.url+"/api/renew", nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+cronSecret)
	answer, err := send(request)
	if err != nil {
		return err
	}
	if answer.status != http.StatusOK {
		return answer.refused("renew")
	}
	var came struct{ Checked, Renewed, Reconnect, Failed, Remaining int }
	if err := json.Unmarshal([]byte(answer.body), &came); err != nil {
		return err
	}
	if came.Checked < len(s.aging) || came.Renewed < renewed || came.Reconnect+came.Failed+came.Remaining > 0 {
		return fmt.Errorf("renew: %+v, want %d checked and %d renewed", came, len(s.aging), renewed)
	}
	return nil
}
