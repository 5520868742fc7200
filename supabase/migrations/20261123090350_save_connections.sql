-- Saves the connections of one login: new ones are inserted, known ones replaced, as by an upsert of
-- their rows. Returns, in the same call, what else the same Facebook person connected, for whichever
-- users, that still works through a Page: a grant that leaves the Page out has ended it.
create function public.save_connections(connections jsonb) returns jsonb
language plpgsql security definer set search_path = '' set enable_seqscan = off set jit = off as $$
declare
  wanted constant jsonb := igconnect.json_array('connections', connections);
begin
  insert into public.user_configs (
    user_id, instagram_id, auth_user_id, token, page_token, page_id, page_name,
    username, name, picture_url, facebook_user_id, scopes, token_expires_at, data_access_expires_at,
    status, status_reason, retry, subscribed_fields, subscription_error, checked_at, connected_at)
  select
    r.user_id, r.instagram_id, r.auth_user_id, r.token, r.page_token, r.page_id, r.page_name,
    r.username, r.name, r.picture_url, r.facebook_user_id, r.scopes, r.token_expires_at, r.data_access_expires_at,
    r.status, r.status_reason, r.retry, r.subscribed_fields, r.subscription_error, r.checked_at, r.connected_at
  from jsonb_populate_recordset(null::public.user_configs, wanted) r
  on conflict (user_id, instagram_id) do update set (
    auth_user_id, token, page_token, page_id, page_name,
    username, name, picture_url, facebook_user_id, scopes, token_expires_at, data_access_expires_at,
    status, status_reason, retry, subscribed_fields, subscription_error, checked_at, connected_at
  ) = (select
    excluded.auth_user_id, excluded.token, excluded.page_token, excluded.page_id, excluded.page_name,
    excluded.username, excluded.name, excluded.picture_url, excluded.facebook_user_id, excluded.scopes,
    excluded.token_expires_at, excluded.data_access_expires_at, excluded.status, excluded.status_reason,
    excluded.retry, excluded.subscribed_fields, excluded.subscription_error, excluded.checked_at, excluded.connected_at);

  return (
    select coalesce(jsonb_agg(jsonb_build_object(
      'user_id', c.user_id, 'instagram_id', c.instagram_id, 'username', c.username, 'page_id', c.page_id,
      'facebook_user_id', c.facebook_user_id, 'status', c.status, 'connected_at', c.connected_at)), '[]')
    from public.user_configs c
    where c.facebook_user_id = any (array(select w ->> 'facebook_user_id' from jsonb_array_elements(wanted) w))
      and c.status <> 'reconnect' and c.page_id is not null
      and (c.user_id, c.instagram_id) not in (
        select w ->> 'user_id', w ->> 'instagram_id' from jsonb_array_elements(wanted) w));
end
$$;

revoke all on function public.save_connections(jsonb) from public, anon, authenticated, service_role;
grant execute on function public.save_connections(jsonb) to service_role;

comment on function public.save_connections(jsonb) is
  'Saves the connections of one login, given as an array of rows of user_configs, and returns the Facebook person''s other connections that still work. For the secret key only.';
