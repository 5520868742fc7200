-- Connections: one row for each Instagram account that a user of the app connected.

-- Trigger functions and other helpers, which no client calls. The schema is not among those that
-- PostgREST exposes, and nobody but the owner may use it: the functions in it run as the owner.
create schema igconnect;
revoke all on schema igconnect from public, anon, authenticated, service_role;
comment on schema igconnect is 'Helpers of igconnect''s tables and functions in "public". No client calls them.';

-- A database that holds the recipe's own table keeps it, with its rows, foreign columns, indexes and
-- triggers. It waits in the other schema while the designed one is made, takes that one's shape below,
-- and its tokens are sealed as soon as that can be done (in the file on sealing).
do $$
begin
  if to_regclass('public.user_configs') is not null then
    alter table public.user_configs set schema igconnect;
  end if;
end
$$;

create table public.user_configs (
  -- Collation "C" is the order of uuids, the same on every machine. Locks are taken in this order.
  user_id                text        collate "C" not null,
  instagram_id           text        not null,
  auth_user_id           uuid        references auth.users (id) on delete cascade,
  token                  text,
  page_token             text,
  page_id                text,
  page_name              text,
  username               text,
  name                   text,
  picture_url            text,
  facebook_user_id       text,
  scopes                 text[],
  token_expires_at       timestamptz,
  data_access_expires_at timestamptz,
  status                 text        not null default 'active',
  status_reason          text,
  status_since           timestamptz not null default now(),
  retry                  boolean     not null default false,
  subscribed_fields      text[],
  subscription_error     text,
  checked_at             timestamptz,
  connected_at           timestamptz not null default now(),
  updated_at             timestamptz not null default now(),
  token_secret_id        uuid,
  page_token_secret_id   uuid,
  token_version          bigint      not null default 0,
  lease_id               uuid,
  leased_until           timestamptz,
  failures               integer     not null default 0,
  connection_id          uuid        not null default gen_random_uuid(),

  primary key (user_id, instagram_id),
  -- Any text that an app may call its users by, without control characters (Unicode's category Cc).
  constraint user_configs_user_id_form
    check (char_length(user_id) between 1 and 255 and user_id !~ '[\u0001-\u001f\u007f-\u009f]'),
  constraint user_configs_auth_user_id_same check (auth_user_id::text = user_id),
  -- The id is part of the secret's name, where '/' separates.
  constraint user_configs_instagram_id_form
    check (char_length(instagram_id) between 1 and 64 and position('/' in instagram_id) = 0),
  constraint user_configs_status_known check (status in ('active', 'expiring', 'reconnect')),
  -- The guarantee of this table: a token can pass through these columns and never stay in them.
  constraint user_configs_token_sealed check (token is null),
  constraint user_configs_page_token_sealed check (page_token is null)
);

-- Gives the table that waits the designed one's columns and constraints, and its place.
--
-- What only its own app knew goes, each with a notice: row policies (ours say who reads what), keys that
-- allow one account a user or one user an account, foreign keys of columns that become text. Columns that
-- ours do not know lose "not null" unless they have a default: our upsert does not name them. A column
-- of our name that holds something else is renamed.
do $$
declare
  adopted constant regclass := to_regclass('igconnect.user_configs');
  designed constant regclass := 'public.user_configs';
  keys    smallint[];
  found   record;
  counted bigint;
begin
  if adopted is null then
    return;
  end if;
  if (select c.relkind <> 'r' from pg_class c where c.oid = adopted) or 3 > (
    select count(*) from pg_attribute a
    where a.attrelid = adopted and not a.attisdropped and a.attname in ('user_id', 'instagram_id', 'token'))
  then
    raise exception 'public.user_configs exists and is not a table with user_id, instagram_id and token, so igconnect cannot adopt it: rename it, then run "supabase db push --remote" again.';
  end if;
  execute format('select count(*) from %s where coalesce(btrim(user_id::text), '''') = '''' or coalesce(btrim(instagram_id::text), '''') = ''''', adopted) into counted;
  if counted > 0 then
    raise exception '% row(s) of public.user_configs name no user or no account: delete or mend them (where user_id is null or instagram_id is null), then run "supabase db push --remote" again.', counted;
  end if;

  -- Nothing of it may leave the database before the tokens are sealed.
  for found in
    select p.pubname from pg_publication_rel r join pg_publication p on p.oid = r.prpubid where r.prrelid = adopted
  loop
    execute format('alter publication %I drop table %s', found.pubname, adopted);
  end loop;
  execute format('alter table %s replica identity default', adopted);
  for found in select p.polname from pg_policy p where p.polrelid = adopted loop
    raise notice 'igconnect replaces the policy "%" of user_configs: people read their own rows, and only the secret key writes.', found.polname;
    execute format('drop policy %I on %s', found.polname, adopted);
  end loop;

  keys := array(select a.attnum from pg_attribute a where a.attrelid = adopted and a.attname in ('user_id', 'instagram_id'));
  create temp table referring on commit drop as
    select c.conrelid::regclass as referrer, c.conname, pg_get_constraintdef(c.oid) as definition
    from pg_constraint c where c.contype = 'f' and c.confrelid = adopted;
  for found in select r.referrer, r.conname from referring r loop
    execute format('alter table %s drop constraint %I', found.referrer, found.conname);
  end loop;
  for found in
    select c.conname, c.contype, c.conkey <@ keys as of_key,
      (select string_agg(quote_ident(a.attname), ', ' order by k.place)
       from unnest(c.conkey) with ordinality k (number, place)
       join pg_attribute a on a.attrelid = adopted and a.attnum = k.number) as columns
    from pg_constraint c
    where c.conrelid = adopted and (
      c.contype = 'p'
      or c.contype = 'u' and c.conkey <@ keys
      or c.contype = 'f' and c.conkey && keys
      or c.contype = 'c' and exists (
        select from pg_attribute a join pg_attribute d on d.attrelid = designed and d.attname = a.attname
        where a.attrelid = adopted and a.attnum = any (c.conkey)))
  loop
    raise notice 'igconnect drops the constraint "%" of user_configs.', found.conname;
    execute format('alter table %s drop constraint %I', adopted, found.conname);
    if found.contype = 'p' and not found.of_key then
      execute format('alter table %s add unique (%s)', adopted, found.columns);
    end if;
  end loop;
  for found in
    select i.indexrelid::regclass as name from pg_index i
    where i.indrelid = adopted and i.indisunique and i.indkey::smallint[] <@ keys
      and not exists (select from pg_constraint c where c.conindid = i.indexrelid)
  loop
    raise notice 'igconnect drops the index % of user_configs.', found.name;
    execute format('drop index %s', found.name);
  end loop;

  for found in
    select d.attname as name, format_type(d.atttypid, d.atttypmod) as type, a.atttypid = d.atttypid as same,
      case when d.attcollation <> t.typcollation then format('collate %s', d.attcollation::regcollation) else '' end as collation,
      d.attnotnull as required, a.attnum is not null as there, a.attgenerated = 's' as computed, a.attidentity <> '' as counted,
      d.atttypid = 'text'::regtype and not a.attname = 'status'
        or d.atttypid = 'timestamptz'::regtype and a.atttypid in ('timestamp'::regtype, 'date'::regtype) as castable,
      pg_get_expr(f.adbin, f.adrelid) as otherwise
    from pg_attribute d
    join pg_type t on t.oid = d.atttypid
    left join pg_attrdef f on f.adrelid = designed and f.adnum = d.attnum
    left join pg_attribute a on a.attrelid = adopted and a.attname = d.attname and not a.attisdropped
    where d.attrelid = designed and d.attnum > 0 and not d.attisdropped
    order by d.attnum
  loop
    if found.there and (not found.same or found.name = 'status') and not found.castable then
      raise notice 'igconnect renames the column "%" of user_configs to "%".', found.name, found.name || '_before';
      execute format('alter table %s rename %I to %I', adopted, found.name, found.name || '_before');
      found.there := false;
    end if;
    if not found.there then
      execute format('alter table %s add %I %s %s', adopted, found.name, found.type, found.collation);
    elsif found.computed then
      execute format('alter table %s alter %I drop expression', adopted, found.name);
    else
      if found.counted then
        execute format('alter table %s alter %I drop identity', adopted, found.name);
      end if;
      execute format('alter table %1$s alter %2$I drop default, alter %2$I drop not null, alter %2$I type %3$s %4$s using %2$I::%3$s',
        adopted, found.name, found.type, found.collation);
    end if;
    if found.otherwise is not null then
      execute format('alter table %s alter %I set default %s', adopted, found.name, found.otherwise);
      execute format('update %1$s set %2$I = default where %2$I is null', adopted, found.name);
    end if;
    if found.required then
      execute format('alter table %s alter %I set not null', adopted, found.name);
    end if;
  end loop;

  -- The uuids of Supabase users have one spelling, and of a key that stands twice the newest row counts.
  execute format(
    'update %s a set user_id = u.id::text from auth.users u
     where lower(a.user_id) = u.id::text and a.user_id <> u.id::text', adopted);
  execute format(
    'delete from %1$s a using %1$s b
     where a.user_id = b.user_id and a.instagram_id = b.instagram_id and a.ctid < b.ctid', adopted);

  for found in
    select a.attname as name from pg_attribute a
    where a.attrelid = adopted and a.attnum > 0 and not a.attisdropped and a.attnotnull and not a.atthasdef and a.attidentity = ''
      and not exists (select from pg_attribute d where d.attrelid = designed and d.attname = a.attname)
  loop
    raise notice 'igconnect lets the column "%" of user_configs be null: it does not write it.', found.name;
    execute format('alter table %s alter %I drop not null', adopted, found.name);
  end loop;
  execute format(
    'update %s set token = null, status = ''reconnect'', status_reason = ''No token was saved for this account.''
     where coalesce(btrim(token), '''') = ''''', adopted);
  execute format('update %s set page_token = null where btrim(page_token) = ''''', adopted);

  -- The tokens are still there, so what says that they are not is not checked before they are sealed.
  for found in
    select c.conname, pg_get_constraintdef(c.oid) as definition, c.conname like '%\_sealed' as later
    from pg_constraint c where c.conrelid = designed and c.contype in ('p', 'f', 'c')
  loop
    execute format('alter table %s add constraint %I %s %s', adopted, found.conname, found.definition,
      case when found.later then 'not valid' end);
  end loop;
  for found in select * from referring loop
    execute format('alter table %s add constraint %I %s', found.referrer, found.conname, found.definition);
  end loop;
  drop table public.user_configs;
  alter table igconnect.user_configs set schema public;
end
$$;

-- For the inbox, whose events belong to a connection and not to its user's id for ever.
create unique index user_configs_connection_id_idx on public.user_configs (connection_id);
-- A webhook knows the Instagram id alone, or that of the Page instead.
create index user_configs_instagram_id_idx on public.user_configs (instagram_id);
create index user_configs_page_id_idx on public.user_configs (page_id) where page_id is not null;
-- For the deletion of a Supabase user.
create index user_configs_auth_user_id_idx on public.user_configs (auth_user_id)
  where auth_user_id is not null;
-- For the renewal, which never looks at what is over. First those whose person nobody knows yet, then by
-- the day (UTC) on which the token ends, and within it by the last check: each day's due ones stand
-- together. What somebody holds is not there, nor what failed when it was last tried.
create index user_configs_due_idx on public.user_configs (
  (case when facebook_user_id is null and checked_at is null then '-infinity'::date
        else coalesce((token_expires_at at time zone 'UTC')::date, 'infinity'::date) end),
  coalesce(checked_at, '-infinity'::timestamptz)
) where (status <> 'reconnect' or retry) and lease_id is null and failures = 0;
-- The same, by the last check alone.
create index user_configs_unchecked_idx on public.user_configs (coalesce(checked_at, '-infinity'::timestamptz))
  where (status <> 'reconnect' or retry) and lease_id is null and failures = 0;
-- And the rest: what somebody holds, and what failed.
create index user_configs_set_back_idx on public.user_configs (coalesce(leased_until, '-infinity'::timestamptz))
  where (status <> 'reconnect' or retry) and (lease_id is not null or failures > 0);
-- For the health check: webhook fields that Meta refused.
create index user_configs_left_out_idx on public.user_configs (connected_at) where subscription_error like '%: left out %';
-- And accounts that are connected and get no messages.
create index user_configs_mute_idx on public.user_configs (connected_at)
  where status <> 'reconnect' and not subscribed_fields @> '{messages}';
-- For Meta's callbacks, which know the Facebook person alone.
create index user_configs_facebook_user_id_idx on public.user_configs (facebook_user_id)
  where facebook_user_id is not null;
-- And for the rows that they cannot find yet: written without a person, and not checked since.
create index user_configs_unknown_person_idx on public.user_configs (connected_at)
  where facebook_user_id is null and checked_at is null;
-- For connections_needing_attention, which is asked for what is new.
create index user_configs_attention_idx on public.user_configs (status_since) where status <> 'active';

alter table public.user_configs enable row level security;

-- By the token's subject, as text: auth.uid() fails for users who are not Supabase Auth's.
create policy "Users read their own connections"
  on public.user_configs for select to authenticated
  using ((select auth.jwt() ->> 'sub') = user_id);

-- Older projects hand every new table to these roles by default, newer ones hand out nothing: say
-- all of it.
revoke all on table public.user_configs from public, anon, authenticated, service_role;

grant select, insert, update, delete on table public.user_configs to service_role;

-- Everything but the tokens, the ids of their secrets, the link to auth.users and the renewal's
-- lease, version, retry and failures. The row policy of the inbox asks for connection_id.
grant select (
  user_id, instagram_id, page_id, page_name, username, name, picture_url, facebook_user_id, scopes,
  token_expires_at, data_access_expires_at, status, status_reason, status_since, subscribed_fields,
  subscription_error, checked_at, connected_at, updated_at, connection_id
) on table public.user_configs to authenticated;

-- Row triggers of one kind fire in the order of their names. Before a row is written that is:
-- auth_user, keep_key, seal (in the file on sealing), times, token_version (likewise).

-- Returns the uuid that a text spells, in any of its spellings, null if it spells none.
create function igconnect.parsed_uuid(id text) returns uuid
language plpgsql immutable set search_path = '' as $$
begin
  return id::uuid;
exception when invalid_text_representation then
  return null;
end
$$;

-- Links a row whose user_id is the uuid of a Supabase user to that user, so that the row goes when
-- the user is deleted, and gives the uuid its one spelling. All other text stays as it is.
--
-- A client may send auth_user_id itself. Then the row is refused if there is no such user (any
-- more), which a bare user_id can't be: it may be the id of another app's user.
--
-- The user's row is locked before anything of ours, as the deletion of a user has it. A deletion that
-- is under way is waited for, and not for long.
create function igconnect.link_auth_user() returns trigger
language plpgsql security definer
set search_path = '' set enable_seqscan = off set jit = off set lock_timeout = '3s' as $$
declare
  parsed constant uuid := igconnect.parsed_uuid(new.user_id);
  linked uuid;
begin
  if parsed is null then
    return new;
  end if;
  select u.id into linked from auth.users u where u.id = parsed for key share;
  new.auth_user_id := coalesce(new.auth_user_id, linked);
  if new.auth_user_id = parsed then
    new.user_id := parsed;
  end if;
  return new;
end
$$;

create trigger user_configs_auth_user
  before insert or update of user_id, auth_user_id on public.user_configs
  for each row execute function igconnect.link_auth_user();

-- Refuses to move a connection to another user or account: its secrets would stay behind under the
-- old name. The connection's own id is made here, whatever the client sent: an id of its own choice
-- would show it the events of another connection.
create function igconnect.keep_key() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'INSERT' then
    new.connection_id := gen_random_uuid();
    return new;
  end if;
  if (new.user_id, new.instagram_id) is distinct from (old.user_id, old.instagram_id) then
    raise exception 'user_id and instagram_id of a connection cannot change: delete the row and connect the account again.'
      using errcode = 'check_violation';
  end if;
  new.connection_id := old.connection_id;
  return new;
end
$$;

create trigger user_configs_keep_key
  before insert or update of user_id, instagram_id, connection_id on public.user_configs
  for each row execute function igconnect.keep_key();

-- Keeps updated_at and status_since, whatever the client sent, and lets only "reconnect" be retried.
--
-- A status that changes, or its reason, also ends the lease, so that whoever changes it wins over a
-- check that is under way. A check that is written back ends its lease itself.
create function igconnect.keep_times() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  new.retry := new.retry and new.status = 'reconnect';
  if tg_op = 'INSERT' then
    new.status_since := now();
    return new;
  end if;
  new.updated_at := now();
  new.status_since := case when new.status = old.status then old.status_since else now() end;
  if (new.status, new.status_reason, new.retry) is distinct from (old.status, old.status_reason, old.retry)
     and new.lease_id is not distinct from old.lease_id then
    new.lease_id := null;
    new.leased_until := null;
  end if;
  return new;
end
$$;

create trigger user_configs_times
  before insert or update on public.user_configs
  for each row execute function igconnect.keep_times();

-- Sets connections of the same Instagram account that other users made earlier and through another
-- Page to "reconnect". An account is linked to one Page at a time, and Meta vouches for the link:
-- what is written to the account from now on is not for those users.
--
-- It fires for a connect, which names its Page and its time. A renewal writes neither: whoever has
-- the account by now keeps it.
create function igconnect.end_earlier_pages() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  earlier uuid;
begin
  for earlier in
    select c.connection_id from public.user_configs c
    where c.instagram_id = new.instagram_id and c.user_id <> new.user_id
      and c.page_id <> new.page_id and (c.status <> 'reconnect' or c.retry) and c.connected_at < new.connected_at
    order by c.user_id
  loop
    perform igconnect.end_page(earlier, new.connected_at);
  end loop;
  return null;
end
$$;

-- Ends one of them. Its user may be connecting the account at this very moment, and may be waiting for
-- the row of this connect in turn: then that connect counts as the later one.
create function igconnect.end_page(p_connection_id uuid, p_before timestamptz) returns void
language plpgsql security definer set search_path = '' set lock_timeout = '300ms' as $$
begin
  update public.user_configs c set
    status = 'reconnect', status_reason = 'This Instagram account is linked to another Facebook Page now.', retry = false
  where c.connection_id = p_connection_id and c.connected_at < p_before;
exception when lock_not_available then
  null;
end
$$;

create trigger user_configs_one_page
  after insert or update of page_id, connected_at on public.user_configs
  for each row when (new.page_id is not null and new.status <> 'reconnect')
  execute function igconnect.end_earlier_pages();

revoke all on all functions in schema igconnect from public;

comment on table public.user_configs is
  'Instagram accounts that users connected, one row each. The tokens are not here: they are in Vault. Read one with get_instagram_token().';
comment on column public.user_configs.user_id is 'The app''s user, by any id of the app. For a Supabase user the uuid of auth.users.';
comment on column public.user_configs.instagram_id is 'Id of the Instagram professional account, as webhooks name it.';
comment on column public.user_configs.auth_user_id is 'The same user in auth.users, if it is one. Deleting that user deletes the row and its tokens. Set by a trigger where it is left out.';
comment on column public.user_configs.token is 'Write only: the 60-day user token. It goes to Vault at once and always reads as null.';
comment on column public.user_configs.page_token is 'Write only: the Page''s token. It goes to Vault at once and always reads as null.';
comment on column public.user_configs.page_id is 'The Facebook Page that the Instagram account is linked to. Null: none is known.';
comment on column public.user_configs.page_name is 'Name of that Page when it was last read.';
comment on column public.user_configs.username is 'Instagram user name, without the @.';
comment on column public.user_configs.name is 'Display name on Instagram.';
comment on column public.user_configs.picture_url is 'Profile picture. Meta lets this address expire after some days.';
comment on column public.user_configs.facebook_user_id is 'The Facebook person who approved, as this Meta app sees them.';
comment on column public.user_configs.scopes is 'Permissions that the person granted.';
comment on column public.user_configs.token_expires_at is 'When the token ends. Null: Meta named no end.';
comment on column public.user_configs.data_access_expires_at is 'When Meta stops giving data unless the person approves again.';
comment on column public.user_configs.status is 'active: works. expiring: ends soon. reconnect: the person has to connect again.';
comment on column public.user_configs.status_reason is 'Why the status is not active.';
comment on column public.user_configs.status_since is 'When the status last changed. Kept by a trigger.';
comment on column public.user_configs.retry is 'In "reconnect": whether the daily check goes on, because what is wrong can be mended at Meta and leaves the tokens as they are. Else false.';
comment on column public.user_configs.subscribed_fields is 'Webhook fields that the Page is subscribed to.';
comment on column public.user_configs.subscription_error is 'Why the last subscription did not come out as asked.';
comment on column public.user_configs.checked_at is 'When the token was last checked with Meta.';
comment on column public.user_configs.connected_at is 'When the person last connected this account.';
comment on column public.user_configs.updated_at is 'When the row last changed. Kept by a trigger.';
comment on column public.user_configs.token_secret_id is 'The token''s secret in Vault. Set by a trigger; what a client writes here is ignored.';
comment on column public.user_configs.page_token_secret_id is 'The Page token''s secret in Vault. Set by a trigger; what a client writes here is ignored.';
comment on column public.user_configs.token_version is 'How many user tokens this row has had. Kept by a trigger.';
comment on column public.user_configs.lease_id is 'The claim of claim_due_connections() that works on this row.';
comment on column public.user_configs.leased_until is 'When that claim ends if nobody settles it before. Without a claim: until when a connection whose check failed is left alone.';
comment on column public.user_configs.failures is 'How many checks in a row failed, though Meta answered for others. A check that succeeds and a new token set it to 0.';
comment on column public.user_configs.connection_id is 'The connection itself: another one when the account is disconnected and connected again. Set by a trigger.';
