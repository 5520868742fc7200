-- Returns the tokens of an Instagram account: one row for each user who connected it, the newest
-- connection first, no row if nobody did. A token whose secret is gone is null.
create function public.get_instagram_token(p_instagram_id text)
returns table (
  user_id          text,
  instagram_id     text,
  token            text,
  page_id          text,
  page_token       text,
  token_expires_at timestamptz,
  status           text
)
language sql stable security definer set search_path = '' as $$
  -- Sub-selects, so that only these secrets are decrypted: a join may decrypt all of Vault to find
  -- them.
  select
    c.user_id,
    c.instagram_id,
    (select s.decrypted_secret from vault.decrypted_secrets s where s.id = c.token_secret_id),
    c.page_id,
    (select s.decrypted_secret from vault.decrypted_secrets s where s.id = c.page_token_secret_id),
    c.token_expires_at,
    c.status
  from public.user_configs c
  where c.instagram_id = p_instagram_id
  order by c.connected_at desc, c.user_id
$$;

revoke all on function public.get_instagram_token(text) from public, anon, authenticated, service_role;
grant execute on function public.get_instagram_token(text) to service_role;

comment on function public.get_instagram_token(text) is
  'The tokens of an Instagram account, one row for each user who connected it, the newest first. For the secret key only.';
