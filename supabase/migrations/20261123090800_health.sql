-- What GET /api/health asks the database.

-- Returns the version of the newest migration that was applied, which is this one. Each new migration
-- replaces this function. What the deployed functions expect is SchemaVersion in lib/store.
create function public.igconnect_schema_version() returns text
language sql stable security definer set search_path = '' as $$
  select '20261123090800'
$$;

-- Reports whether Vault gives back what was sealed, by a secret that it removes again. If Vault fails,
-- its error is the answer, and takes that secret back with it.
create function public.probe_vault() returns boolean
language plpgsql security definer set search_path = '' as $$
declare
  value  constant text := gen_random_uuid();
  probe  uuid;
  opened text;
begin
  probe := vault.create_secret('pending', 'igconnect/probe/' || gen_random_uuid(), 'A probe of igconnect. It should be gone.');
  perform vault.update_secret(probe, value);
  select s.decrypted_secret into opened from vault.decrypted_secrets s where s.id = probe;
  delete from vault.secrets s where s.id = probe;
  return opened is not distinct from value;
end
$$;

-- For what was given up: the inbox's other indexes know what is open.
create index instagram_events_dead_idx on public.instagram_events (dead_at) where dead_at is not null;

-- Returns since when the longest waiting have waited: for the daily check (the last one, or the connect),
-- for a worker, and for somebody to look at events that were given up. Null: nothing waits. And of the
-- connections whose tokens end within a week, how many nobody has looked at for 36 hours; and how many of all
-- fail at each check for two days, and so do not count as unchecked. And how many of those that work are
-- known to get no messages, up to a hundred.
--
-- It never reads a whole table. Of the conversations it looks at the thousand whose turn comes first:
-- where no worker comes for days, the oldest are among them. It counts to a thousand.
create function public.igconnect_backlog()
returns table (
  unchecked_since timestamptz, ending integer, failing integer,
  waiting_since timestamptz, dead_since timestamptz, unopened integer, left_out text, mute integer
)
language sql stable security definer set search_path = '' set jit = off as $$
  with set_back as (
    select coalesce(c.checked_at, c.connected_at) as unchecked, c.token_expires_at, c.failures
    from public.user_configs c
    where (c.status <> 'reconnect' or c.retry) and (c.lease_id is not null or c.failures > 0)
      and coalesce(c.checked_at, c.connected_at) < now() - interval '36 hours'
    limit 1000
  )
  select
    least(
      (select c.checked_at from public.user_configs c
       where (c.status <> 'reconnect' or c.retry) and c.lease_id is null and c.failures = 0
         and coalesce(c.checked_at, '-infinity'::timestamptz) > '-infinity'
       order by coalesce(c.checked_at, '-infinity'::timestamptz) limit 1),
      (select min(n.connected_at) from (
         select c.connected_at from public.user_configs c
         where (c.status <> 'reconnect' or c.retry) and c.lease_id is null and c.failures = 0
           and coalesce(c.checked_at, '-infinity'::timestamptz) = '-infinity'
         limit 1000) n),
      (select min(b.unchecked) from set_back b where b.failures = 0)),
    (select count(*)::integer from (
       select from public.user_configs c
       where (c.status <> 'reconnect' or c.retry) and c.lease_id is null and c.failures = 0
         and case when c.facebook_user_id is null and c.checked_at is null then '-infinity'::date
                  else coalesce((c.token_expires_at at time zone 'UTC')::date, 'infinity'::date) end < current_date + 7
         and coalesce(c.checked_at, '-infinity'::timestamptz) < now() - interval '36 hours'
         and coalesce(c.checked_at, c.connected_at) < now() - interval '36 hours'
         and c.token_expires_at is not null
       limit 1000) soon)
      + (select count(*)::integer from set_back b where b.token_expires_at < now() + interval '7 days'),
    (select count(*)::integer from set_back b where b.failures > 0 and b.unchecked < now() - interval '2 days'),
    (select min(e.received_at)
     from (
       select c.connection_id, c.conversation from public.instagram_conversations c
       join public.user_configs u on u.connection_id = c.connection_id
       where not c.parked and c.user_id is null and u.status <> 'reconnect'
       order by c.due_at limit 1000) c
     cross join lateral (
       select o.received_at from public.instagram_events o
       where o.connection_id = c.connection_id and o.conversation = c.conversation and o.finished_at is null and o.dead_at is null
       order by o.occurred_at limit 1) e),
    (select min(e.dead_at) from public.instagram_events e where e.dead_at is not null),
    (select count(*)::integer from public.user_configs c where c.status_reason = igconnect.unopened()),
    (select c.subscription_error from public.user_configs c
     where c.subscription_error like '%: left out %' order by c.connected_at desc limit 1),
    (select count(*)::integer from (
       select from public.user_configs c where c.status <> 'reconnect' and not c.subscribed_fields @> '{messages}' limit 100) without)
$$;

revoke all on function public.igconnect_schema_version(), public.probe_vault(), public.igconnect_backlog()
  from public, anon, authenticated, service_role;
grant execute on function public.igconnect_schema_version(), public.probe_vault(), public.igconnect_backlog() to service_role;

comment on function public.igconnect_schema_version() is
  'The version of the newest of igconnect''s migrations that were applied here. For the secret key only.';
comment on function public.probe_vault() is
  'Whether Vault gives back what was sealed, tried with a secret that it removes again. Vault''s own error if it fails. For the secret key only.';
comment on function public.igconnect_backlog() is
  'Since when the longest waiting have waited: "unchecked_since" for the daily check (without those that fail at each), "waiting_since" for a worker, "dead_since" for a look at events that were given up. "ending" counts connections whose token ends within a week and that were not checked for 36 hours, "failing" those whose check fails for two days, "unopened" those whose token Vault can''t open. "left_out" is what Meta said last of a webhook field that it does not know. "mute" counts working connections that are not subscribed to messages, to a hundred. Events of connections in "reconnect" wait for their person and do not count, nor do those that tell of connections themselves. For the secret key only.';

-- PostgREST learns of everything that the migrations made.
notify pgrst, 'reload schema';
