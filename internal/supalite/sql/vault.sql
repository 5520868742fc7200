-- A stand-in for Supabase Vault 0.3.1, for databases without it: the same names, signatures and habits,
-- the bad ones too, so that code that would leak on the platform leaks here. Runs as superuser at each
-- start.
--
-- The key is in no table, as on the platform: the server sets it for each of its sessions.
create extension if not exists pgcrypto with schema extensions;
create schema if not exists vault;

create table if not exists vault.secrets (
  id          uuid        primary key default gen_random_uuid(),
  name        text,
  description text        not null default '',
  secret      text        not null,
  key_id      uuid,
  nonce       bytea       default extensions.gen_random_bytes(16),
  created_at  timestamptz not null default now(),
  updated_at  timestamptz not null default now()
);
create unique index if not exists secrets_name_idx on vault.secrets (name) where name is not null;

-- Vault's own are C. These are PL/pgSQL, which keeps its plans and so comes closer to that than SQL, which is
-- parsed and planned again in each transaction.
create or replace function vault.supalite_encrypt(message text, nonce bytea) returns text
language plpgsql set search_path = '' as $$
begin
  return encode(extensions.encrypt_iv(
    convert_to(message, 'utf8'), decode(current_setting('supalite.vault_key'), 'hex'), nonce, 'aes-cbc'), 'base64');
end
$$;

create or replace function vault.supalite_decrypt(secret text, nonce bytea) returns text
language plpgsql set search_path = '' as $$
begin
  return convert_from(extensions.decrypt_iv(
    decode(secret, 'base64'), decode(current_setting('supalite.vault_key'), 'hex'), nonce, 'aes-cbc'), 'utf8');
end
$$;

create or replace view vault.decrypted_secrets as
  select id, name, description, secret, vault.supalite_decrypt(secret, nonce) as decrypted_secret,
    key_id, nonce, created_at, updated_at
  from vault.secrets;

create or replace function vault.create_secret(
  new_secret text, new_name text default null, new_description text default '', new_key_id uuid default null
) returns uuid
language plpgsql security definer set search_path = '' as $$
declare
  made vault.secrets;
begin
  -- In clear first, as Vault does: it stays on disk.
  insert into vault.secrets (secret, name, description, key_id)
    values (new_secret, new_name, new_description, new_key_id)
    returning * into made;
  update vault.secrets s set secret = vault.supalite_encrypt(new_secret, made.nonce) where s.id = made.id;
  return made.id;
end
$$;

-- An unknown id does nothing, silently, as in Vault.
create or replace function vault.update_secret(
  secret_id uuid, new_secret text default null, new_name text default null,
  new_description text default null, new_key_id uuid default null
) returns void
language plpgsql security definer set search_path = '' as $$
declare
  -- Vault opens the old value first, though nobody needs it: a secret that cannot be opened fails.
  decrypted_secret text := (select d.decrypted_secret from vault.decrypted_secrets d where d.id = secret_id);
begin
  update vault.secrets s set
    secret = case when new_secret is null then s.secret else vault.supalite_encrypt(new_secret, s.nonce) end,
    name = coalesce(new_name, s.name),
    description = coalesce(new_description, s.description),
    key_id = coalesce(new_key_id, s.key_id),
    updated_at = now()
  where s.id = secret_id;
end
$$;
