-- The renewal: the daily job claims connections, asks Meta about them, and settles what came of it.
-- Nobody else gets a claimed connection meanwhile; a run that was killed loses its own when the lease
-- runs out.

-- Finds connections that are held no longer, or whose check failed and that are left alone no longer,
-- those first that wait longest. They are locked.
create function igconnect.set_back_connections(p_limit integer, p_checked_before timestamptz, p_but tid[])
returns setof tid
language sql security definer set search_path = '' set jit = off as $$
  select c.ctid from public.user_configs c
  where (c.status <> 'reconnect' or c.retry) and (c.lease_id is not null or c.failures > 0)
    and coalesce(c.leased_until, '-infinity'::timestamptz) <= now()
    and coalesce(c.checked_at, '-infinity'::timestamptz) < p_checked_before and c.ctid <> all (p_but)
  order by coalesce(c.leased_until, '-infinity'::timestamptz)
  limit p_limit
  for no key update skip locked
$$;

-- Leases connections that are due, and returns them with their tokens: first those whose person nobody
-- knows yet, because Meta's callbacks do not find them, then those whose tokens end soonest. Two claims
-- at once never return the same one, and the token is that of the version.
--
-- More may be due than runs can check. So that none waits for ever, an eighth of each claim is for those
-- that were not checked for longest, and an eighth at most for those whose check failed before: they come
-- last otherwise. A lease that ran out counts as a failed check: the run may have died because of it.
--
-- Each part walks an index in its order and ends with what it takes, however many are due.
create function public.claim_due_connections(
  p_limit integer, p_lease interval, p_unchecked interval default '20 hours', p_lease_id uuid default null
)
returns table (
  lease_id               uuid,
  user_id                text,
  instagram_id           text,
  facebook_user_id       text,
  token                  text,
  token_version          bigint,
  page_id                text,
  page_token             text,
  scopes                 text[],
  subscribed_fields      text[],
  subscription_error     text,
  token_expires_at       timestamptz,
  data_access_expires_at timestamptz,
  status                 text,
  status_reason          text
)
language plpgsql security definer set search_path = '' set enable_seqscan = off set jit = off as $$
declare
  claim  constant uuid := coalesce(p_lease_id, gen_random_uuid());
  before constant timestamptz := now() - p_unchecked;
  share  constant integer := p_limit / 8;
  turn   date := '-infinity';
  due    tid[];
