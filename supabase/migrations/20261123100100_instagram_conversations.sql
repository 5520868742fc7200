-- What the functions of the inbox share.
--
-- Nobody waits in a circle, because all of them take their locks in this order:
--   1. the lock of user_configs, shared: its writers take it alone, so nothing cascades and no key is locked meanwhile;
--   2. new events, in the order of their ids (only senders wait for each other there);
--   3. conversations, in the order of their keys;
--   4. stored events, of conversations that are locked.
-- Each step is a statement of its own, because a statement sees the database as it was when it began, before it waited.
--
-- A session keeps the plans that it made when the tables were small. So that these suit large ones too, the functions scan
-- no table, and look-ups by id say "coalesce(finished_at, dead_at) is null": the planner does not see that the index of
-- the open events would serve them as well, and takes the primary key.

-- Locks the conversations of those of the events that are open.
create function public.instagram_conversations_lock(ids text[]) returns public.instagram_conversations[]
language plpgsql security definer set search_path = '' set enable_seqscan = off as $$
begin
  perform pg_advisory_xact_lock_shared(hashtextextended('public.user_configs', 0));
  return array(
    select c from public.instagram_conversations c
    where (c.user_id, c.conversation) in (
      select e.user_id, e.conversation from public.instagram_events e
      where e.id = any (ids) and coalesce(e.finished_at, e.dead_at) is null)
    order by c.user_id, c.conversation
    for update);
end
$$;

-- Brings locked conversations in line with their events. It takes out of a lease what is closed, and what has to wait
-- for another try together with all behind it; a lease that is left with nothing ends.
create function public.instagram_conversations_settle(locked public.instagram_conversations[]) returns void
language plpgsql security definer set search_path = '' set enable_seqscan = off as $$
begin
  with settled as (
    select
      l.user_id,
      l.conversation,
      (select array_agg(e.id) from (
         select o.id, bool_or(o.next_try_at > now()) over (order by o.occurred_at, o.id) as held
         from public.instagram_events o
         where o.id = any (l.claimed) and coalesce(o.finished_at, o.dead_at) is null
       ) e where not e.held) as claimed,
      -- A conversation that waits already keeps its place; one that was leased goes to the end.
      (select case when o.next_try_at > now() then o.next_try_at else least(l.due_at, now()) end
       from public.instagram_events o
       where o.user_id = l.user_id and o.conversation = l.conversation
         and o.finished_at is null and o.dead_at is null
       order by o.occurred_at, o.id limit 1) as due_at
    from unnest(locked) l
  ), emptied as (
    delete from public.instagram_conversations c using settled s
    where c.user_id = s.user_id and c.conversation = s.conversation and s.due_at is null
  )
  update public.instagram_conversations c
  set claimed = s.claimed, due_at = case when s.claimed is null then s.due_at else c.due_at end
  from settled s
  where c.user_id = s.user_id and c.conversation = s.conversation and s.due_at is not null
    and (s.claimed is distinct from c.claimed or s.claimed is null and s.due_at <> c.due_at);
end
$$;

-- Counts a failed try of open events: the next one 20 seconds later, then 40, up to an hour; none after the tenth.
create function public.instagram_events_retry(ids text[], reason text, delay boolean) returns integer
language plpgsql security definer set search_path = '' set enable_seqscan = off as $$
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

revoke all on function
  public.instagram_conversations_lock(text[]),
  public.instagram_conversations_settle(public.instagram_conversations[]),
  public.instagram_events_retry(text[], text, boolean)
  from public, anon, authenticated, service_role;

comment on function public.instagram_conversations_lock(text[]) is
  'Locks the conversations of open events. For the functions of the inbox only.';
comment on function public.instagram_conversations_settle(public.instagram_conversations[]) is
  'Brings locked conversations in line with their events. For the functions of the inbox only.';
comment on function public.instagram_events_retry(text[], text, boolean) is
  'Counts a failed try of events, the tenth of which is the last. For the functions of the inbox only.';
