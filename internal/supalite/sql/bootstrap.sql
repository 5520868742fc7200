-- What every Supabase project has before its first migration, as far as ours lean on it. Runs as superuser at each start.
--
-- supalite_owner stands for the platform's role postgres: it runs the migrations, and it is no superuser.
do $$
declare
  role text;
begin
  foreach role in array array['anon', 'authenticated', 'service_role bypassrls', 'supalite_owner bypassrls'] loop
    begin
      execute 'create role ' || role || ' nologin';
    exception when duplicate_object or unique_violation then
      null; -- made by an earlier start, or this moment by one on another database of the same server
    end;
  end loop;
end
$$;

do $$
begin
  execute format('grant create on database %I to supalite_owner', current_database());
end
$$;
grant create on schema public to supalite_owner;
grant usage on schema public to anon, authenticated, service_role, supalite_owner;

create schema if not exists auth;
grant usage on schema auth to anon, authenticated, service_role, supalite_owner;
grant all on all tables in schema auth to supalite_owner;

grant usage on schema extensions to anon, authenticated, service_role, supalite_owner;

-- Vault belongs to a superuser. Nobody else may write its table, but by its functions.
revoke all on schema vault from public;
revoke all on all tables in schema vault from public;
revoke all on all functions in schema vault from public;
grant usage on schema vault to supalite_owner, service_role;
grant select, delete on vault.secrets, vault.decrypted_secrets to supalite_owner, service_role;
grant execute on all functions in schema vault to supalite_owner, service_role;

-- Projects made before November 2026 give everything new away, newer ones nothing. A migration has to be right on both:
-- here it meets the first, and its own grants have to say all that the second needs.
alter default privileges for role supalite_owner in schema public
  grant all on tables to anon, authenticated, service_role;
alter default privileges for role supalite_owner in schema public
  grant all on functions to anon, authenticated, service_role;
alter default privileges for role supalite_owner in schema public
  grant all on sequences to anon, authenticated, service_role;
