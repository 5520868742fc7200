-- Sealing: whoever writes a token to user_configs, by whatever client, writes it to Vault.
--
-- The names of the secrets are the link between a row and its tokens:
--   user_configs/<user_id>/<instagram_id>              the user token
--   user_configs/<user_id>/<instagram_id>/page_token   the Page's token
-- with the user's id percent-encoded.
--
-- An upsert fires the INSERT trigger before PostgreSQL knows of the conflict, and then the UPDATE
-- trigger with a token that is null already. So neither can rely on the other's values: both look
-- the secret up by its name.
--
-- What every connect calls is PL/pgSQL, which keeps its plans: a function in SQL is parsed and planned
-- again in each transaction, which was a fifth of a connect's time in the database.

-- Returns the text with '%' and '/' percent-encoded: it can then stand in front of a '/' and be
-- told from what follows. The uuids of Supabase users come back as they are.
create function igconnect.percent_encoded(id text) returns text
language plpgsql immutable set search_path = '' as $$
begin
  return replace(replace(id, '%', '%25'), '/', '%2F');
end
$$;

-- Returns the names of the secrets that hold a connection's tokens: of the person, and of the Page. No two
-- connections share one.
create function igconnect.secret_names(user_id text, instagram_id text) returns text[]
language plpgsql immutable set search_path = '' as $$
declare
  name constant text := 'user_configs/' || igconnect.percent_encoded(user_id) || '/' || instagram_id;
begin
  return array[name, name || '/page_token'];
end
$$;

-- Deletes the secrets of these names. What is made of user_id has its collation, and Vault's index another.
create function igconnect.delete_secrets(names text[]) returns void
language sql security definer set search_path = '' set enable_seqscan = off set jit = off as $$
  delete from vault.secrets s where s.name = any (names collate "default")
$$;

-- Writes a token (null: leaves what there is) to the secret of that name, making it if needed, and
-- returns the secret's id, null if there is none. The token never reaches the disk or the
-- write-ahead log in clear. An empty token is refused. A secret that cannot be opened any more is
-- replaced.
create function igconnect.write_secret(secret_name text, value text) returns uuid
language plpgsql security definer set search_path = '' as $$
declare
  secret_id uuid;
begin
  if btrim(value) = '' then
    raise exception 'An empty token cannot be stored: leave the column out to keep the token as it is.'
      using errcode = 'invalid_parameter_value';
  end if;

  select s.id into secret_id from vault.secrets s where s.name = secret_name;
  if value is null then
    return secret_id;
  end if;
  if secret_id is not null then
    begin
      perform vault.update_secret(secret_id, value);
      return secret_id;
    exception when data_exception or external_routine_invocation_exception then
      -- It opens the old value first, which is of no use to us.
      delete from vault.secrets s where s.id = secret_id;
    end;
  end if;
  -- create_secret() writes its argument to the table in clear before it encrypts it, and the clear
  -- text then stays on disk and in the write-ahead log. update_secret() encrypts first.
  secret_id := vault.create_secret('pending', secret_name, 'A token of igconnect. Removed with its row in public.user_configs.');
  perform vault.update_secret(secret_id, value);
  return secret_id;
end
$$;

-- Returns what a secret holds. Null: there is none, or Vault cannot open it, because it was sealed with
-- a root key that this database no longer has, or was changed. Every other failure, of Vault as a whole
-- say, is passed on: it says nothing about this secret.
create function igconnect.open_secret(secret_id uuid) returns text
language plpgsql stable security definer set search_path = '' as $$
begin
  return (select s.decrypted_secret from vault.decrypted_secrets s where s.id = secret_id);
exception when data_exception or external_routine_invocation_exception then
  return null;
end
$$;

-- Why a connection is in "reconnect" whose secret is there and cannot be opened.
create function igconnect.unopened() returns text
language sql immutable set search_path = '' as $$
  select 'The saved token cannot be opened any more. Connect the account again.'
$$;

-- For the health check, which counts them. Not by the function: whoever writes a row would have to be
-- allowed to call it.
create index user_configs_unopened_idx on public.user_configs (instagram_id)
  where status_reason = 'The saved token cannot be opened any more. Connect the account again.';

