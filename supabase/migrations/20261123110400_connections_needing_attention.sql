-- Whom to write to. The view is for a job of the app's own that sends e-mails, and can run inside the database:
--
--   select cron.schedule('mail-lost-connections', '0 9 * * *', $$
--     select net.http_post(
--       url := 'https://<your domain>/<your mailer>',
--       headers := jsonb_build_object('Authorization', 'Bearer ' || (
--         select decrypted_secret from vault.decrypted_secrets where name = '<its secret>')),
--       body := to_jsonb(a))
--     from public.connections_needing_attention a
--     where a.since > now() - interval '1 day' $$);
--
-- (extensions pg_cron and pg_net). With "since" each change of a status is told once.
create view public.connections_needing_attention with (security_invoker = true) as
  select c.user_id, c.instagram_id, c.username, c.status, c.status_reason, c.status_since as since
  from public.user_configs c
  where c.status <> 'active';

revoke all on table public.connections_needing_attention from public, anon, authenticated, service_role;
grant select on table public.connections_needing_attention to service_role;

comment on view public.connections_needing_attention is
  'Connections whose owners have something to do: "expiring" soon, or waiting for "reconnect". For a job that writes to them: select those whose "since" is newer than its last run. For the secret key only.';

notify pgrst, 'reload schema';
