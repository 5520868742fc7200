-- What Meta's two callbacks ask for, by the id of the Facebook person: to stop, and to forget.

-- Locks all connections of a Facebook person and returns their ids, or fails: then it may be called again.
-- Users who connect at this moment come first, or later.
create function igconnect.lock_person(p_facebook_user_id text) returns uuid[]
language plpgsql security definer set search_path = '' set enable_seqscan = off set jit = off as $$
begin
  perform igconnect.lock_user(u.user_id)
  from (select distinct c.user_id from public.user_configs c
    where c.facebook_user_id = p_facebook_user_id order by c.user_id) u;
  return igconnect.lock_all_connections(array(
    select c.connection_id from public.user_configs c where c.facebook_user_id = p_facebook_user_id));
end
$$;

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
language plpgsql security definer set search_path = '' set enable_seqscan = off set jit = off as $$
declare
  locked  uuid[];
  stopped uuid[];
begin
  perform igconnect.check_facebook_user(p_facebook_user_id);
  if coalesce(btrim(p_reason), '') = '' then
    raise exception 'p_reason must say why.' using errcode = 'invalid_parameter_value';
  end if;
  locked := igconnect.lock_person(p_facebook_user_id);
  stopped := array(
    select c.connection_id from public.user_configs c
    where c.connection_id = any (locked)
      -- Meta names whole seconds.
      and (p_issued_at is null or c.connected_at < p_issued_at + interval '1 second')
      and (c.status <> 'reconnect'
           or 0 < (select count(*) from vault.secrets s
                   where s.id = any (array[c.token_secret_id, c.page_token_secret_id]))));
  perform igconnect.delete_secrets(array(
    select unnest(igconnect.secret_names(c.user_id, c.instagram_id)) from public.user_configs c
    where c.connection_id = any (stopped)));

  -- Without its lease a renewal that is under way cannot put a token back.
  update public.user_configs c set
    status = 'reconnect', status_reason = p_reason, retry = false, lease_id = null, leased_until = null,
    token_secret_id = null, page_token_secret_id = null
  where c.connection_id = any (stopped);
  return cardinality(stopped);
end
$$;

