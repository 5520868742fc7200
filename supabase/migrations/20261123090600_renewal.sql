-- The renewal: the daily job claims connections, asks Meta about them, and settles what came of it.
-- Nobody else gets a claimed connection meanwhile; a run that was killed loses its own when the lease
-- runs out.

-- Leases connections that are due, and returns them with their tokens: first those whose person nobody
-- knows yet, because Meta's callbacks do not find them, then those whose tokens end soonest. Two claims
-- at once never return the same one, and the token is that of the version.
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
language plpgsql security definer set search_path = '' as $$
declare
  claim constant uuid := coalesce(p_lease_id, gen_random_uuid());
  due   public.user_configs[];
begin
  perform igconnect.check_claim(p_limit, p_lease, 100);
  if p_unchecked is null or p_unchecked not between interval '0' and interval '30 days' then
    raise exception 'p_unchecked must be between 0 and 30 days.' using errcode = 'invalid_parameter_value';
  end if;

  due := array(
    select c from public.user_configs c
    where (c.status <> 'reconnect' or c.retry)
      and (c.checked_at is null or c.checked_at < now() - p_unchecked)
      and (c.leased_until is null or c.leased_until <= clock_timestamp())
    order by c.facebook_user_id is not null, c.token_expires_at nulls last
    limit p_limit
    for no key update skip locked);

  -- A statement of its own, which sees the database as it is under the locks: a row and a secret of
  -- different times would pass an old token off as a new one. A connection whose token cannot be opened
  -- stops; a Page's token is fetched anew.
  return query
    with opened as materialized (
      select d.user_id, d.instagram_id, d.token_secret_id,
        igconnect.open_secret(d.token_secret_id) as token, igconnect.open_secret(d.page_token_secret_id) as page_token
      from unnest(due) d
    ), checked as (
      select o.*, o.token is null and exists (select from vault.secrets s where s.id = o.token_secret_id) as unopened
      from opened o
    ), leased as (
      update public.user_configs c set
        lease_id = case when not d.unopened then claim end,
        leased_until = case when not d.unopened then clock_timestamp() + p_lease end,
        status = case when d.unopened then 'reconnect' else c.status end,
        status_reason = case when d.unopened then igconnect.unopened() else c.status_reason end,
        retry = d.unopened or c.retry, -- the root key may come back
        checked_at = case when d.unopened then now() else c.checked_at end
      from checked d
      where c.user_id = d.user_id and c.instagram_id = d.instagram_id
      returning c.*, d.token as opened_token, d.page_token as opened_page_token
    )
    select
      l.lease_id, l.user_id, l.instagram_id, l.facebook_user_id, l.opened_token, l.token_version, l.page_id,
      l.opened_page_token, l.scopes, l.subscribed_fields, l.subscription_error, l.token_expires_at,
      l.data_access_expires_at, l.status, l.status_reason
    from leased l
    where l.lease_id = claim
    order by l.facebook_user_id is not null, l.token_expires_at nulls last, l.user_id, l.instagram_id;
end
$$;

-- Returns how many connections are still to be checked, those included that are claimed.
create function public.count_due_connections(p_unchecked interval default '20 hours') returns integer
language sql stable security definer set search_path = '' as $$
  select count(*)::integer from public.user_configs c
  where (c.status <> 'reconnect' or c.retry) and (c.checked_at is null or c.checked_at < now() - p_unchecked)
$$;

-- Ends the lease of what is left of one or more claims, and returns how many connections there were.
create function public.release_connections(p_lease_id uuid) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  changed integer;
begin
  -- Whoever holds one of them ends its lease himself, or it runs out.
  update public.user_configs c set lease_id = null, leased_until = null
  where c.connection_id in (
    select l.connection_id from public.user_configs l where l.lease_id = p_lease_id for no key update skip locked);
  get diagnostics changed = row_count;
  return changed;
end
$$;

-- Writes what came of claimed connections, all of it or nothing, and returns how many were written. A
-- result counts only while its lease stands and its token is the newest: what the person or Meta did
-- meanwhile wins, or is doing for longer than a second. Of a connection, what the result leaves out stays, and a null empties. A connection
-- that turns out to be of a person who has asked for deletion since it was made is deleted.
create function public.settle_connections(results jsonb) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  reports constant jsonb := igconnect.json_array('results', results);
  locked  uuid[];
  settled integer;
