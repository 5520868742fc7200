-- What GET /api/health asks the database.

-- Returns the version of the newest migration that was applied, which is this one. Each new migration
-- replaces this function. What the deployed functions expect is SchemaVersion in lib/store.
create function public.igconnect_schema_version() returns text
language sql stable security definer set search_path = '' as $$
  select '20261123090800'
$$;

-- Reports whether Vault gives back what was sealed, by a secret that it removes again. If Vault fails,
-- its error is the answer, and takes that secret back with it.
create function public.probe_vault() returns boolean
language plpgsql security definer set search_path = '' as $$
declare
  value  constant text := gen_random_uuid();
  probe  uuid;
  opened text;
begin
  probe := vault.create_secret('pending', 'igconnect/probe/' || gen_random_uuid(), 'A probe of igconnect. It should be gone.');
  perform vault.update_secret(probe, value);
  select s.decrypted_secret into opened from vault.decrypted_secrets s where s.id = probe;
  delete from vault.secrets s where s.id = probe;
  return opened is not distinct from value;
end
$$;

revoke all on function public.igconnect_schema_version(), public.probe_vault()
  from public, anon, authenticated, service_role;
grant execute on function public.igconnect_schema_version(), public.probe_vault() to service_role;

comment on function public.igconnect_schema_version() is
  'The version of the newest of igconnect''s migrations that were applied here. For the secret key only.';
comment on function public.probe_vault() is
  'Whether Vault gives back what was sealed, tried with a secret that it removes again. Vault''s own error if it fails. For the secret key only.';

-- PostgREST learns of everything that the migrations made.
notify pgrst, 'reload schema';
