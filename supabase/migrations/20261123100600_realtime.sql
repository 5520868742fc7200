-- Supabase Realtime tells people about their new events and their connections' status, where there is Realtime.
-- The columns are those that they may read, and hold the primary keys, which a publication of updates needs.
do $$
begin
  if not exists (select from pg_publication where pubname = 'supabase_realtime' and not puballtables) then
    return;
  end if;
  if not exists (select from pg_publication_tables
                 where pubname = 'supabase_realtime' and schemaname = 'public' and tablename = 'instagram_events') then
    alter publication supabase_realtime add table public.instagram_events (
      id, user_id, instagram_id, conversation, kind, payload, occurred_at, received_at);
  end if;
  if not exists (select from pg_publication_tables
                 where pubname = 'supabase_realtime' and schemaname = 'public' and tablename = 'user_configs') then
    alter publication supabase_realtime add table public.user_configs (
      user_id, instagram_id, page_id, page_name, username, name, picture_url, facebook_user_id, scopes,
      token_expires_at, data_access_expires_at, status, status_reason, subscribed_fields, subscription_error,
      checked_at, connected_at, updated_at);
  end if;
end
$$;

notify pgrst, 'reload schema';