begin
  -- First of all: so the person's own upsert has come through whole, or comes later and wins.
  locked := igconnect.lock_connections(array(
    select c.connection_id from public.user_configs c
    join jsonb_to_recordset(reports) as r (user_id text, instagram_id text)
      on c.user_id = r.user_id and c.instagram_id = r.instagram_id), '1 second');

  delete from vault.secrets s
  where s.name = any (array(
    select unnest(igconnect.secret_names(c.user_id, c.instagram_id)) from public.user_configs c
    join jsonb_to_recordset(reports) as r (
        lease_id uuid, user_id text, instagram_id text, token_version bigint, destroy boolean)
      on c.user_id = r.user_id and c.instagram_id = r.instagram_id
      and c.lease_id = r.lease_id and c.token_version = r.token_version
    where r.destroy and c.connection_id = any (locked)));

  update public.user_configs c set
    -- The row itself with what the result names. The sealing takes the tokens.
    (token, page_token, token_expires_at, data_access_expires_at, scopes,
     subscribed_fields, subscription_error, status, status_reason, retry,
     username, name, picture_url, page_name) = (
      select case when r.destroy then null else n.token end, case when r.destroy then null else n.page_token end,
        n.token_expires_at, n.data_access_expires_at, n.scopes,
        n.subscribed_fields, n.subscription_error, n.status, n.status_reason, n.retry and r.destroy is not true,
        n.username, n.name, n.picture_url, n.page_name
      from jsonb_populate_record(c, r.result) n),
    -- Learned from Meta, for a row that was written without it.
    facebook_user_id = coalesce(c.facebook_user_id, r.result ->> 'facebook_user_id'),
    checked_at = case when r.checked then now() else c.checked_at end,
    lease_id = null,
    leased_until = null
  from (
    select e.result, k.*
    from jsonb_array_elements(reports) as e (result),
      jsonb_to_record(e.result) as k (
        lease_id uuid, user_id text, instagram_id text, token_version bigint, checked boolean, destroy boolean)
  ) r
  where c.user_id = r.user_id and c.instagram_id = r.instagram_id
    and c.lease_id = r.lease_id and c.token_version = r.token_version and c.connection_id = any (locked);
  get diagnostics settled = row_count;
  perform igconnect.erase_awaited(locked);
  return settled;
end
$$;

revoke all on function
  public.claim_due_connections(integer, interval, interval, uuid), public.count_due_connections(interval),
  public.release_connections(uuid), public.settle_connections(jsonb)
  from public, anon, authenticated, service_role;
grant execute on function
  public.claim_due_connections(integer, interval, interval, uuid), public.count_due_connections(interval),
  public.release_connections(uuid), public.settle_connections(jsonb)
  to service_role;

comment on function public.claim_due_connections(integer, interval, interval, uuid) is
  'Hands out up to p_limit (1 to 100) connections that Meta was not asked about for p_unchecked (up to 30 days), with their tokens: those without facebook_user_id first, then those that end soonest. Nobody else gets them until p_lease (1 second to 1 hour) is over. Of those in "reconnect" only what may mend by itself ("retry") is handed out; a token of null means that its secret is gone; one that is there and cannot be opened sets its connection to "reconnect" instead, to be tried again a day later. Give back with settle_connections() what was checked, and with release_connections() at the end of the run what was not: what is given back unchecked is due again at once. Claims of one run may share a p_lease_id, and are then released together. For the secret key only. To renew more often than Vercel''s cron does, enable pg_cron and pg_net, store the cron secret once with select vault.create_secret(''<CRON_SECRET>'', ''igconnect_cron_secret''), and run once: select cron.schedule(''igconnect-renew'', ''17 */6 * * *'', $$select net.http_get(url := ''https://<your domain>/api/renew'', headers := jsonb_build_object(''Authorization'', ''Bearer '' || (select decrypted_secret from vault.decrypted_secrets where name = ''igconnect_cron_secret'')), timeout_milliseconds := 60000)$$); the answers are in net._http_response. select cron.unschedule(''igconnect-renew'') ends it.';
comment on function public.count_due_connections(interval) is
  'How many connections claim_due_connections() has not seen checked yet, those included that are claimed at this moment. For the secret key only.';
comment on function public.release_connections(uuid) is
  'Gives back what is left of the claims under a lease_id, to be claimed again at once, and returns how many there were. For the secret key only.';
comment on function public.settle_connections(jsonb) is
  'Writes what came of claimed connections, ends their lease, and returns how many were written. Takes an array of {"lease_id", "user_id", "instagram_id", "token_version"}, as claimed, with any of {"token", "page_token", "token_expires_at", "data_access_expires_at", "scopes", "subscribed_fields", "subscription_error", "status", "status_reason", "retry", "username", "name", "picture_url", "page_name"}, and "facebook_user_id", which is written where there is none: what is left out stays as it is, null empties it (a token only "destroy" removes). "checked": true marks it as checked now; without, it is due again at once. "destroy": true destroys both tokens. A result whose lease somebody else has now, or whose token the person replaced meanwhile, is ignored. For the secret key only.';

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
