-- Retention.
create function public.delete_old_instagram_events(p_keep interval default '30 days') returns integer
language plpgsql security definer set search_path = '' as $$
declare
  -- Never younger than a day if it is still open: a short p_keep is for what is done.
  closed_before constant timestamptz := now() - p_keep;
  open_before   constant timestamptz := least(closed_before, now() - interval '1 day');
  batch   text[];
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
  locked := public.instagram_conversations_lock(batch);

  -- What a worker holds at this moment stays for the next time.
  delete from public.instagram_events e
  where e.id = any (batch) and e.id <> all (array(
    select unnest(l.claimed) from unnest(locked) l where l.due_at > now()));
  get diagnostics changed = row_count;
  perform public.instagram_conversations_settle(locked);
  return changed;
end
$$;

revoke all on function public.delete_old_instagram_events(interval) from public, anon, authenticated, service_role;
grant execute on function public.delete_old_instagram_events(interval) to service_role;

comment on function public.delete_old_instagram_events(interval) is
  'Deletes up to 10,000 events that were received longer ago than p_keep, the oldest first, and returns how many: finished, dead, and, when they are a day old at least, those that nobody came for. With pg_cron enabled, run once: select cron.schedule(''delete-old-instagram-events'', ''*/10 * * * *'', $$select public.delete_old_instagram_events(''30 days'')$$);';
