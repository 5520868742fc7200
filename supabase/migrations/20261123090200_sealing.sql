-- Sealing: whoever writes a token writes it to Vault.
--
-- The names of the secrets are the link between a row and its tokens:
--   user_configs/<user_id>/<instagram_id>              the user token
--   user_configs/<user_id>/<instagram_id>/page_token   the Page's token
--
-- An upsert fires the INSERT trigger before PostgreSQL knows of the conflict, and then the UPDATE trigger with a token
-- that is null already. So neither can rely on the other's values: both look the secret up by its name.

-- Writes value (if there is one) to the secret of that name and returns the secret's id, null if there is none.
create function public.user_configs_secret(secret_name text, value text) returns uuid
language plpgsql security definer set search_path = '' as $$
declare
  secret_id uuid;
begin
  if btrim(value) = '' then
    raise exception 'An empty token cannot be stored: leave the column out to keep the token as it is.'
      using errcode = 'invalid_parameter_value';
  end if;

  select s.id into secret_id from vault.secrets s where s.name = secret_name;
  if value is not null then
    -- create_secret() writes its argument to the table in clear before it encrypts it, and the clear text then stays
    -- on disk and in the write-ahead log. update_secret() encrypts first.
    if secret_id is null then
      secret_id := vault.create_secret('pending', secret_name, 'A token of igconnect. Removed with its row in public.user_configs.');
    end if;
    perform vault.update_secret(secret_id, value);
  end if;
  return secret_id;
end
$$;

-- Whether a secret was written in this transaction: in an upsert the INSERT trigger did it a moment ago.
create function public.user_configs_sealed_now(secret_id uuid) returns boolean
language sql security definer set search_path = '' as $$
  select exists (select from vault.secrets s where s.id = secret_id and s.updated_at >= now())
$$;

create function public.user_configs_seal() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  secret_name text := 'user_configs/' || new.user_id || '/' || new.instagram_id;
begin
  -- Set always, whatever the client sent: an id of its own choice would let it read any secret in Vault.
  new.token_secret_id := public.user_configs_secret(secret_name, new.token);
  new.page_token_secret_id := public.user_configs_secret(secret_name || '/page_token', new.page_token);

  if tg_op = 'UPDATE' then
    -- A new token ends the wait for a reconnection, unless the same statement decides on the status.
    if old.status = 'reconnect' and new.status = 'reconnect' and public.user_configs_sealed_now(new.token_secret_id) then
      new.status := 'active';
      new.status_reason := null;
    end if;

    -- A Page's token belongs to the person who fetched it: it does not outlive a change of either without a new one.
    -- What was unknown before has not changed.
    if (new.page_id, new.facebook_user_id) is distinct from
       (coalesce(old.page_id, new.page_id), coalesce(old.facebook_user_id, new.facebook_user_id))
       and not public.user_configs_sealed_now(new.page_token_secret_id) then
      delete from vault.secrets s where s.id = new.page_token_secret_id;
      new.page_token_secret_id := null;
    end if;
  end if;

  new.token := null;
  new.page_token := null;
  return new;
end
$$;

create function public.user_configs_unseal() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  secret_name text;
begin
  -- Only the table's owner can truncate, in the dashboard say, and means the tokens too.
  if tg_op = 'TRUNCATE' then
    delete from vault.secrets s where starts_with(s.name, 'user_configs/');
  else
    secret_name := 'user_configs/' || old.user_id || '/' || old.instagram_id;
    delete from vault.secrets s where s.name in (secret_name, secret_name || '/page_token');
  end if;
  return null;
end
$$;

-- A new key would leave the secrets behind under the old name.
create function public.user_configs_keep_key() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if (new.user_id, new.instagram_id) is distinct from (old.user_id, old.instagram_id) then
    raise exception 'user_id and instagram_id of a connection cannot change: delete the row and connect the account again.'
      using errcode = 'check_violation';
  end if;
  return new;
end
$$;

create function public.user_configs_touch() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  new.updated_at := now();
  return new;
end
$$;

-- One writer of tokens at a time: else two upserts of one account race for the secret's name, and a delete removes the
-- secret that an upsert has just written. The lock is taken before the statement, because a row trigger of a delete
-- comes when the row is gone already. Statements that touch no token do not wait.
create function public.user_configs_lock() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('public.user_configs', 0));
  return null;
end
$$;

create trigger user_configs_lock
  before insert or delete or update of token, page_token on public.user_configs
  for each statement execute function public.user_configs_lock();

-- Row triggers of one kind fire in the order of their names: keep_key, seal, touch.
create trigger user_configs_keep_key
  before update of user_id, instagram_id on public.user_configs
  for each row execute function public.user_configs_keep_key();

create trigger user_configs_seal
  before insert or update of token, page_token, token_secret_id, page_token_secret_id on public.user_configs
  for each row execute function public.user_configs_seal();

create trigger user_configs_touch
  before update on public.user_configs
  for each row execute function public.user_configs_touch();

create trigger user_configs_unseal
  after delete on public.user_configs
  for each row execute function public.user_configs_unseal();

create trigger user_configs_unseal_all
  after truncate on public.user_configs
  for each statement execute function public.user_configs_unseal();

revoke all on function
  public.user_configs_secret(text, text), public.user_configs_sealed_now(uuid), public.user_configs_seal(), public.user_configs_unseal(),
  public.user_configs_keep_key(), public.user_configs_touch(), public.user_configs_lock()
  from public, anon, authenticated, service_role;

comment on function public.user_configs_secret(text, text) is 'Writes a token to Vault under its name. For the triggers of user_configs only.';
comment on function public.user_configs_sealed_now(uuid) is 'Tells whether a secret was written in this transaction. For the triggers of user_configs only.';
comment on function public.user_configs_seal() is 'Moves a token that is written to user_configs to Vault.';
comment on function public.user_configs_unseal() is 'Removes a connection''s tokens from Vault together with its row.';
comment on function public.user_configs_keep_key() is 'Refuses to move a connection to another user or account.';
comment on function public.user_configs_touch() is 'Keeps updated_at.';
comment on function public.user_configs_lock() is 'Lets one statement at a time write tokens.';
