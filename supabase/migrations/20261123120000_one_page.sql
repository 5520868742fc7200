-- An Instagram account is linked to one Page at a time, and Meta vouches for the link. Whoever connects it through another
-- Page shows that connections made through earlier ones are over: what is written to the account from now on is not for
-- their users.
create function public.user_configs_one_page() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  with ended as (
    select c.user_id from public.user_configs c
    where c.instagram_id = new.instagram_id and c.user_id <> new.user_id
      and c.page_id <> new.page_id and c.status <> 'reconnect' and c.connected_at < new.connected_at
    order by c.user_id
    for no key update
  )
  update public.user_configs c set
    status = 'reconnect', status_reason = 'This Instagram account is linked to another Facebook Page now.'
  from ended where c.instagram_id = new.instagram_id and c.user_id = ended.user_id;
  return null;
end
$$;

-- For a connect, which names its Page and its time. A renewal writes neither: whoever has it by now keeps it. A connect
-- writes the token as well and so holds the sealing's lock: two at once wait for each other.
create trigger user_configs_one_page
  after insert or update of page_id, connected_at on public.user_configs
  for each row when (new.page_id is not null and new.status <> 'reconnect')
  execute function public.user_configs_one_page();

revoke all on function public.user_configs_one_page() from public, anon, authenticated, service_role;

comment on function public.user_configs_one_page() is
  'Trigger: sets connections of the same Instagram account that other users made through an earlier Page to "reconnect".';

create or replace function public.igconnect_schema_version() returns text
language sql stable security definer set search_path = '' as $$
  -- The newest migration's. Each new one replaces this function.
  select '20261123120000'
$$;

notify pgrst, 'reload schema';
