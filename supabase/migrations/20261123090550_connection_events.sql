-- Events of kind "connection": the inbox tells what becomes of the connections themselves.
--
-- A trigger writes them in the transaction of the change, and waits for nobody: whoever changes a connection
-- may hold conversations already, or those of other connections, in any order. So each event comes in a
-- conversation row of its own, under a random connection_id, by which it also outlives its connection. A
-- claim brings those of one user and account together and in their order.

-- Adds an event. The time is that of this moment, while the connection is held: in the order in which they
-- began, two transactions may tell of the later change first.
create function igconnect.add_connection_event(
  p_user_id text, p_instagram_id text, p_change text, p_status text, p_reason text
) returns void
language plpgsql security definer set search_path = '' as $$
declare
  own          constant uuid := gen_random_uuid();
  at           constant timestamptz := clock_timestamp();
  conversation constant text := p_instagram_id || '/connection';
begin
  insert into public.instagram_events (
    connection_id, user_id, instagram_id, key, conversation, kind, payload, occurred_at, received_at)
  values (own, p_user_id, p_instagram_id, own, conversation, 'connection', jsonb_build_object(
    'change', p_change, 'status', p_status, 'reason', p_reason, 'instagram_id', p_instagram_id), at, at);
  insert into public.instagram_conversations (connection_id, conversation, due_at, user_id)
  values (own, conversation, at, p_user_id);
end
$$;

-- Returns what a connection's removal is: "erased" for a request for deletion, null where its user is deleted.
create function igconnect.last_change(p_connection_id uuid, p_auth_user_id uuid) returns text
language sql stable security definer set search_path = '' as $$
  select case
    when r.erasure is not null then 'erased'
    when r.user_deleted then null
    when p_auth_user_id is null or exists (select from auth.users u where u.id = p_auth_user_id) then 'disconnected'
  end
  from (select) as one left join igconnect.removed_connections r on r.connection_id = p_connection_id
$$;

-- Tells of connections that come, change their status, and go. A row that comes is "connected" whatever its
-- status, and what works again is "healthy", also by a new login.
--
-- With a connection go the events of this kind that are closed. Those that are open tell of it until they
-- are finished, unless its user is deleted or it is erased: then they go too, but for those of a
-- conversation that a worker's call has at this very moment.
create function igconnect.tell_of_connections() returns trigger
language plpgsql security definer set search_path = '' set enable_seqscan = off set jit = off as $$
declare
  told  uuid[];
  freed uuid[];
begin
  case tg_op
  when 'INSERT' then
    perform igconnect.add_connection_event(a.user_id, a.instagram_id, 'connected', a.status, a.status_reason) from after a;
  when 'UPDATE' then
    perform igconnect.add_connection_event(
      a.user_id, a.instagram_id, case a.status when 'active' then 'healthy' else 'attention' end, a.status, a.status_reason)
    from after a join before b on b.connection_id = a.connection_id
    where a.status <> b.status;
  when 'DELETE' then
    select array_agg(e.id), array_agg(e.connection_id) filter (where e.open) into told, freed
    from before b cross join lateral (
      select e.id, e.connection_id, coalesce(e.finished_at, e.dead_at) is null as open
      from public.instagram_events e
      where e.user_id = b.user_id and e.conversation = b.instagram_id || '/connection' and e.kind = 'connection'
        and (coalesce(e.finished_at, e.dead_at) is not null
             or igconnect.last_change(b.connection_id, b.auth_user_id) is distinct from 'disconnected')
      for update skip locked) e;
    if told is not null then
      freed := array(
        select c.connection_id from public.instagram_conversations c where c.connection_id = any (freed) for update skip locked);
      delete from public.instagram_conversations c where c.connection_id = any (freed);
      delete from public.instagram_events e
      where e.connection_id = any (freed) -- also what a claim has brought there since
        or e.id = any (told) and coalesce(e.finished_at, e.dead_at) is not null;
    end if;
    perform igconnect.add_connection_event(b.user_id, b.instagram_id, l.change, null, null)
    from before b, igconnect.last_change(b.connection_id, b.auth_user_id) as l (change)
    where l.change is not null;
  when 'TRUNCATE' then
    perform igconnect.add_connection_event(c.user_id, c.instagram_id, 'disconnected', null, null) from public.user_configs c;
  end case;
  return null;
end
$$;

create trigger user_configs_tell_connected
  after insert on public.user_configs referencing new table as after
  for each statement execute function igconnect.tell_of_connections();

create trigger user_configs_tell_status
  after update on public.user_configs referencing old table as before new table as after
  for each statement execute function igconnect.tell_of_connections();

create trigger user_configs_tell_removed
  after delete on public.user_configs referencing old table as before
  for each statement execute function igconnect.tell_of_connections();

create trigger user_configs_tell_truncated
  before truncate on public.user_configs
  for each statement execute function igconnect.tell_of_connections();

-- Brings the open events of a user and account together in a conversation row that a claim has met and
-- holds, and reports whether this may be handed out: not while another row has an earlier event.
create function igconnect.gather_connection_events(met public.instagram_conversations) returns boolean
language plpgsql security definer set search_path = '' set enable_seqscan = off set jit = off as $$
declare
  first  record;
  missed record;
  others uuid[];
begin
  select e.occurred_at, e.place into first
  from public.instagram_events e
  where e.connection_id = met.connection_id and e.conversation = met.conversation
    and e.finished_at is null and e.dead_at is null
  order by e.occurred_at, e.place limit 1;

  if exists (
    select from public.instagram_events e
    where e.user_id = met.user_id and e.conversation = met.conversation and e.kind = 'connection'
      and coalesce(e.finished_at, e.dead_at) is null and e.connection_id <> met.connection_id
      and (e.occurred_at, e.place) < (first.occurred_at, first.place))
  then
    return false;
  end if;

  others := array(
    select c.connection_id from public.instagram_conversations c
    where c.claimed is null and c.connection_id = any (array(
      select e.connection_id from public.instagram_events e
      where e.user_id = met.user_id and e.conversation = met.conversation and e.kind = 'connection'
        and coalesce(e.finished_at, e.dead_at) is null and e.connection_id <> met.connection_id))
    for update skip locked);
  -- Where somebody else has one of them at this moment, those with later events stay where they are.
  select e.occurred_at, e.place into missed
  from public.instagram_events e
  where e.user_id = met.user_id and e.conversation = met.conversation and e.kind = 'connection'
    and coalesce(e.finished_at, e.dead_at) is null and e.connection_id <> met.connection_id and e.connection_id <> all (others)
  order by e.occurred_at, e.place limit 1;
  if found then
    others := array(
      select o from unnest(others) o where not exists (
        select from public.instagram_events e
        where e.connection_id = o and coalesce(e.finished_at, e.dead_at) is null
          and (e.occurred_at, e.place) > (missed.occurred_at, missed.place)));
  end if;
  if others <> '{}' then
    update public.instagram_events e set connection_id = met.connection_id where e.connection_id = any (others);
    delete from public.instagram_conversations c where c.connection_id = any (others);
  end if;
  return true;
end
$$;

revoke all on all functions in schema igconnect from public;