begin
  perform igconnect.check_claim(p_limit, p_lease, 100);
  if p_unchecked is null or p_unchecked not between interval '0' and interval '30 days' then
    raise exception 'p_unchecked must be between 0 and 30 days.' using errcode = 'invalid_parameter_value';
  end if;

  due := array(select igconnect.set_back_connections(share, before, '{}'));
  due := due || array(
    select c.ctid from public.user_configs c
    where (c.status <> 'reconnect' or c.retry) and c.lease_id is null and c.failures = 0
      and coalesce(c.checked_at, '-infinity'::timestamptz) < before
    order by coalesce(c.checked_at, '-infinity'::timestamptz)
    limit share
    for no key update skip locked);
  loop
    due := due || array(
      select c.ctid from public.user_configs c
      where (c.status <> 'reconnect' or c.retry) and c.lease_id is null and c.failures = 0
        and case when c.facebook_user_id is null and c.checked_at is null then '-infinity'::date
                 else coalesce((c.token_expires_at at time zone 'UTC')::date, 'infinity'::date) end = turn
        and coalesce(c.checked_at, '-infinity'::timestamptz) < before and c.ctid <> all (due)
      order by coalesce(c.checked_at, '-infinity'::timestamptz)
      limit p_limit - cardinality(due)
      for no key update skip locked);
    exit when cardinality(due) = p_limit or turn = 'infinity';
    turn := coalesce((
      select min(case when c.facebook_user_id is null and c.checked_at is null then '-infinity'::date
                      else coalesce((c.token_expires_at at time zone 'UTC')::date, 'infinity'::date) end)
      from public.user_configs c
      where (c.status <> 'reconnect' or c.retry) and c.lease_id is null and c.failures = 0
        and case when c.facebook_user_id is null and c.checked_at is null then '-infinity'::date
                 else coalesce((c.token_expires_at at time zone 'UTC')::date, 'infinity'::date) end > turn), 'infinity');
  end loop;
  due := due || array(select igconnect.set_back_connections(p_limit - cardinality(due), before, due));

  -- A statement of its own, which sees the database as it is under the locks: a row and a secret of
  -- different times would pass an old token off as a new one. A connection whose token cannot be opened
  -- stops; a Page's token is fetched anew.
  return query
    with opened as materialized (
      select c.user_id, c.instagram_id, c.token_secret_id,
        igconnect.open_secret(c.token_secret_id) as token, igconnect.open_secret(c.page_token_secret_id) as page_token
      from public.user_configs c where c.ctid = any (due)
    ), checked as (
      select o.*, o.token is null and exists (select from vault.secrets s where s.id = o.token_secret_id) as unopened
      from opened o
    ), stopped as (
      update public.user_configs c set
        status = 'reconnect', status_reason = igconnect.unopened(),
        retry = true, -- the root key may come back
        checked_at = now(), failures = 0, lease_id = null, leased_until = null
      from checked d
      where c.user_id = d.user_id and c.instagram_id = d.instagram_id and d.unopened
    ), leased as (
      update public.user_configs c set
        lease_id = claim, leased_until = clock_timestamp() + p_lease,
        failures = c.failures + (c.lease_id is not null)::integer
      from checked d
      where c.user_id = d.user_id and c.instagram_id = d.instagram_id and not d.unopened
      returning c.*, d.token as opened_token, d.page_token as opened_page_token
    )
    select
      l.lease_id, l.user_id, l.instagram_id, l.facebook_user_id, l.opened_token, l.token_version, l.page_id,
      l.opened_page_token, l.scopes, l.subscribed_fields, l.subscription_error, l.token_expires_at,
      l.data_access_expires_at, l.status, l.status_reason
    from leased l
    order by l.facebook_user_id is not null, l.failures > 0, l.token_expires_at nulls last, l.user_id, l.instagram_id;
end
$$;

-- Returns how many connections are still to be checked, those included that are claimed or failed.
create function public.count_due_connections(p_unchecked interval default '20 hours') returns integer
language sql stable security definer set search_path = '' set jit = off as $$
  select count(*)::integer
  from (
    select from public.user_configs c
    where (c.status <> 'reconnect' or c.retry) and c.lease_id is null and c.failures = 0
      and coalesce(c.checked_at, '-infinity'::timestamptz) < now() - p_unchecked
    union all
    select from public.user_configs c
    where (c.status <> 'reconnect' or c.retry) and (c.lease_id is not null or c.failures > 0)
      and coalesce(c.checked_at, '-infinity'::timestamptz) < now() - p_unchecked) due
$$;

-- Ends the lease of what is left of one or more claims, and returns how many connections there were.
create function public.release_connections(p_lease_id uuid) returns integer
language plpgsql security definer set search_path = '' set enable_seqscan = off set jit = off as $$
declare
  changed integer;
begin
  -- Whoever holds one of them ends its lease himself, or it runs out.
  update public.user_configs c set lease_id = null, leased_until = null
  where c.connection_id in (
    select l.connection_id from public.user_configs l
    where l.lease_id = p_lease_id and (l.status <> 'reconnect' or l.retry) -- others are held by nobody
    for no key update skip locked);
  get diagnostics changed = row_count;
  return changed;
end
$$;