-- Reports whether a secret was written in this transaction. In an upsert the INSERT trigger has done
-- so a moment before the UPDATE trigger asks.
create function igconnect.written_now(secret_id uuid) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  return exists (select from vault.secrets s where s.id = secret_id and s.updated_at >= now());
end
$$;

-- Whoever writes tokens holds their connection meanwhile: else two upserts of one account race for the
-- secret's name, and a delete removes the secret that an upsert has just written. Everybody takes what
-- they need of these in one order, so that nobody waits in a circle:
--   1. the user's row in auth.users, as its deletion does first;
--   2. the user's lock: where there is no row yet, nothing else keeps two upserts apart;
--   3. the connection's row;
--   4. its secrets.
-- An update or a delete has its row before any trigger sees it, and begins there.

-- Takes a user's lock, until the transaction ends.
create function igconnect.lock_user(p_user_id text) returns void
language plpgsql security definer set search_path = '' set lock_timeout = '3s' as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('igconnect/user/' || p_user_id, 0));
end
$$;

-- Locks a connection that is inserted, which may be there already. In an upsert PostgreSQL itself would
-- lock the row only after its secrets are written.
create function igconnect.lock_connection(p_user_id text, p_instagram_id text) returns void
language plpgsql security definer
set search_path = '' set enable_seqscan = off set jit = off set lock_timeout = '3s' as $$
begin
  perform igconnect.lock_user(p_user_id);
  perform from public.user_configs c where c.user_id = p_user_id and c.instagram_id = p_instagram_id for update;
end
$$;

-- Locks connections of any users, and returns the ids of those that it got: what others hold for longer
-- than p_patience is left to them. It waits for one connection at a time and holds none meanwhile, so it
-- does not matter in which order others take theirs.
create function igconnect.lock_connections(ids uuid[], p_patience interval) returns uuid[]
language plpgsql security definer
set search_path = '' set enable_seqscan = off set jit = off set lock_timeout = '1s' as $$
declare
  until constant timestamptz := clock_timestamp() + p_patience;
  locked uuid[];
  busy   uuid;
begin
  loop
    begin
      perform from public.user_configs c where c.connection_id = busy for no key update;
      locked := igconnect.lock_free(ids);
      select c.connection_id into busy from public.user_configs c
      where c.connection_id = any (ids) and c.connection_id <> all (locked) limit 1;
      if busy is null then
        return locked;
      end if;
      raise lock_not_available; -- which gives back what it has
    exception when lock_not_available then
      exit when clock_timestamp() > until;
    end;
  end loop;
  return igconnect.lock_free(ids);
end
$$;

-- Locks connections of any users, and returns the ids of those that are still there, or fails: then it
-- may be called again.
create function igconnect.lock_all_connections(ids uuid[]) returns uuid[]
language plpgsql security definer set search_path = '' set enable_seqscan = off set jit = off as $$
declare
  locked constant uuid[] := igconnect.lock_connections(ids, '3 seconds');
begin
  if exists (select from public.user_configs c where c.connection_id = any (ids) and c.connection_id <> all (locked)) then
    raise lock_not_available using message = 'Somebody else is changing these connections: try again.';
  end if;
  return locked;
end
$$;

-- Locks those of the connections that nobody holds, and returns their ids.
create function igconnect.lock_free(ids uuid[]) returns uuid[]
language sql security definer set search_path = '' set enable_seqscan = off set jit = off as $$
  select array(
    select c.connection_id from public.user_configs c where c.connection_id = any (ids)
    order by c.connection_id for no key update skip locked)
$$;

