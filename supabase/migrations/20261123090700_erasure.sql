-- What Meta's two callbacks ask for, by the id of the Facebook person: to stop, and to forget.

-- Refuses an id that names nobody. An empty one would else find every row that was written with one.
create function igconnect.check_facebook_user(p_facebook_user_id text) returns void
language plpgsql immutable set search_path = '' as $$
begin
  if coalesce(btrim(p_facebook_user_id), '') = '' then
    raise exception 'p_facebook_user_id must name a Facebook person.' using errcode = 'invalid_parameter_value';
  end if;
end
$$;

-- Destroys the tokens of the person's connections, sets these to "reconnect" with the reason, and
-- returns how many it changed: one that had stopped before, and has no token, keeps its reason. With
-- the time of Meta's request, connections that the person made after it stay, so that a request may
-- come again late.
create function public.deauthorize_facebook_user(
  p_facebook_user_id text, p_reason text, p_issued_at timestamptz default null
) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  stopped public.user_configs[];
begin
  perform igconnect.check_facebook_user(p_facebook_user_id);
  if coalesce(btrim(p_reason), '') = '' then
    raise exception 'p_reason must say why.' using errcode = 'invalid_parameter_value';
  end if;
  perform igconnect.lock_connections(shared => false);

  stopped := array(
    select c from public.user_configs c
    where c.facebook_user_id = p_facebook_user_id
      -- Meta names whole seconds.
      and (p_issued_at is null or c.connected_at < p_issued_at + interval '1 second')
      and (c.status <> 'reconnect'
           or exists (select from vault.secrets s where s.id in (c.token_secret_id, c.page_token_secret_id)))
    order by c.user_id, c.instagram_id
    for no key update);
  perform igconnect.destroy_secrets(stopped);

  -- Without its lease a renewal that is under way cannot put a token back.
  update public.user_configs c set
    status = 'reconnect', status_reason = p_reason, retry = false, lease_id = null, leased_until = null,
    token_secret_id = null, page_token_secret_id = null
  from unnest(stopped) s
  where c.user_id = s.user_id and c.instagram_id = s.instagram_id;
  return cardinality(stopped);
end
$$;

-- What was erased, for the person who asks later. It does not say whose it was.
create table public.erasures (
  code      uuid        primary key,
  accounts  integer     not null,
  events    integer     not null,
  erased_at timestamptz not null default now()
);

alter table public.erasures enable row level security;
-- Nobody reads or writes but the functions, which run as the owner.
revoke all on table public.erasures from public, anon, authenticated, service_role;

-- Requests for deletion that may concern connections which nobody knows to be that person's: what the
-- recipe's own upsert writes names no person until its first check. A request waits here no longer than
-- there are such connections.
create table igconnect.awaited_erasures (
  code             uuid        primary key,
  facebook_user_id text        not null,
  asked_at         timestamptz not null default now()
);

alter table igconnect.awaited_erasures enable row level security;
revoke all on table igconnect.awaited_erasures from public, anon, authenticated, service_role;

comment on table igconnect.awaited_erasures is
  'Requests for deletion, while there are older connections whose person is not known yet.';
comment on column igconnect.awaited_erasures.code is 'As in public.erasures.';
comment on column igconnect.awaited_erasures.facebook_user_id is 'Who asked.';
comment on column igconnect.awaited_erasures.asked_at is 'When. What was connected later stays.';

