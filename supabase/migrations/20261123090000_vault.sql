-- Supabase Vault keeps the tokens. It is part of every Supabase project; without it nothing else here is worth having.
do $$
begin
  -- Asked by function, not by extension: whatever offers Vault's functions will do.
  if to_regprocedure('vault.create_secret(text,text,text,uuid)') is null
     and exists (select from pg_available_extensions where name = 'supabase_vault') then
    create extension if not exists supabase_vault;
  end if;

  if to_regprocedure('vault.create_secret(text,text,text,uuid)') is null then
    raise exception 'igconnect keeps its tokens in Supabase Vault (0.3 or newer), which this database does not have: enable or upgrade the extension "supabase_vault" under Database > Extensions, then run "supabase db push" again.';
  end if;
end
$$;
