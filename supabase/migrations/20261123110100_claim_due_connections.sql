-- The renewal, first half: who is next.
--
-- A run claims some connections, works on them, and settles them. Nobody else gets them meanwhile; a run that was killed
-- loses them when its lease runs out.
create function public.claim_due_connections(p_limit integer, p_lease interval, p_unchecked interval default '20 hours')
returns table (
  lease_id               uuid,
  user_id                uuid,
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
  claim constant uuid := gen_random_uuid();
  due   public.user_configs[];
begin
  if p_limit is null or p_limit not between 1 and 1000 then
    raise exception 'p_limit must be between 1 and 1000.' using errcode = 'invalid_parameter_value';
  end if;
  if p_lease is null or p_lease not between interval '1 second' and interval '1 hour' then
    raise exception 'p_lease must be between 1 second and 1 hour.' using errcode = 'invalid_parameter_value';
  end if;
  if p_unchecked is null or p_unchecked not between interval '0' and interval '30 days' then
    raise exception 'p_unchecked must be between 0 and 30 days.' using errcode = 'invalid_parameter_value';
  end if;

  due := array(
    select c from public.user_configs c
    where c.status <> 'reconnect'
      and (c.checked_at is null or c.checked_at < now() - p_unchecked)
      and (c.leased_until is null or c.leased_until <= clock_timestamp())
    order by c.token_expires_at nulls last
    limit p_limit
    for no key update skip locked);

  -- A statement of its own, which sees the database as it is under the locks: a row and a secret of different times would
  -- pass an old token off as a new one. Sub-selects, so that only these secrets are decrypted.
  return query
    with leased as (
      update public.user_configs c set lease_id = claim, leased_until = clock_timestamp() + p_lease
      from unnest(due) d
      where c.user_id = d.user_id and c.instagram_id = d.instagram_id
      returning c.*
    )
    select
      l.lease_id, l.user_id, l.instagram_id, l.facebook_user_id,
      (select s.decrypted_secret from vault.decrypted_secrets s where s.id = l.token_secret_id),
      l.token_version, l.page_id,
      (select s.decrypted_secret from vault.decrypted_secrets s where s.id = l.page_token_secret_id),
      l.scopes, l.subscribed_fields, l.subscription_error, l.token_expires_at, l.data_access_expires_at,
      l.status, l.status_reason
    from leased l
    order by l.token_expires_at nulls last, l.user_id, l.instagram_id;
end
$$;

create function public.count_due_connections(p_unchecked interval default '20 hours') returns integer
language sql stable security definer set search_path = '' as $$
  select count(*)::integer from public.user_configs c
  where c.status <> 'reconnect' and (c.checked_at is null or c.checked_at < now() - p_unchecked)
$$;

create function public.release_connections(p_lease_id uuid) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  changed integer;
begin
  -- Shared: no writer of several rows is on its way then, and none can meet this one in another order.
  perform pg_advisory_xact_lock_shared(hashtextextended('public.user_configs', 0));
  update public.user_configs c set lease_id = null, leased_until = null where c.lease_id = p_lease_id;
  get diagnostics changed = row_count;
  return changed;
end
$$;

revoke all on function
  public.claim_due_connections(integer, interval, interval), public.count_due_connections(interval),
  public.release_connections(uuid)
  from public, anon, authenticated, service_role;
grant execute on function
  public.claim_due_connections(integer, interval, interval), public.count_due_connections(interval),
  public.release_connections(uuid)
  to service_role;

comment on function public.claim_due_connections(integer, interval, interval) is
  'Hands out up to p_limit (1 to 1000) connections that Meta was not asked about for p_unchecked (up to 30 days), with their tokens, those that end soonest first. Nobody else gets them until p_lease (1 second to 1 hour) is over. Those in "reconnect" are left alone; a token of null means that its secret is gone. Give back with settle_connections() what was checked, and with release_connections() at the end of the run what was not: what is given back unchecked is due again at once. For the secret key only. To renew more often than Vercel''s cron does, enable pg_cron and pg_net, store the cron secret once with select vault.create_secret(''<CRON_SECRET>'', ''igconnect_cron_secret''), and run once: select cron.schedule(''igconnect-renew'', ''17 */6 * * *'', $$select net.http_get(url := ''https://<your domain>/api/renew'', headers := jsonb_build_object(''Authorization'', ''Bearer '' || (select decrypted_secret from vault.decrypted_secrets where name = ''igconnect_cron_secret'')), timeout_milliseconds := 60000)$$); the answers are in net._http_response. select cron.unschedule(''igconnect-renew'') ends it.';
comment on function public.count_due_connections(interval) is
  'How many connections claim_due_connections() has not seen checked yet, those included that are claimed at this moment. For the secret key only.';
comment on function public.release_connections(uuid) is
  'Gives back what is left of a claim, to be claimed again at once, and returns how many there were. For the secret key only.';

notify pgrst, 'reload schema';
