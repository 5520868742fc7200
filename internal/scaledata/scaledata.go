// Package scaledata fills a database with connections and their inboxes by the hundred thousand, in
// bulk, and tells the plans of what runs on it. It needs a session of a superuser.
package scaledata

import (
	"context"
	"crypto/md5"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// The names of what belongs to connection n. Four connections share their app's user, and the Facebook
// person who approved. Every second has a Page.

// User is the id of a Supabase user.
func User(n int) string { return uuid.UUID(md5.Sum(fmt.Append(nil, "user", n/4))).String() }

// Person is the id of a Facebook person.
func Person(n int) string { return fmt.Sprint(5_000_000_000 + n/4) }

// Account is the id of an Instagram account.
func Account(n int) string { return fmt.Sprint(17_841_400_000_000_000 + n) }

// names are the same in SQL, for the rows (n) that $1 and $2 span.
const names = `
	with numbered as (
		select n, md5('user' || n / 4)::uuid as user_id, (5000000000 + n / 4)::text as person,
			(17841400000000000 + n)::text as account, (10000000000 + n)::text as page,
			(n::bigint * 7919 % 3456000) * interval '1 second' as age -- up to 40 days
		from generate_series($1::integer, $2::integer - 1) n)`

// AddUsers adds the Supabase users of the connections from number first up to but not including end.
func AddUsers(ctx context.Context, conn *pgx.Conn, first, end int) error {
	_, err := conn.Exec(ctx, names+`
		insert into auth.users (id, email) select distinct user_id, user_id || '@example.com' from numbered
		on conflict do nothing`, first, end)
	return err
}

// AddConnections adds the connections from number first up to but not including end, as they are when
// the app has been used for a while. Each has its user, secrets that open, and five events in a
// conversation, half of them finished. Half of the connections are due for their check, one in twenty
// ends soon, and one in twenty has stopped. Whatever their number, 80 changed their status within the
// last day, and 100 have no known person yet.
func AddConnections(ctx context.Context, conn *pgx.Conn, first, end int) error {
	if err := AddUsers(ctx, conn, first, end); err != nil {
		return err
	}
	return inBulk(ctx, conn, first, end, `
		insert into public.user_configs (user_id, instagram_id, auth_user_id, page_id, page_name, username, name, picture_url,
			facebook_user_id, scopes, token_expires_at, status, status_reason, status_since, subscribed_fields,
			checked_at, connected_at, token_secret_id, page_token_secret_id)
		select user_id, account, user_id, case when paged then page end, case when paged then 'Page ' || n end,
			'brand_' || n, 'Brand ' || n, 'https://scontent.cdninstagram.com/v/' || repeat('picture', 20) || n,
			case when not unknown then person end,
			'{instagram_basic,instagram_manage_messages,pages_show_list,pages_manage_metadata}',
			now() + interval '60 days' - age, status, case when status <> 'active' then 'The token ends soon.' end,
			now() - case when n < 800 then interval '1 hour' else interval '2 days' + age end,
			'{messages,messaging_postbacks}',
			case when not unknown then now() - case when n / 4 % 2 = 0 then interval '30 hours' else interval '1 hour' end - age / 100 end,
			now() - age, vault.create_secret('EAA' || repeat('u', 180) || n, (igconnect.secret_names(user_id::text, account))[1]),
			case when paged then vault.create_secret('EAA' || repeat('p', 180) || n, (igconnect.secret_names(user_id::text, account))[2]) end
		from numbered, lateral (
			select n % 2 = 0 as paged, n between 1000 and 1099 as unknown,
				case n % 20 when 7 then 'expiring' when 13 then 'reconnect' else 'active' end as status) as made`, `
		insert into public.instagram_events (connection_id, user_id, instagram_id, key, conversation, kind, payload, occurred_at, received_at, finished_at)
		select c.connection_id, c.user_id, account, 'message/' || n || '/' || k, account || '/' || 7000000000 + n, 'message', `+payload+`,
			now() - age + k * interval '1 second', now() - age + k * interval '1 second', case when k < 2 + n % 2 then now() - age end
		from `+connected+`, generate_series(0, 4) k`, `
		insert into public.instagram_conversations (connection_id, conversation, due_at, parked)
		select c.connection_id, account || '/' || 7000000000 + n, now() - age, c.status = 'reconnect' from `+connected)
}

// connected is each row with its connection.
const connected = `numbered join public.user_configs c on c.user_id = numbered.user_id::text and c.instagram_id = account`

// payload is a message as Meta sends it.
const payload = `jsonb_build_object('sender', jsonb_build_object('id', '7000000000'), 'recipient', jsonb_build_object('id', account),
	'timestamp', 1764000000000 + k, 'message', jsonb_build_object('mid', repeat('aWdfZAG1faXRlbTox', 8) || k, 'text', repeat('Are you open today? ', 4)))`

// AddEvents gives connection n that many further events, in conversations of 200, half of them finished.
func AddEvents(ctx context.Context, conn *pgx.Conn, n, events int) error {
	return inBulk(ctx, conn, n, n+1, fmt.Sprintf(`
		insert into public.instagram_events (connection_id, user_id, instagram_id, key, conversation, kind, payload, occurred_at, received_at, finished_at)
		select c.connection_id, c.user_id, account, 'message/more/' || k, account || '/more' || k / 200, 'message', `+payload+`,
			now() - k * interval '1 second', now() - k * interval '1 second', case when k %% 200 < 100 then now() end
		from `+connected+`, generate_series(0, %d - 1) k`, events), fmt.Sprintf(`
		insert into public.instagram_conversations (connection_id, conversation)
		select c.connection_id, account || '/more' || k from `+connected+`, generate_series(0, (%d - 1) / 200) k`, events))
}

// inBulk runs statements on numbered rows, without the triggers and checks of each row.
func inBulk(ctx context.Context, conn *pgx.Conn, first, end int, statements ...string) error {
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "set local session_replication_role = replica"); err != nil {
			return err
		}
		for _, statement := range statements {
			if _, err := tx.Exec(ctx, names+statement, first, end); err != nil {
				return err
			}
		}
		return nil
	})
}
