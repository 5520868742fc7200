-- The deletion of a user, for apps whose users are not in auth.users: these go with their row there.

-- Deletes a user's connections with their secrets and events, and all events of kind "connection", also
-- those of earlier connections. Returns how many connections there were. No event tells of it.
--
-- It takes its locks in everybody's order: the user's row in auth.users, the user's lock, connections,
-- conversations. The latter it waits for, so that no worker is handed an event of the user afterwards.
create function public.delete_user(p_user_id text) returns integer
language plpgsql security definer
set search_path = '' set enable_seqscan = off set jit = off set lock_timeout = '3s' as $$
declare
  gone text;
  ids  uuid[];
  told uuid[];
begin
  -- What user_configs takes.
  if p_user_id is null or char_length(p_user_id) not between 1 and 255 or p_user_id ~ '[\u0001-\u001f\u007f-\u009f]' then
    raise exception 'p_user_id must be the id of a user: 1 to 255 characters, without control characters.'
      using errcode = 'invalid_parameter_value';
  end if;
  select u.id into gone from auth.users u where u.id = igconnect.parsed_uuid(p_user_id) for key share;
  gone := coalesce(gone, p_user_id);
  perform igconnect.lock_user(gone);
  ids := igconnect.lock_all_connections(array(select c.connection_id from public.user_configs c where c.user_id = gone));
  perform igconnect.lock_conversations(array(
    select e.id from public.instagram_events e where e.user_id = gone and e.kind = 'connection'));

  insert into igconnect.removed_connections (connection_id, user_deleted) select i, true from unnest(ids) i;
  delete from public.user_configs c where c.connection_id = any (ids);

  -- An event that is locked now is closed, and delete_old_instagram_events() is deleting it.
  told := array(
    select e.id from public.instagram_events e where e.user_id = gone and e.kind = 'connection' for update skip locked);
  delete from public.instagram_conversations c
  where (c.connection_id, c.conversation) in (
    select e.connection_id, e.conversation from public.instagram_events e where e.id = any (told));
  delete from public.instagram_events e where e.id = any (told);
  return cardinality(ids);
end
$$;

revoke all on function public.delete_user(text) from public, anon, authenticated, service_role;
grant execute on function public.delete_user(text) to service_role;

comment on function public.delete_user(text) is
  'Deletes a user of the app: the connections with their tokens and events. Returns how many connections there were. Of many events delete_removed_events() deletes the rest. Nothing is ended at Meta: DELETE /api/accounts does that. Users of Supabase Auth are deleted there, and their rows with them. For the secret key only.';
