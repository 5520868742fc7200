-- The renewal, second half: what came of it.
create function public.settle_connections(results jsonb) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  settled integer;
  doomed  public.user_configs[];
begin
  -- Some clients encode a jsonb argument twice.
  if jsonb_typeof(results) = 'string' then
    results := (results #>> '{}')::jsonb;
  end if;
  if jsonb_typeof(results) is distinct from 'array' then
    raise exception 'results must be a JSON array.' using errcode = 'invalid_parameter_value';
  end if;
  -- First of all, and alone: so the person's own upsert has come through whole, or comes later and wins.
  perform pg_advisory_xact_lock(hashtextextended('public.user_configs', 0));
  -- Others that change several rows without a token do not ask for that lock. In the order of the keys nobody waits in a circle.
  perform from public.user_configs c
  join jsonb_to_recordset(results) as r (user_id uuid, instagram_id text)
    on c.user_id = r.user_id and c.instagram_id = r.instagram_id
  order by c.user_id, c.instagram_id
  for no key update of c;

  with reported as (
    select e.result, k.*
    from jsonb_array_elements(results) as e (result),
      jsonb_to_record(e.result) as k (
        lease_id uuid, user_id uuid, instagram_id text, token_version bigint, checked boolean, destroy boolean)
  ), written as (
    update public.user_configs c set
      -- The row itself with what the result names: what it leaves out stays, a null empties. The sealing takes the tokens.
      (token, page_token, token_expires_at, data_access_expires_at, scopes,
       subscribed_fields, subscription_error, status, status_reason) = (
        select n.token, n.page_token, n.token_expires_at, n.data_access_expires_at, n.scopes,
          n.subscribed_fields, n.subscription_error, n.status, n.status_reason
        from jsonb_populate_record(c, r.result) n),
      -- Learned from Meta, for a row that was written without it.
      facebook_user_id = coalesce(c.facebook_user_id, r.result ->> 'facebook_user_id'),
      checked_at = case when r.checked then now() else c.checked_at end,
      lease_id = null,
      leased_until = null
    from reported r
    where c.user_id = r.user_id and c.instagram_id = r.instagram_id
      and c.lease_id = r.lease_id and c.token_version = r.token_version
    returning c as connection, r.destroy
  )
  select count(*), array_agg(w.connection) filter (where w.destroy) into settled, doomed from written w;

  perform public.user_configs_destroy(doomed);
  return settled;
end
$$;

revoke all on function public.settle_connections(jsonb) from public, anon, authenticated, service_role;
grant execute on function public.settle_connections(jsonb) to service_role;

comment on function public.settle_connections(jsonb) is
  'Writes what came of claimed connections, ends their lease, and returns how many were written. Takes an array of {"lease_id", "user_id", "instagram_id", "token_version"}, as claimed, with any of {"token", "page_token", "token_expires_at", "data_access_expires_at", "scopes", "subscribed_fields", "subscription_error", "status", "status_reason"}, and "facebook_user_id", which is written where there is none: what is left out stays as it is, null empties it (a token only "destroy" removes). "checked": true marks it as checked now; without, it is due again at once. "destroy": true destroys both tokens. A result whose lease somebody else has now, or whose token the person replaced meanwhile, is ignored. For the secret key only.';

notify pgrst, 'reload schema';