-- Deletes those of the settled connections that turned out to be of a person who asked for deletion
-- after they were made, and adds them to the record of that request. Requests for which no connection is
-- left that could be that person's are forgotten. The caller holds the connections' lock alone.
create function igconnect.erase_awaited(reports jsonb) returns void
language plpgsql security definer set search_path = '' as $$
begin
  if not exists (select from igconnect.awaited_erasures) then
    return;
  end if;
  with found as (
    select a.code, c.user_id, c.instagram_id, (
      select count(*) from public.instagram_events e
      where e.user_id = c.user_id and e.instagram_id = c.instagram_id) as events
    from jsonb_to_recordset(reports) as r (user_id text, instagram_id text)
    join public.user_configs c on c.user_id = r.user_id and c.instagram_id = r.instagram_id
    cross join lateral (
      select w.code from igconnect.awaited_erasures w
      where w.facebook_user_id = c.facebook_user_id and w.asked_at >= c.connected_at
      order by w.asked_at limit 1) a
  ), recorded as (
    update public.erasures e set accounts = e.accounts + f.accounts, events = e.events + f.events
    from (select f.code, count(*) as accounts, sum(f.events) as events from found f group by f.code) f
    where e.code = f.code
  )
  delete from public.user_configs c using found f
  where c.user_id = f.user_id and c.instagram_id = f.instagram_id;

  delete from igconnect.awaited_erasures w
  where not exists (
    select from public.user_configs c
    where c.facebook_user_id is null and c.checked_at is null and c.connected_at <= w.asked_at);
end
$$;

-- Deletes the person's connections with their secrets and events, and returns the record of it. What is
-- found to be that person's later, though it was there already, is deleted then. For one code that
-- happens once: a call that comes again deletes nothing and returns the same record.
create function public.erase_facebook_user(p_facebook_user_id text, p_code uuid) returns setof public.erasures
language plpgsql security definer set search_path = '' as $$
begin
  perform igconnect.check_facebook_user(p_facebook_user_id);
  if p_code is null then
    raise exception 'p_code must be a new UUID.' using errcode = 'invalid_parameter_value';
  end if;
  -- Alone: the second of two equal calls finds the first one's record, and no event comes in between
  -- counting and deleting.
  perform igconnect.lock_connections(shared => false);

  insert into public.erasures (code, accounts, events)
  select p_code, count(*), coalesce(sum(e.events), 0)
  from public.user_configs c
  cross join lateral (
    select count(*) as events from public.instagram_events e
    where e.user_id = c.user_id and e.instagram_id = c.instagram_id
  ) e
  where c.facebook_user_id = p_facebook_user_id
  on conflict (code) do nothing;

  if found then
    delete from public.user_configs c where c.facebook_user_id = p_facebook_user_id;
    insert into igconnect.awaited_erasures (code, facebook_user_id)
    select p_code, p_facebook_user_id
    where exists (select from public.user_configs c where c.facebook_user_id is null and c.checked_at is null);
  end if;
  return query select e.* from public.erasures e where e.code = p_code;
end
$$;

-- Returns the record of an erasure, no row for an unknown code.
create function public.erasure(p_code uuid) returns setof public.erasures
language sql stable security definer set search_path = '' as $$
  select e.* from public.erasures e where e.code = p_code
$$;

revoke all on all functions in schema igconnect from public;
revoke all on function
  public.deauthorize_facebook_user(text, text, timestamptz), public.erase_facebook_user(text, uuid), public.erasure(uuid)
  from public, anon, authenticated, service_role;
grant execute on function
  public.deauthorize_facebook_user(text, text, timestamptz), public.erase_facebook_user(text, uuid), public.erasure(uuid)
  to service_role;

comment on function public.deauthorize_facebook_user(text, text, timestamptz) is
  'Sets the connections of a Facebook person to "reconnect", with p_reason, destroys their tokens, and returns how many it changed. With p_issued_at, the time of Meta''s request, those stay that the person made after it: a request that comes again late does no harm. For the secret key only.';
comment on function public.erase_facebook_user(text, uuid) is
  'Deletes the connections of a Facebook person with their tokens and events, and returns the record of it. A connection without facebook_user_id that was not checked yet is deleted after its first check, if it turns out to be that person''s. The same code again deletes nothing and returns the first record: make the code of what Meta''s request says, so that a request that comes again has the same. For the secret key only.';
comment on function public.erasure(uuid) is
  'The record of an erasure, no row for an unknown code. For the secret key only.';
comment on table public.erasures is
  'What was deleted when Facebook people asked for it, without a word on who they were. Read one with erasure().';
comment on column public.erasures.code is 'The confirmation code that the person was given.';
comment on column public.erasures.accounts is 'How many connections were deleted, with their tokens.';
comment on column public.erasures.events is 'How many events of their inboxes were deleted.';
comment on column public.erasures.erased_at is 'When.';