-- Moves the tokens that are written to a row to Vault, leaves null in their columns, and sets the
-- ids of their secrets. A column that is left out, or null, keeps its token.
--
-- A new token turns "reconnect" into "active". A Page's token is destroyed when the row's Page or
-- person changes without a new one: it would act for somebody who has left.
create function igconnect.seal_tokens() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  secret_names constant text[] := igconnect.secret_names(new.user_id, new.instagram_id);
begin
  if tg_op = 'INSERT' then
    perform igconnect.lock_connection(new.user_id, new.instagram_id);
  end if;
  -- Set always, whatever the client sent: an id of its own choice would let it read any secret.
  new.token_secret_id := igconnect.write_secret(secret_names[1], new.token);
  new.page_token_secret_id := igconnect.write_secret(secret_names[2], new.page_token);

  if tg_op = 'UPDATE' then
    -- Unless the same statement decides on the status. So does a check that is written back, which ends
    -- its lease: a token that it prolonged does not mend what is wrong. And a connect, which names its
    -- time, may find something missing that only Meta can give.
    if old.status = 'reconnect' and new.status = 'reconnect' and igconnect.written_now(new.token_secret_id)
       and new.lease_id is not distinct from old.lease_id
       and not (new.retry and (new.retry, new.connected_at) is distinct from (old.retry, old.connected_at)) then
      new.status := 'active';
      new.status_reason := null;
    end if;

    -- What was unknown before has not changed.
    if (new.page_id, new.facebook_user_id) is distinct from
       (coalesce(old.page_id, new.page_id), coalesce(old.facebook_user_id, new.facebook_user_id))
       and not igconnect.written_now(new.page_token_secret_id) then
      delete from vault.secrets s where s.id = new.page_token_secret_id;
      new.page_token_secret_id := null;
    end if;
  end if;

  new.token := null;
  new.page_token := null;
  return new;
end
$$;

-- Counts the user tokens of a row, whatever version the client sent: one of its own choice would let
-- an old token win over a new one. A new token ends the lease: whoever holds that works with the
-- token before, and what failed before may go well now.
create function igconnect.count_tokens() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  new.token_version := coalesce(old.token_version, 0);
  -- Not by new.token: the sealing has emptied it, in an upsert even before PostgreSQL came to the
  -- UPDATE.
  if igconnect.written_now(new.token_secret_id) then
    new.token_version := new.token_version + 1;
    if new.lease_id is not distinct from old.lease_id then -- a check that is written back ends its lease itself
      new.leased_until := null;
      new.failures := 0;
    end if;
    new.lease_id := null;
  end if;
  return new;
end
$$;

-- Removes the secrets of deleted rows, or after TRUNCATE all of them. Only the table's owner can
-- truncate, in the dashboard say, and means the tokens too.
create function igconnect.remove_secrets() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'TRUNCATE' then
    delete from vault.secrets s where starts_with(s.name, 'user_configs/');
  else
    perform igconnect.delete_secrets(array(select unnest(igconnect.secret_names(r.user_id, r.instagram_id)) from removed r));
  end if;
  return null;
end
$$;

create trigger user_configs_seal
  before insert or update of token, page_token, token_secret_id, page_token_secret_id on public.user_configs
  for each row execute function igconnect.seal_tokens();

create trigger user_configs_token_version
  before insert or update of token, token_version on public.user_configs
  for each row execute function igconnect.count_tokens();

create trigger user_configs_unseal
  after delete on public.user_configs referencing old table as removed
  for each statement execute function igconnect.remove_secrets();

create trigger user_configs_unseal_all
  after truncate on public.user_configs
  for each statement execute function igconnect.remove_secrets();

-- Seals the tokens of an adopted table, and links its rows to auth.users. Then the table is written anew, because what an update replaces
-- stays in the old file, and the planner's samples of it are taken again.
do $$
begin
  if exists (
    select from pg_constraint c where c.conrelid = 'public.user_configs'::regclass and not c.convalidated)
  then
    update public.user_configs set user_id = user_id, token = token, page_token = page_token;
    set constraints all immediate;
    alter table public.user_configs
      validate constraint user_configs_token_sealed,
      validate constraint user_configs_page_token_sealed,
      -- Any expression makes PostgreSQL write all rows; nothing is leased yet.
      alter leased_until type timestamptz using null::timestamptz;
    analyze public.user_configs;
  end if;
end
$$;

revoke all on all functions in schema igconnect from public;