-- Writes what came of claimed connections, all of it or nothing, and returns how many were written. A
-- result counts only while its lease stands and its token is the newest: what the person or Meta did
-- meanwhile wins, or is doing for longer than a second. Of a connection, what the result leaves out
-- stays, and a null empties. A connection that turns out to be of a person who has asked for deletion
-- since it was made is deleted.
create function public.settle_connections(results jsonb) returns integer
language plpgsql security definer set search_path = '' set enable_seqscan = off set jit = off as $$
declare
  reports constant jsonb := igconnect.json_array('results', results);
  locked  uuid[];
  tokens  boolean;
  written integer;
  settled integer := 0;
begin
  -- First of all: so the person's own upsert has come through whole, or comes later and wins.
  locked := igconnect.lock_connections(array(
    select c.connection_id from jsonb_to_recordset(reports) as r (user_id text, instagram_id text)
    cross join lateral (
      select u.connection_id from public.user_configs u
      where u.user_id = r.user_id and u.instagram_id = r.instagram_id offset 0) c), '1 second');

  perform igconnect.delete_secrets(array(
    select unnest(igconnect.secret_names(c.user_id, c.instagram_id)) from public.user_configs c
    join jsonb_to_recordset(reports) as r (
        lease_id uuid, user_id text, instagram_id text, token_version bigint, destroy boolean)
      on c.user_id = r.user_id and c.instagram_id = r.instagram_id
      and c.lease_id = r.lease_id and c.token_version = r.token_version
    where r.destroy and c.connection_id = any (locked)));

  -- Where a statement names the tokens, the sealing looks up the secrets of each row, and few results have
  -- any: those by themselves.
  foreach tokens in array array[false, true] loop
    execute format($update$
      update public.user_configs c set
        -- The row itself with what the result names. The sealing takes the tokens.
        (%s token_expires_at, data_access_expires_at, scopes,
         subscribed_fields, subscription_error, status, status_reason, retry,
         username, name, picture_url, page_name) = (
          select %s n.token_expires_at, n.data_access_expires_at, n.scopes,
            n.subscribed_fields, n.subscription_error, n.status, n.status_reason, n.retry and r.destroy is not true,
            n.username, n.name, n.picture_url, n.page_name
          from jsonb_populate_record(c, r.result) n),
        -- Learned from Meta, for a row that was written without it.
        facebook_user_id = coalesce(c.facebook_user_id, r.result ->> 'facebook_user_id'),
        checked_at = case when r.checked then now() else c.checked_at end,
        failures = case when r.checked then 0 else c.failures + coalesce(r.failed, false)::integer end,
        lease_id = null,
        -- What failed once comes after the others, what fails again is left alone for a time that doubles.
        leased_until = case when r.failed and r.checked is not true then now() + greatest(
          case when c.failures > 0 then least(interval '15 minutes' * 2 ^ least(c.failures - 1, 10), interval '20 hours') end,
          r.retry_after * interval '1 second') end
      from (
        select e.result, k.*
        from jsonb_array_elements($1) as e (result),
          jsonb_to_record(e.result) as k (
            lease_id uuid, user_id text, instagram_id text, token_version bigint, checked boolean,
            failed boolean, retry_after integer, destroy boolean)
      ) r
      where c.user_id = r.user_id and c.instagram_id = r.instagram_id
        and c.lease_id = r.lease_id and c.token_version = r.token_version and c.connection_id = any ($2)
        and (r.destroy is true or r.result ?| '{token,page_token}') = $3
      $update$,
      case when tokens then 'token, page_token,' end,
      case when tokens then 'case when r.destroy then null else n.token end, case when r.destroy then null else n.page_token end,' end)
    using reports, locked, tokens;
    get diagnostics written = row_count;
    settled := settled + written;
  end loop;
  perform igconnect.erase_awaited(locked);
  return settled;
end
$$;

revoke all on all functions in schema igconnect from public;
revoke all on function
  public.claim_due_connections(integer, interval, interval, uuid), public.count_due_connections(interval),
  public.release_connections(uuid), public.settle_connections(jsonb)
  from public, anon, authenticated, service_role;
