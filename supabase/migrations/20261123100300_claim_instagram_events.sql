-- The way out: events together with the tokens that are needed to answer them.
create function public.claim_instagram_events(p_limit integer, p_lease interval)
returns table (
  id           text,
  user_id      uuid,
  instagram_id text,
  conversation text,
  kind         text,
  payload      jsonb,
  occurred_at  timestamptz,
  received_at  timestamptz,
  attempts     integer,
  token        text,
  page_id      text,
  page_token   text
)
language plpgsql security definer set search_path = '' set enable_seqscan = off as $$
declare
  -- Fetched and locked one at a time, the one that has waited longest first: what this claim has no room for stays free
  -- for others. Events wait for their person while the connection is in "reconnect" or a secret of it is gone.
  due cursor for
    select c as conversation, u.page_id, u.token_secret_id, u.page_token_secret_id
    from public.instagram_conversations c
    join public.user_configs u on u.user_id = c.user_id and u.instagram_id = c.instagram_id
    where c.due_at <= now() and u.status <> 'reconnect'
      and exists (select from vault.secrets s where s.id = u.token_secret_id)
      and (u.page_token_secret_id is null or exists (select from vault.secrets s where s.id = u.page_token_secret_id))
    order by c.due_at
    for update of c skip locked;
  candidate record;
  locked    public.instagram_conversations;
  picked    text[];
  room      integer := p_limit;
begin
  if p_limit is null or p_limit not between 1 and 1000 then
    raise exception 'p_limit must be between 1 and 1000.' using errcode = 'invalid_parameter_value';
  end if;
  if p_lease is null or p_lease not between interval '1 second' and interval '1 hour' then
    raise exception 'p_lease must be between 1 second and 1 hour.' using errcode = 'invalid_parameter_value';
  end if;
  perform pg_advisory_xact_lock_shared(hashtextextended('public.user_configs', 0));

  open due;
  while room > 0 loop
    fetch due into candidate;
    exit when not found;
    locked := candidate.conversation;

    token := (select s.decrypted_secret from vault.decrypted_secrets s where s.id = candidate.token_secret_id);
    page_token := (select s.decrypted_secret from vault.decrypted_secrets s where s.id = candidate.page_token_secret_id);

    -- The lease ran out: the worker died with the first event that it left open, maybe because of it.
    if locked.claimed is not null then
      perform public.instagram_events_retry(array(
        select e.id from public.instagram_events e
        where e.id = any (locked.claimed) and coalesce(e.finished_at, e.dead_at) is null
        order by e.occurred_at, e.id limit 1), 'The lease ran out before the event was finished.', false);
      locked.claimed := null;
    end if;

    picked := array(
      select o.id from (
        select e.id, e.occurred_at, bool_or(e.next_try_at > now()) over (order by e.occurred_at, e.id) as held
        from public.instagram_events e
        where e.user_id = locked.user_id and e.conversation = locked.conversation
          and e.finished_at is null and e.dead_at is null
      ) o
      where not o.held
      order by o.occurred_at, o.id limit room);
    if cardinality(picked) = 0 then
      perform public.instagram_conversations_settle(array[locked]);
      continue;
    end if;

    update public.instagram_conversations c set claimed = picked, due_at = clock_timestamp() + p_lease
    where c.user_id = locked.user_id and c.conversation = locked.conversation;
    room := room - cardinality(picked);
    return query
      select e.id, e.user_id, e.instagram_id, e.conversation, e.kind, e.payload, e.occurred_at, e.received_at,
        e.attempts, token, candidate.page_id, page_token
      from public.instagram_events e where e.id = any (picked)
      order by e.occurred_at, e.id;
  end loop;
  close due;
end
$$;

revoke all on function public.claim_instagram_events(integer, interval) from public, anon, authenticated, service_role;
grant execute on function public.claim_instagram_events(integer, interval) to service_role;

comment on function public.claim_instagram_events(integer, interval) is
  'Hands out up to p_limit (1 to 1000) open events with the tokens of their connections, in order within each conversation. Until p_lease (1 second to 1 hour) is over nobody else gets anything of these conversations; then all that is still open comes again. Finish or fail every event that it returned. For the secret key only.';
