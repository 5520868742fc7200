-- Returns the tokens of an Instagram account: one row for each user who connected it, the newest
-- connection first, no row if nobody did. A token whose secret is gone or cannot be opened is null.
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
  select
    c.user_id,
    c.instagram_id,
    igconnect.open_secret(c.token_secret_id),
    c.page_id,
    igconnect.open_secret(c.page_token_secret_id),
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