grant execute on function
  public.claim_due_connections(integer, interval, interval, uuid), public.count_due_connections(interval),
  public.release_connections(uuid), public.settle_connections(jsonb)
  to service_role;

comment on function public.claim_due_connections(integer, interval, interval, uuid) is
  'Hands out up to p_limit (1 to 100) connections that Meta was not asked about for p_unchecked (up to 30 days), with their tokens: those without facebook_user_id first, then those that end soonest, and some of those that waited longest or failed before. Nobody else gets them until p_lease (1 second to 1 hour) is over. Of those in "reconnect" only what may mend by itself ("retry") is handed out; a token of null means that its secret is gone; one that is there and cannot be opened sets its connection to "reconnect" instead, to be tried again a day later. Give back with settle_connections() what was checked, and with release_connections() at the end of the run what was not: what is given back unchecked is due again at once. Claims of one run may share a p_lease_id, and are then released together. For the secret key only. To renew more often than Vercel''s cron does, enable pg_cron and pg_net, store the cron secret once with select vault.create_secret(''<CRON_SECRET>'', ''igconnect_cron_secret''), and run once: select cron.schedule(''igconnect-renew'', ''*/5 * * * *'', $$select net.http_get(url := ''https://<your domain>/api/renew'', headers := jsonb_build_object(''Authorization'', ''Bearer '' || (select decrypted_secret from vault.decrypted_secrets where name = ''igconnect_cron_secret'')), timeout_milliseconds := 60000)$$); the answers are in net._http_response. select cron.unschedule(''igconnect-renew'') ends it.';
comment on function public.count_due_connections(interval) is
  'How many connections claim_due_connections() has not seen checked yet, those included that are claimed at this moment or left alone because they failed. For the secret key only.';
comment on function public.release_connections(uuid) is
  'Gives back what is left of the claims under a lease_id, to be claimed again at once, and returns how many there were. For the secret key only.';
comment on function public.settle_connections(jsonb) is
  'Writes what came of claimed connections, ends their lease, and returns how many were written. Takes an array of {"lease_id", "user_id", "instagram_id", "token_version"}, as claimed, with any of {"token", "page_token", "token_expires_at", "data_access_expires_at", "scopes", "subscribed_fields", "subscription_error", "status", "status_reason", "retry", "username", "name", "picture_url", "page_name"}, and "facebook_user_id", which is written where there is none: what is left out stays as it is, null empties it (a token only "destroy" removes). "checked": true marks it as checked now; without, it is due again at once. "failed": true lets it come after the others from then on and, if it fails again, leaves it alone for 15 minutes, then 30, and so on up to 20 hours; "retry_after": for so many seconds at least. "destroy": true destroys both tokens. A result whose lease somebody else has now, or whose token the person replaced meanwhile, is ignored. For the secret key only.';

-- Whom to write to. The view is for a job of the app's own that sends e-mails, and can run inside the
-- database, with the extensions pg_cron and pg_net. By "since" each change of a status is told once:
--
--   select cron.schedule('mail-lost-connections', '0 9 * * *', $$
--     select net.http_post(
--       url := 'https://<your domain>/<your mailer>',
--       headers := jsonb_build_object('Authorization', 'Bearer ' || (
--         select decrypted_secret from vault.decrypted_secrets where name = '<its secret>')),
--       body := to_jsonb(a))
--     from public.connections_needing_attention a
--     where a.since > now() - interval '1 day' $$);
create view public.connections_needing_attention with (security_invoker = true) as
  select c.user_id, c.instagram_id, c.username, c.status, c.status_reason, c.status_since as since
  from public.user_configs c
  where c.status <> 'active';

revoke all on table public.connections_needing_attention from public, anon, authenticated, service_role;
grant select on table public.connections_needing_attention to service_role;

comment on view public.connections_needing_attention is
  'Connections whose owners have something to do: "expiring" soon, or waiting for "reconnect". For a job that writes to them: select those whose "since" is newer than its last run. For the secret key only.';
