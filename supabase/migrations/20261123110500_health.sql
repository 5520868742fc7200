-- What GET /api/health asks the database.
create function public.igconnect_schema_version() returns text
language sql stable security definer set search_path = '' as $$
  -- The newest migration's. Each new one replaces this function.
  select '20261123110500'
$$;

create function public.probe_vault() returns boolean
language plpgsql security definer set search_path = '' as $$
declare
  value  constant text := gen_random_uuid();
  probe  uuid;
  opened text;
begin
  -- If Vault fails, its error is the answer, and takes the probe back with it.
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

notify pgrst, 'reload schema';
