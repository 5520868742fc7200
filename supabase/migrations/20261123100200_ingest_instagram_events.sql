-- The way in: a whole delivery in one call.
create function public.ingest_instagram_events(events jsonb) returns integer
language plpgsql security definer set search_path = '' set enable_seqscan = off as $$
declare
  added   public.instagram_events[];
  touched public.instagram_conversations[];
begin
  -- Some clients encode a jsonb argument twice.
  if jsonb_typeof(events) = 'string' then
    events := (events #>> '{}')::jsonb;
  end if;
  if jsonb_typeof(events) is distinct from 'array' then
    raise exception 'events must be a JSON array.' using errcode = 'invalid_parameter_value';
  end if;
  perform pg_advisory_xact_lock_shared(hashtextextended('public.user_configs', 0));

  -- Sorted, so that two deliveries of the same events wait for each other in one direction only.
  with incoming as (
    select * from jsonb_to_recordset(events) as i
      (account text, key text, counterpart text, kind text, payload jsonb, occurred_at timestamptz)
  ), accounts as (
    select distinct i.account from incoming i
  ), connections as (
    select a.account, c.user_id, c.instagram_id
    from accounts a join public.user_configs c on c.instagram_id = a.account
    union
    select a.account, c.user_id, c.instagram_id
    from accounts a join public.user_configs c on c.page_id = a.account
    -- A Page may have been linked to another account before: the one that was connected last is meant.
    where c.instagram_id = (
      select u.instagram_id from public.user_configs u where u.page_id = a.account order by u.connected_at desc limit 1)
  ), inserted as (
    insert into public.instagram_events as e
      (id, user_id, instagram_id, conversation, kind, payload, occurred_at)
    select
      (c.user_id || '/' || c.instagram_id || '/' || i.key) collate "C",
      c.user_id,
      c.instagram_id,
      c.instagram_id || '/' || coalesce(i.counterpart, ''),
      i.kind,
      coalesce(i.payload, 'null'),
      coalesce(least(i.occurred_at, now()), now())
    from incoming i join connections c on c.account = i.account
    order by 1
    on conflict (id) do nothing
    returning e
  )
  select array_agg(i.e) into added from inserted i;
  if added is null then
    return 0;
  end if;

  -- Where there is a row, "do update" locks it, which "do nothing" would not, and "where false" leaves it as it is.
  insert into public.instagram_conversations as c (user_id, instagram_id, conversation)
  select distinct e.user_id, e.instagram_id, e.conversation from unnest(added) e
  order by e.user_id, e.conversation
  on conflict (user_id, conversation) do update set due_at = c.due_at where false;

  touched := array(
    select c from public.instagram_conversations c
    where (c.user_id, c.conversation) in (select e.user_id, e.conversation from unnest(added) e));
  perform public.instagram_conversations_settle(touched);
  return cardinality(added);
end
$$;

revoke all on function public.ingest_instagram_events(jsonb) from public, anon, authenticated, service_role;
grant execute on function public.ingest_instagram_events(jsonb) to service_role;

comment on function public.ingest_instagram_events(jsonb) is
  'Stores the events of a webhook delivery, for each connection of their accounts, and returns how many were new. Takes an array of {"account", "key", "counterpart", "kind", "payload", "occurred_at"}: account is the Instagram account''s id or its Page''s, key tells the event from all others of the account, occurred_at is RFC 3339. Events of accounts that nobody connected are ignored. For the secret key only.';
