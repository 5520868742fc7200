-- The functions of the inbox: in, out, and what workers say of what they got.
--
-- Nobody waits in a circle, because all of them take their locks in this order:
--   1. new events, in the order of their keys (only senders wait for each other there);
--   2. conversations, in the order of their keys;
--   3. stored events, of conversations that are locked.
-- Each step is a statement of its own, because a statement sees the database as it was when it began,
-- before it waited. Of user_configs they lock at most what nobody holds at that moment. What the webhook
-- and workers call waits a second at most: a waiting call holds one of PostgREST's few connections.
--
-- A session keeps the plans that it made when the tables were small. So that these suit large ones
-- too, the functions scan no table, and look-ups by id say "coalesce(finished_at, dead_at) is null":
-- the planner does not see that the index of the open events would serve them as well, and takes the
-- primary key. Compiling a plan would take longer than running it.

-- Returns those of the texts that are uuids, as such. All ids of events are.
create function igconnect.uuids(texts text[]) returns uuid[]
language sql immutable set search_path = '' as $$
  select array(
    select case when t ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then t::uuid end
    from unnest(texts) as t)
$$;

-- Locks the conversations of those of the events that are open, and returns them.
create function igconnect.lock_conversations(ids uuid[]) returns public.instagram_conversations[]
language plpgsql security definer set search_path = '' as $$
begin
  return array(
    select c from public.instagram_conversations c
    where (c.connection_id, c.conversation) in (
      select e.connection_id, e.conversation from public.instagram_events e
      where e.id = any (ids) and coalesce(e.finished_at, e.dead_at) is null)
    order by c.connection_id, c.conversation
    for update);
end
$$;

-- Brings locked conversations in line with their events. It takes out of a lease what is closed, and
-- what has to wait for another try together with all behind it. A lease that is left with nothing
-- ends, and a conversation without open events is deleted.
create function igconnect.settle_conversations(locked public.instagram_conversations[]) returns void
language plpgsql security definer set search_path = '' as $$
begin
  with settled as (
    select
      l.connection_id,
      l.conversation,
      (select array_agg(e.id) from (
         select o.id, bool_or(o.next_try_at > now()) over (order by o.occurred_at, o.place) as held
         from public.instagram_events o
         where o.id = any (l.claimed) and coalesce(o.finished_at, o.dead_at) is null
       ) e where not e.held) as claimed,
      -- A conversation that waits already keeps its place; one that was leased goes to the end.
      (select case when o.next_try_at > now() then o.next_try_at else least(l.due_at, now()) end
       from public.instagram_events o
       where o.connection_id = l.connection_id and o.conversation = l.conversation
         and o.finished_at is null and o.dead_at is null
       order by o.occurred_at, o.place limit 1) as due_at
    from unnest(locked) l
  ), emptied as (
    delete from public.instagram_conversations c using settled s
    where c.connection_id = s.connection_id and c.conversation = s.conversation and s.due_at is null
  )
  update public.instagram_conversations c
  set claimed = s.claimed, due_at = case when s.claimed is null then s.due_at else c.due_at end
  from settled s
  where c.connection_id = s.connection_id and c.conversation = s.conversation and s.due_at is not null
    and (s.claimed is distinct from c.claimed or s.claimed is null and s.due_at <> c.due_at);
end
$$;

-- Counts a failed try of those of the events that are open, and returns how many there were. With a
-- delay the next try comes 20 seconds later, then 40, up to an hour. After the tenth there is none.
create function igconnect.retry_events(ids uuid[], reason text, delay boolean) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  changed integer;
begin
  update public.instagram_events e set
    attempts = e.attempts + 1,
    last_error = left(reason, 1000),
    next_try_at = case when delay
      then now() + least(interval '1 hour', interval '10 seconds' * 2 ^ (e.attempts + 1))
      else e.next_try_at end,
    dead_at = case when e.attempts + 1 >= 10 then now() end
  where e.id = any (ids) and coalesce(e.finished_at, e.dead_at) is null;
  get diagnostics changed = row_count;
  return changed;
end
$$;