-- What was erased, for the person who asks later. It does not say whose it was.
create table public.erasures (
  code        uuid        primary key,
  accounts    integer     not null default 0,
  events      integer     not null default 0,
  erased_at   timestamptz not null default now(),
  finished_at timestamptz
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

-- Marks a request for deletion as finished once nothing is left of its connections.
create function igconnect.finish_erasure(p_code uuid) returns void
language plpgsql security definer set search_path = '' set enable_seqscan = off set jit = off as $$
begin
  update public.erasures e set finished_at = now()
  where e.code = p_code and e.finished_at is null and not exists (
    select from igconnect.removed_connections r where r.erasure = p_code and r.emptied_at is null);
end
$$;

-- Deletes up to p_limit events of a connection that is gone, with their conversations, and returns how
-- many. What somebody holds stays for the next time.
--
-- It goes on behind the last key: until VACUUM has come, the index still holds what is deleted.
create function igconnect.empty_removed(p_connection_id uuid, p_limit integer) returns integer
language plpgsql security definer
set search_path = '' set enable_seqscan = off set enable_bitmapscan = off set jit = off as $$
declare
  ids           uuid[];
  conversations text[];
  last_key      text;
  deleted       integer;
begin
  select array_agg(b.id), array_agg(distinct b.conversation), max(b.key), count(*)
  into ids, conversations, last_key, deleted
  from (
    select e.id, e.conversation, e.key from public.instagram_events e
    where e.connection_id = p_connection_id
      and e.key >= coalesce((
        select r.emptied_to from igconnect.removed_connections r where r.connection_id = p_connection_id), '')
    order by e.key limit p_limit
    for update skip locked) b;
  delete from public.instagram_conversations c
  where (c.connection_id, c.conversation) in (
    select o.connection_id, o.conversation from public.instagram_conversations o
    where o.connection_id = p_connection_id and (deleted < p_limit or o.conversation = any (conversations))
    for update skip locked);
  delete from public.instagram_events e where e.id = any (ids);

  update public.erasures e set events = e.events + deleted
  from igconnect.removed_connections r
  where r.connection_id = p_connection_id and e.code = r.erasure and deleted > 0;
  update igconnect.removed_connections r set
    emptied_to = case when deleted = p_limit then last_key end,
    emptied_at = case
      when deleted < p_limit
        and not exists (select from public.instagram_events e where e.connection_id = p_connection_id)
        and not exists (select from public.instagram_conversations c where c.connection_id = p_connection_id)
      then now() else r.emptied_at end
  where r.connection_id = p_connection_id;
  perform igconnect.finish_erasure(r.erasure)
  from igconnect.removed_connections r
  where r.connection_id = p_connection_id and r.erasure is not null and r.emptied_at is not null;
  return deleted;
end
$$;

-- Remembers removed connections, and deletes their first thousand events: whoever deletes a connection,
-- or its user, waits for no more. The rest is for delete_removed_events().
create function igconnect.forget_connections() returns trigger
language plpgsql security definer set search_path = '' set enable_seqscan = off set jit = off as $$
declare
  room integer := 1000;
  gone uuid;
begin
  if tg_op = 'TRUNCATE' then
    insert into igconnect.removed_connections (connection_id)
    select c.connection_id from public.user_configs c on conflict do nothing;
    return null;
  end if;
  -- Most have no events: of many connections that go at once those cost no step each.
  insert into igconnect.removed_connections (connection_id, emptied_at)
  select r.connection_id, case
    when not exists (select from public.instagram_events e where e.connection_id = r.connection_id)
      and not exists (select from public.instagram_conversations c where c.connection_id = r.connection_id)
    then now() end
  from removed r
  on conflict (connection_id) do update set emptied_at = excluded.emptied_at;
  for gone in
    select k.connection_id from removed r join igconnect.removed_connections k on k.connection_id = r.connection_id
    where k.emptied_at is null
  loop
    exit when room = 0;
    room := room - igconnect.empty_removed(gone, room);
  end loop;
  return null;
end
$$;

create trigger user_configs_forget
  after delete on public.user_configs referencing old table as removed
  for each statement execute function igconnect.forget_connections();

create trigger user_configs_forget_all
  before truncate on public.user_configs
  for each statement execute function igconnect.forget_connections();

-- Deletes a batch of the events of connections that are gone, those first that have waited longest, and
-- returns how many there were. A connection is forgotten an hour after its last event: a delivery that
-- had begun before may have added some more.
create function public.delete_removed_events(p_limit integer default 1000) returns integer
language plpgsql security definer set search_path = '' set enable_seqscan = off set jit = off as $$
declare
  deleted integer := 0;
  gone    record;
begin
  if p_limit is null or p_limit not between 1 and 10000 then
    raise exception 'p_limit must be between 1 and 10000.' using errcode = 'invalid_parameter_value';
  end if;
  for gone in
    select r.connection_id, r.emptied_at from igconnect.removed_connections r
    where r.emptied_at is null or r.emptied_at < now() - interval '1 hour'
    order by r.emptied_at nulls first, r.removed_at limit 20000
    for update skip locked
  loop
    exit when deleted >= p_limit;
    deleted := deleted + igconnect.empty_removed(gone.connection_id, p_limit - deleted);
    delete from igconnect.removed_connections r
    where r.connection_id = gone.connection_id and gone.emptied_at is not null
      and not exists (select from public.instagram_events e where e.connection_id = r.connection_id);
  end loop;
  return deleted;
end
$$;

-- Deletes connections, which the caller holds, for a request for deletion.
create function igconnect.erase_connections(p_code uuid, ids uuid[]) returns void
language plpgsql security definer set search_path = '' set enable_seqscan = off set jit = off as $$
begin
  insert into igconnect.removed_connections (connection_id, erasure) select i, p_code from unnest(ids) i;
  update public.erasures e set accounts = e.accounts + cardinality(ids), finished_at = null where e.code = p_code;
  delete from public.user_configs c where c.connection_id = any (ids);
  perform igconnect.finish_erasure(p_code); -- also where there was nothing
end
$$;

-- Erases those of the connections, which the caller holds, that turned out to be of a person who asked for
-- deletion after they were made. Requests for which no connection is left that could be that person's are
-- forgotten.
create function igconnect.erase_awaited(ids uuid[]) returns void
language plpgsql security definer set search_path = '' set enable_seqscan = off set jit = off as $$
begin
  if not exists (select from igconnect.awaited_erasures) then
    return;
  end if;
  perform igconnect.erase_connections(f.code, f.ids)
  from (
    select a.code, array_agg(c.connection_id) as ids
    from public.user_configs c
    cross join lateral (
      select w.code from igconnect.awaited_erasures w
      where w.facebook_user_id = c.facebook_user_id and w.asked_at >= c.connected_at
      order by w.asked_at limit 1) a
    where c.connection_id = any (ids)
    group by a.code) f;

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
language plpgsql security definer set search_path = '' set enable_seqscan = off set jit = off set lock_timeout = '3s' as $$
begin
  perform igconnect.check_facebook_user(p_facebook_user_id);
  if p_code is null then
    raise exception 'p_code must be a new UUID.' using errcode = 'invalid_parameter_value';
  end if;

  -- The second of two equal calls waits here for the first one.
  insert into public.erasures (code) values (p_code) on conflict (code) do nothing;
  if found then
    perform igconnect.erase_connections(p_code, igconnect.lock_person(p_facebook_user_id));
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
  public.deauthorize_facebook_user(text, text, timestamptz), public.erase_facebook_user(text, uuid),
  public.erasure(uuid), public.delete_removed_events(integer)
  from public, anon, authenticated, service_role;
grant execute on function
  public.deauthorize_facebook_user(text, text, timestamptz), public.erase_facebook_user(text, uuid),
  public.erasure(uuid), public.delete_removed_events(integer)
  to service_role;

comment on function public.deauthorize_facebook_user(text, text, timestamptz) is
  'Sets the connections of a Facebook person to "reconnect", with p_reason, destroys their tokens, and returns how many it changed. With p_issued_at, the time of Meta''s request, those stay that the person made after it: a request that comes again late does no harm. For the secret key only.';
comment on function public.erase_facebook_user(text, uuid) is
  'Deletes the connections of a Facebook person with their tokens and events, and returns the record of it. Of many events delete_removed_events() deletes the rest: until then finished_at is null. A connection without facebook_user_id that was not checked yet is deleted after its first check, if it turns out to be that person''s. The same code again deletes nothing and returns the first record: make the code of what Meta''s request says, so that a request that comes again has the same. For the secret key only.';
comment on function public.delete_removed_events(integer) is
  'Deletes up to p_limit (1 to 10,000) events of connections that are gone, and returns how many. Call it until it returns 0; the daily job does. For the secret key only.';
comment on function public.erasure(uuid) is
  'The record of an erasure, no row for an unknown code. For the secret key only.';
comment on table public.erasures is
  'What was deleted when Facebook people asked for it, without a word on who they were. Read one with erasure().';
comment on column public.erasures.code is 'The confirmation code that the person was given.';
comment on column public.erasures.accounts is 'How many connections were deleted, with their tokens.';
comment on column public.erasures.events is 'How many events of their inboxes were deleted so far.';
comment on column public.erasures.erased_at is 'When the connections and tokens were deleted.';
comment on column public.erasures.finished_at is 'When the last event was deleted. Null: some are left.';
