-- A connection's life: what the renewal writes down beside the row that the person sees.
alter table public.user_configs
  add column lease_id      uuid,
  add column leased_until  timestamptz,
  add column token_version bigint      not null default 0,
  add column status_since  timestamptz not null default now();

-- For the renewal, which asks day after day for the few that are due.
create index user_configs_due_idx on public.user_configs (checked_at) where status <> 'reconnect';
-- For Meta's callbacks, which know the Facebook person alone.
create index user_configs_facebook_user_id_idx on public.user_configs (facebook_user_id) where facebook_user_id is not null;

-- The lease and the version are the renewal's own. Since when an account is down concerns its owner.
grant select (status_since) on table public.user_configs to authenticated;

-- Counts the user tokens of a row. A new one ends the lease, too: whoever holds it works with the one before.
create function public.user_configs_token_version() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  -- Whatever the client sent: a version of its own choice would let an old token win over a new one.
  new.token_version := coalesce(old.token_version, 0);
  -- Not by new.token: the sealing has emptied it, in an upsert even before PostgreSQL came to the UPDATE.
  if public.user_configs_sealed_now(new.token_secret_id) then
    new.token_version := new.token_version + 1;
    new.lease_id := null;
    new.leased_until := null;
  end if;
  return new;
end
$$;

create function public.user_configs_status_since() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  new.status_since := case when new.status is distinct from old.status then now() else old.status_since end;
  -- Whoever changes the status wins over a check that is under way; one that is written back ends its lease itself.
  if tg_op = 'UPDATE' and new.status is distinct from old.status and new.lease_id is not distinct from old.lease_id then
    new.lease_id := null;
    new.leased_until := null;
  end if;
  return new;
end
$$;

-- By their names both fire after user_configs_seal, which decides on the secret and may decide on the status.
create trigger user_configs_status_since
  before insert or update on public.user_configs
  for each row execute function public.user_configs_status_since();

create trigger user_configs_token_version
  before insert or update of token, token_version on public.user_configs
  for each row execute function public.user_configs_token_version();

-- Destroys both tokens of each of these connections. The rows stay. The caller holds the lock of user_configs.
create function public.user_configs_destroy(connections public.user_configs[]) returns void
language plpgsql security definer set search_path = '' as $$
begin
  delete from vault.secrets s
  using unnest(connections) d
  where s.name in ('user_configs/' || d.user_id || '/' || d.instagram_id,
                   'user_configs/' || d.user_id || '/' || d.instagram_id || '/page_token');

  update public.user_configs c set token_secret_id = null, page_token_secret_id = null
  from unnest(connections) d
  where c.user_id = d.user_id and c.instagram_id = d.instagram_id
    and (c.token_secret_id is not null or c.page_token_secret_id is not null);
end
$$;

revoke all on function
  public.user_configs_token_version(), public.user_configs_status_since(), public.user_configs_destroy(public.user_configs[])
  from public, anon, authenticated, service_role;

-- Whose connection has stopped keeps what came before, and is not shown what comes after: the account may be somebody
-- else's by now. It waits in the inbox until the person connects again.
drop policy "Users read the events of their own connections" on public.instagram_events;
create policy "Users read the events of their own living connections"
  on public.instagram_events for select to authenticated
  using ((select auth.uid()) = user_id and exists (
    select from public.user_configs c
    where c.user_id = instagram_events.user_id and c.instagram_id = instagram_events.instagram_id
      and (c.status <> 'reconnect' or instagram_events.received_at <= c.status_since)));

comment on column public.user_configs.lease_id is 'The claim of claim_due_connections() that works on this row.';
comment on column public.user_configs.leased_until is 'When that claim ends if nobody settles it before.';
comment on column public.user_configs.token_version is 'How many user tokens this row has had. Kept by a trigger.';
comment on column public.user_configs.status_since is 'When the status last changed. Kept by a trigger.';
comment on function public.user_configs_token_version() is 'Counts the user tokens of a connection, and takes its lease away with each new one.';
comment on function public.user_configs_status_since() is 'Keeps status_since.';
comment on function public.user_configs_destroy(public.user_configs[]) is
  'Destroys the tokens of connections and leaves their rows. For the functions that end a connection only.';

-- Realtime carries the columns that people may read: this one with them. A column joins a list only by a new list.
do $$
declare
  columns text;
begin
  select string_agg(quote_ident(a.name), ', ') into columns
  from pg_publication_tables p, unnest(p.attnames) as a (name)
  where p.pubname = 'supabase_realtime' and p.schemaname = 'public' and p.tablename = 'user_configs'
  having 'status_since' <> all (array_agg(a.name));

  if columns is not null then
    alter publication supabase_realtime drop table public.user_configs;
    execute format('alter publication supabase_realtime add table public.user_configs (%s, status_since)', columns);
  end if;
end
$$;

notify pgrst, 'reload schema';
