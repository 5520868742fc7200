-- One row for each Instagram account that a user connected.
create table public.user_configs (
  user_id                uuid        not null references auth.users (id) on delete cascade,
  instagram_id           text        not null,
  token                  text,
  page_token             text,
  page_id                text,
  page_name              text,
  username               text,
  name                   text,
  picture_url            text,
  facebook_user_id       text,
  scopes                 text[],
  token_expires_at       timestamptz,
  data_access_expires_at timestamptz,
  status                 text        not null default 'active',
  status_reason          text,
  subscribed_fields      text[],
  subscription_error     text,
  checked_at             timestamptz,
  connected_at           timestamptz not null default now(),
  updated_at             timestamptz not null default now(),
  token_secret_id        uuid,
  page_token_secret_id   uuid,

  primary key (user_id, instagram_id),
  -- The id is part of the secret's name, where '/' separates.
  constraint user_configs_instagram_id_form
    check (char_length(instagram_id) between 1 and 64 and position('/' in instagram_id) = 0),
  constraint user_configs_status_known check (status in ('active', 'expiring', 'reconnect')),
  -- The guarantee of this table: a token can pass through these columns and never stay in them.
  constraint user_configs_token_sealed check (token is null),
  constraint user_configs_page_token_sealed check (page_token is null)
);

-- A webhook knows the Instagram id alone.
create index user_configs_instagram_id_idx on public.user_configs (instagram_id);

alter table public.user_configs enable row level security;

create policy "Users read their own connections"
  on public.user_configs for select to authenticated
  using ((select auth.uid()) = user_id);

-- Older projects hand every new table to these roles by default, newer ones hand out nothing: say all of it.
revoke all on table public.user_configs from public, anon, authenticated, service_role;

grant select, insert, update, delete on table public.user_configs to service_role;

-- Everything but token, page_token and the ids of their secrets.
grant select (
  user_id, instagram_id, page_id, page_name, username, name, picture_url, facebook_user_id, scopes,
  token_expires_at, data_access_expires_at, status, status_reason, subscribed_fields, subscription_error,
  checked_at, connected_at, updated_at
) on table public.user_configs to authenticated;

comment on table public.user_configs is
  'Instagram accounts that users connected, one row each. The tokens are not here: they are in Vault. Read one with get_instagram_token().';
comment on column public.user_configs.user_id is 'The app''s user (auth.users). Deleting the user deletes the row and its tokens.';
comment on column public.user_configs.instagram_id is 'Id of the Instagram professional account, as webhooks name it.';
comment on column public.user_configs.token is 'Write only: the 60-day user token. It goes to Vault at once and always reads as null.';
comment on column public.user_configs.page_token is 'Write only: the Page''s token. It goes to Vault at once and always reads as null.';
comment on column public.user_configs.page_id is 'The Facebook Page that the Instagram account is linked to.';
comment on column public.user_configs.page_name is 'Name of that Page when it was last read.';
comment on column public.user_configs.username is 'Instagram user name, without the @.';
comment on column public.user_configs.name is 'Display name on Instagram.';
comment on column public.user_configs.picture_url is 'Profile picture. Meta lets this address expire after some days.';
comment on column public.user_configs.facebook_user_id is 'The Facebook person who approved, as this Meta app sees them.';
comment on column public.user_configs.scopes is 'Permissions that the person granted.';
comment on column public.user_configs.token_expires_at is 'When the token ends. Null: Meta named no end.';
comment on column public.user_configs.data_access_expires_at is 'When Meta stops giving data unless the person approves again.';
comment on column public.user_configs.status is 'active: works. expiring: ends soon. reconnect: the person has to connect again.';
comment on column public.user_configs.status_reason is 'Why the status is not active.';
comment on column public.user_configs.subscribed_fields is 'Webhook fields that the Page is subscribed to.';
comment on column public.user_configs.subscription_error is 'Why the last subscription did not come out as asked.';
comment on column public.user_configs.checked_at is 'When the token was last checked with Meta.';
comment on column public.user_configs.connected_at is 'When the person last connected this account.';
comment on column public.user_configs.updated_at is 'When the row last changed. Kept by a trigger.';
comment on column public.user_configs.token_secret_id is 'The token''s secret in Vault. Set by a trigger; what a client writes here is ignored.';
comment on column public.user_configs.page_token_secret_id is 'The Page token''s secret in Vault. Set by a trigger; what a client writes here is ignored.';