-- Returns an argument that has to be a JSON array, also if the client encoded it twice, as a string.
-- Anything else is refused, by the argument's name.
create function igconnect.json_array(name text, value jsonb) returns jsonb
language plpgsql immutable set search_path = '' as $$
begin
  if jsonb_typeof(value) = 'string' then
    value := (value #>> '{}')::jsonb;
  end if;
  if jsonb_typeof(value) is distinct from 'array' then
    raise exception '% must be a JSON array.', name using errcode = 'invalid_parameter_value';
  end if;
  return value;
end
$$;

-- Refuses what claims can't be asked for: more than p_most at once, or a lease over an hour.
create function igconnect.check_claim(p_limit integer, p_lease interval, p_most integer) returns void
language plpgsql immutable set search_path = '' as $$
begin
  if p_limit is null or p_limit not between 1 and p_most then
    raise exception 'p_limit must be between 1 and %.', p_most using errcode = 'invalid_parameter_value';
  end if;
  if p_lease is null or p_lease not between interval '1 second' and interval '1 hour' then
    raise exception 'p_lease must be between 1 second and 1 hour.' using errcode = 'invalid_parameter_value';
  end if;
end
$$;

-- Stores a whole delivery or nothing of it: each event once for each connection of its account,
-- however often, in whatever order and in whichever of Meta's forms it is delivered. Returns how many
-- events were new.
create function public.ingest_instagram_events(events jsonb) returns integer
language plpgsql security definer
set search_path = '' set enable_seqscan = off set jit = off set lock_timeout = '1s' as $$
declare
  delivered constant jsonb := igconnect.json_array('events', events);
  added     public.instagram_events[];
  touched   public.instagram_conversations[];
begin
  -- Numbered as delivered. Then sorted, so that two deliveries of the same events wait for each other
  -- in one direction only.
  with incoming as (
    select nextval('igconnect.event_places') as place, i.* from jsonb_to_recordset(delivered) as i
      (account text, key text, key_to_second text, counterpart text, recipient text, kind text, payload jsonb,
       occurred_at timestamptz)
  ), accounts as (
    select distinct i.account from incoming i
  ), connections as (
    select a.account, c.connection_id, c.user_id, c.instagram_id, c.page_id
    from accounts a cross join lateral (select * from public.user_configs u where u.instagram_id = a.account offset 0) c
    union
    select a.account, c.connection_id, c.user_id, c.instagram_id, c.page_id
    from accounts a cross join lateral (select * from public.user_configs u where u.page_id = a.account offset 0) c
    -- A Page may have been linked to another account before: the one that was connected last is meant.
    where c.instagram_id = (
      select u.instagram_id from public.user_configs u where u.page_id = a.account order by u.connected_at desc limit 1)
  ), inserted as (
    insert into public.instagram_events as e
      (connection_id, user_id, instagram_id, key, conversation, kind, payload, occurred_at, place)
    select
      c.connection_id,
      c.user_id,
      c.instagram_id,
      i.key,
      -- What has no counterpart is a conversation of its own: nothing waits for it.
      c.instagram_id || '/' || coalesce(
        nullif(case when i.counterpart in (c.instagram_id, c.page_id) then i.recipient else i.counterpart end, ''), i.key, ''),
      -- A delivery for the Page does not tell that this was the account itself.
      case when i.counterpart in (c.instagram_id, c.page_id) and i.kind not like '%\_echo' then i.kind || '_echo' else i.kind end,
      coalesce(i.payload, 'null'),
      coalesce(least(i.occurred_at, now()), now()),
      i.place
    from incoming i join connections c on c.account = i.account
    -- A time that is part of the key comes in milliseconds or in seconds. What came in the one form is
    -- not stored in the other as well.
    where i.key_to_second is null or not exists (
        select from public.instagram_events e
        where e.connection_id = c.connection_id
          and e.key >= i.key_to_second and e.key < i.key_to_second || ':' -- ':' follows '9'
          and i.key_to_second in (i.key, e.key))
      and not exists (
        select from incoming o where o.account = i.account and o.key_to_second = i.key and o.key <> i.key)
    order by c.connection_id, i.key collate "C", i.place
    on conflict (connection_id, key) do nothing
    returning e
  )
  select array_agg(i.e) into added from inserted i;
  if added is null then
    return 0;
  end if;

  -- Where there is a row, "do update" locks it, which "do nothing" would not, and "where false" leaves
  -- it as it is.
  insert into public.instagram_conversations as c (connection_id, conversation)
  select distinct e.connection_id, e.conversation from unnest(added) e
  order by e.connection_id, e.conversation
  on conflict (connection_id, conversation) do update set due_at = c.due_at where false;

  touched := array(
    select c from public.instagram_conversations c
    where (c.connection_id, c.conversation) in (select e.connection_id, e.conversation from unnest(added) e));
  perform igconnect.settle_conversations(touched);
  return cardinality(added);
end
$$;

-- Parks the conversations of connections that stop, and wakes those of connections that work again. What
-- somebody holds at this moment is not parked: the next claim does that. Woken is everything, in the order
-- in which others lock it.
create function igconnect.park_conversations() returns trigger
language plpgsql security definer
set search_path = '' set enable_seqscan = off set jit = off set lock_timeout = '3s' as $$
declare
  stopped uuid[];
  woken   uuid[];
begin
  select array_agg(n.connection_id) filter (where n.status = 'reconnect'),
    array_agg(n.connection_id) filter (where n.status <> 'reconnect')
  into stopped, woken
  from after n join before b on b.connection_id = n.connection_id
  where (n.status = 'reconnect') <> (b.status = 'reconnect');

  if stopped is not null then
    with free as (
      select c.connection_id, c.conversation from public.instagram_conversations c
      where c.connection_id = any (stopped) and not c.parked
      for update skip locked)
    update public.instagram_conversations c set parked = true from free f
    where c.connection_id = f.connection_id and c.conversation = f.conversation;
  end if;
  if woken is not null then
    perform from public.instagram_conversations c
    where c.connection_id = any (woken) and c.parked
    order by c.connection_id, c.conversation
    for update;
    update public.instagram_conversations c set parked = false where c.connection_id = any (woken) and c.parked;
  end if;
  return null;
end
$$;

create trigger user_configs_park
  after update on public.user_configs referencing old table as before new table as after
  for each statement execute function igconnect.park_conversations();

-- Takes a conversation that a claim met out of the way of the next ones: its connection is gone or has
-- stopped. Where somebody holds the connection now it stays, for the connection may be about to work again.
create function igconnect.set_aside(met public.instagram_conversations) returns void
language plpgsql security definer set search_path = '' as $$
begin
  if not exists (select from public.user_configs u where u.connection_id = met.connection_id) then
    delete from public.instagram_conversations c
    where c.connection_id = met.connection_id and c.conversation = met.conversation;
    return;
  end if;
  perform from public.user_configs u
  where u.connection_id = met.connection_id and u.status = 'reconnect'
  for share skip locked;
  if found then
    update public.instagram_conversations c set parked = true
    where c.connection_id = met.connection_id and c.conversation = met.conversation;
  end if;
end
$$;

-- Sets a connection to "reconnect" whose secrets are gone or cannot be opened, and lets the daily check
-- look at it soon: a Page's token it fetches anew. Where somebody else has the row at this moment the
-- next claim does it; waiting here could end in a circle.
create function igconnect.stop_unopened(p_connection_id uuid) returns void
language sql security definer set search_path = '' as $$
  update public.user_configs c set
    status = 'reconnect', retry = true, checked_at = null,
    status_reason = case
      when c.token_secret_id is null or exists (
        select from unnest(array[c.token_secret_id, c.page_token_secret_id]) i (id)
        where i.id is not null and not exists (select from vault.secrets s where s.id = i.id))
      then 'We no longer hold a key for this account.'
      else igconnect.unopened() end
  where c.connection_id in (
    select u.connection_id from public.user_configs u
    where u.connection_id = p_connection_id and u.status <> 'reconnect'
    for no key update skip locked)
$$;

-- Hands out open events with the tokens that are needed to answer them, in order within each
-- conversation, and leases their conversations: two workers never have events of one conversation at
-- once, nor does anybody get an event before those that came before it are closed. Conversations that
-- have waited longest come first. Of a lease that ran out, the first open event counts a failed try:
-- its worker may have died because of it.
--
-- Events wait for their person while the connection is in "reconnect". One whose secret is gone or cannot
-- be opened goes there, and the others are handed out. What tells of a connection itself waits for nothing,
-- and comes with those tokens that there are.
--
-- The answer is one array and no set of rows: of a set PostgREST hands out its "max rows", and loses
-- what was claimed beyond.
create function public.claim_instagram_events(p_limit integer, p_lease interval) returns jsonb
language plpgsql security definer
set search_path = '' set enable_seqscan = off set jit = off set lock_timeout = '1s' as $$
declare
  -- Fetched and locked one at a time: what this claim has no room for stays free for others.
  due cursor for
    select c as conversation, u.connection_id, u.status, u.page_id, u.token_secret_id, u.page_token_secret_id
    from public.instagram_conversations c
    left join public.user_configs u on u.connection_id = c.connection_id
    where not c.parked and c.due_at <= now()
    order by c.due_at
    for update of c skip locked;
  candidate record;
  token      text;
  page_token text;
  locked    public.instagram_conversations;
  picked    uuid[];
  parts     jsonb[] := '{}'; -- one array of events a conversation
  room      integer := p_limit;
  to_clear  integer := 1000; -- a claim has to end soon: what else is in the way, the next one clears
begin
  perform igconnect.check_claim(p_limit, p_lease, 1000);

  open due;
  while room > 0 loop
    fetch due into candidate;
    exit when not found;
    locked := candidate.conversation;

    if locked.user_id is not null then
      continue when not igconnect.gather_connection_events(locked);
      select u.page_id, igconnect.open_secret(u.token_secret_id), igconnect.open_secret(u.page_token_secret_id)
      into candidate.page_id, token, page_token
      from public.user_configs u
      where u.user_id = locked.user_id and u.instagram_id = split_part(locked.conversation, '/', 1);
    elsif candidate.connection_id is null or candidate.status = 'reconnect' then
      if to_clear > 0 then
        perform igconnect.set_aside(locked);
        to_clear := to_clear - 1;
      end if;
      continue;
    else
      token := igconnect.open_secret(candidate.token_secret_id);
      page_token := igconnect.open_secret(candidate.page_token_secret_id);
      if token is null or page_token is null and candidate.page_token_secret_id is not null then
        perform igconnect.stop_unopened(locked.connection_id);
        continue;
      end if;
    end if;

    if locked.claimed is not null then
      perform igconnect.retry_events(array(
        select e.id from public.instagram_events e
        where e.id = any (locked.claimed) and coalesce(e.finished_at, e.dead_at) is null
        order by e.occurred_at, e.place limit 1), 'The lease ran out before the event was finished.', false);
      locked.claimed := null;
    end if;

    picked := array(
      select o.id from (
        select e.id, e.occurred_at, e.place, bool_or(e.next_try_at > now()) over (order by e.occurred_at, e.place) as held
        from public.instagram_events e
        where e.connection_id = locked.connection_id and e.conversation = locked.conversation
          and e.finished_at is null and e.dead_at is null
      ) o
      where not o.held
      order by o.occurred_at, o.place limit room);
    if cardinality(picked) = 0 then
      perform igconnect.settle_conversations(array[locked]);
      continue;
    end if;

    update public.instagram_conversations c set claimed = picked, due_at = clock_timestamp() + p_lease
    where c.connection_id = locked.connection_id and c.conversation = locked.conversation;
    room := room - cardinality(picked);
    parts := array_append(parts, (
      select jsonb_agg(jsonb_build_object(
        'id', e.id, 'user_id', e.user_id, 'instagram_id', e.instagram_id, 'conversation', e.conversation,
        'kind', e.kind, 'payload', e.payload, 'occurred_at', e.occurred_at, 'received_at', e.received_at,
        'attempts', e.attempts, 'token', token, 'page_id', candidate.page_id, 'page_token', page_token)
        order by e.occurred_at, e.place)
      from public.instagram_events e where e.id = any (picked)));
  end loop;
  close due;
  return (
    select coalesce(jsonb_agg(e.event order by p.place, e.place), '[]')
    from unnest(parts) with ordinality as p (events, place),
      jsonb_array_elements(p.events) with ordinality as e (event, place));
end
$$;

-- Closes those of the events that are open, whoever has them, and returns how many there were. A
-- conversation is free for the next claim as soon as none of its claimed events is left. Events whose
-- conversation is gone stay as they are, for their connection is gone too: nobody locks those for others.
create function public.finish_instagram_events(ids text[]) returns integer
language plpgsql security definer
set search_path = '' set enable_seqscan = off set jit = off set lock_timeout = '1s' as $$
declare
  done    constant uuid[] := igconnect.uuids(ids);
  locked  public.instagram_conversations[] := igconnect.lock_conversations(done);
  changed integer;
begin
  with still_open as materialized (
    select e.id, e.connection_id, e.conversation from public.instagram_events e
    where e.id = any (done) and coalesce(e.finished_at, e.dead_at) is null)
  update public.instagram_events e set finished_at = now()
  from still_open o join unnest(locked) l on l.connection_id = o.connection_id and l.conversation = o.conversation
  where e.id = o.id;
  get diagnostics changed = row_count;
  -- What told of a connection that is gone goes with this.
  delete from public.instagram_events e
  where e.id = any (done) and e.kind = 'connection' and e.finished_at = now() and not exists (
    select from public.user_configs c where c.user_id = e.user_id and c.instagram_id = e.instagram_id);
  perform igconnect.settle_conversations(locked);
  return changed;
end
$$;

-- Gives claimed events back for another try, with those that were claimed behind them, and returns how
-- many failed. Of the claimed ones only: a call that is repeated counts no second try.
create function public.fail_instagram_events(ids text[], reason text) returns integer
language plpgsql security definer
set search_path = '' set enable_seqscan = off set jit = off set lock_timeout = '1s' as $$
declare
  failed  constant uuid[] := igconnect.uuids(ids);
  locked  public.instagram_conversations[] := igconnect.lock_conversations(failed);
  changed integer;
begin
  changed := igconnect.retry_events(array(
    select claimed.id from unnest(locked) l cross join lateral unnest(l.claimed) as claimed (id)
    where claimed.id = any (failed)), reason, true);
  perform igconnect.settle_conversations(locked);
  return changed;
end
$$;

-- Deletes a batch of what was received longer ago than p_keep, the oldest first, and returns how many
-- there were. Events that are open stay for a day at least, for a short p_keep is for what is done, and
-- those that a worker holds at this moment stay for the next time.
create function public.delete_old_instagram_events(p_keep interval default '30 days') returns integer
language plpgsql security definer
set search_path = '' set enable_seqscan = off set enable_bitmapscan = off set jit = off set lock_timeout = '1s' as $$
declare
  closed_before constant timestamptz := now() - p_keep;
  open_before   constant timestamptz := least(closed_before, now() - interval '1 day');
  batch   uuid[];
  locked  public.instagram_conversations[];
  changed integer;
begin
  if p_keep is null or p_keep < interval '0' then
    raise exception 'p_keep must be an interval of zero or more.' using errcode = 'invalid_parameter_value';
  end if;
  -- One at a time: two would wait for each other's rows.
  if not pg_try_advisory_xact_lock(hashtextextended('public.delete_old_instagram_events', 0)) then
    return 0;
  end if;

  batch := array(
    select e.id from public.instagram_events e
    where e.received_at < closed_before
      and (e.finished_at is not null or e.dead_at is not null or e.received_at < open_before)
    order by e.received_at limit 10000);
  locked := igconnect.lock_conversations(batch);

  delete from public.instagram_events e
  where e.id = any (batch) and e.id <> all (array(
    select unnest(l.claimed) from unnest(locked) l where l.due_at > now()));
  get diagnostics changed = row_count;
  perform igconnect.settle_conversations(locked);
  return changed;
end
$$;

revoke all on all functions in schema igconnect from public;
revoke all on function
  public.ingest_instagram_events(jsonb), public.claim_instagram_events(integer, interval),
  public.finish_instagram_events(text[]), public.fail_instagram_events(text[], text),
  public.delete_old_instagram_events(interval)
  from public, anon, authenticated, service_role;
grant execute on function
  public.ingest_instagram_events(jsonb), public.claim_instagram_events(integer, interval),
  public.finish_instagram_events(text[]), public.fail_instagram_events(text[], text),
  public.delete_old_instagram_events(interval)
  to service_role;

comment on function public.ingest_instagram_events(jsonb) is
  'Stores the events of a webhook delivery, for each connection of their accounts, and returns how many were new. Takes an array of {"account", "key", "counterpart", "kind", "payload", "occurred_at"}, in the order in which they were delivered: account is the Instagram account''s id or its Page''s, key tells the event from all others of the account, occurred_at is RFC 3339. A key that ends on a time may be given a "key_to_second" that ends on the same in whole seconds: the event is then the same as one of either key. If counterpart is the account itself, "recipient" takes its place, and "_echo" is added to the kind. Events of accounts that nobody connected are ignored. For the secret key only.';
comment on function public.claim_instagram_events(integer, interval) is
  'Hands out up to p_limit (1 to 1000) open events with the tokens of their connections, in order within each conversation, as one array of {"id", "user_id", "instagram_id", "conversation", "kind", "payload", "occurred_at", "received_at", "attempts", "token", "page_id", "page_token"}. Events of kind "connection" tell of a connection itself, come whatever its status, and have null where there is no token. Until p_lease (1 second to 1 hour) is over nobody else gets anything of these conversations; then all that is still open comes again. Finish or fail every event that it returned. For the secret key only.';
comment on function public.finish_instagram_events(text[]) is
  'Marks open events as finished and returns how many there were. Other ids are ignored. A conversation is free for the next claim as soon as none of its claimed events is left. For the secret key only.';
comment on function public.fail_instagram_events(text[], text) is
  'Gives claimed events back for another try, and what was claimed behind them in their conversations, and returns how many failed. Each waits 20 seconds, then 40 and so on up to an hour, and holds its conversation meanwhile; after ten tries it is dead. Other ids are ignored. For the secret key only.';
comment on function public.delete_old_instagram_events(interval) is
  'Deletes up to 10,000 events that were received longer ago than p_keep, the oldest first, and returns how many: finished, dead, and, when they are a day old at least, those that nobody came for. With pg_cron enabled, run once: select cron.schedule(''delete-old-instagram-events'', ''*/10 * * * *'', $$select public.delete_old_instagram_events(''30 days'')$$);';
