-- What became of the events that a worker had claimed.
create function public.finish_instagram_events(ids text[]) returns integer
language plpgsql security definer set search_path = '' set enable_seqscan = off as $$
declare
  locked  public.instagram_conversations[] := public.instagram_conversations_lock(ids);
  changed integer;
begin
  update public.instagram_events e set finished_at = now()
  where e.id = any (ids) and coalesce(e.finished_at, e.dead_at) is null;
  get diagnostics changed = row_count;
  perform public.instagram_conversations_settle(locked);
  return changed;
end
$$;

create function public.fail_instagram_events(ids text[], reason text) returns integer
language plpgsql security definer set search_path = '' set enable_seqscan = off as $$
declare
  locked  public.instagram_conversations[] := public.instagram_conversations_lock(ids);
  changed integer;
begin
  -- Of the claimed ones only: a call that is repeated counts no second try.
  changed := public.instagram_events_retry(array(
    select claimed.id from unnest(locked) l cross join lateral unnest(l.claimed) as claimed (id)
    where claimed.id = any (ids)), reason, true);
  perform public.instagram_conversations_settle(locked);
  return changed;
end
$$;

revoke all on function public.finish_instagram_events(text[]), public.fail_instagram_events(text[], text)
  from public, anon, authenticated, service_role;
grant execute on function public.finish_instagram_events(text[]), public.fail_instagram_events(text[], text)
  to service_role;

comment on function public.finish_instagram_events(text[]) is
  'Marks open events as finished and returns how many there were. Other ids are ignored. A conversation is free for the next claim as soon as none of its claimed events is left. For the secret key only.';
comment on function public.fail_instagram_events(text[], text) is
  'Gives claimed events back for another try, and what was claimed behind them in their conversations, and returns how many failed. Each waits 20 seconds, then 40 and so on up to an hour, and holds its conversation meanwhile; after ten tries it is dead. Other ids are ignored. For the secret key only.';
