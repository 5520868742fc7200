-- The tokens are kept in Supabase Vault, which every Supabase project has. Without it the migration
-- stops here, with one sentence about what to do, and nothing was created.
do $$
begin
  -- Asked for by function and not by extension: whatever offers Vault's functions will do.
  if to_regprocedure('vault.create_secret(text,text,text,uuid)') is null
     and exists (select from pg_available_extensions where name = 'supabase_vault') then
    create extension if not exists supabase_vault;
  end if;

  if to_regprocedure('vault.create_secret(text,text,text,uuid)') is null then
    raise exception 'igconnect keeps its tokens in Supabase Vault (0.3 or newer), which this database does not have: enable or upgrade the extension "supabase_vault" under Database > Extensions, then run "supabase db push --remote" again.';
  end if;
end
$$;
