-- Numbers events as they come in.
create sequence igconnect.event_places;

-- The inbox: what Meta delivered, one row for each event and each connection of its account.
--
-- An event is open until it is finished or dead. Workers get the open events of a conversation in
-- order, and only one worker at a time: so what is leased is the conversation, in a row of its own.
-- If workers locked events instead, a second one could overtake the first.
--
-- Events belong to a connection, by its own id and without a foreign key. So a delivery never waits for a
-- connect or a disconnect, and the removal of a connection does not carry all of its events: what is left
-- of them is not shown and not handed out, also if the same user connects the account again, until
-- delete_removed_events() has removed it. Only those of kind "connection" belong to none: they tell of one.
--
-- The primary key says nothing about anybody: where a published row is deleted, Supabase Realtime
-- sends it to every subscriber, whatever the row policies say.
create table public.instagram_events (
  id            uuid        primary key default gen_random_uuid(),
  connection_id uuid        not null,
  user_id       text        collate "C" not null,
  instagram_id  text        not null,
  key           text        collate "C" not null,
  conversation  text        collate "C" not null,
  kind          text        not null,
  payload       jsonb       not null,
  occurred_at   timestamptz not null,
  place         bigint      not null default nextval('igconnect.event_places'),
  received_at   timestamptz not null default now(),
  attempts      integer     not null default 0,
  next_try_at   timestamptz not null default now(),
  last_error    text,
  finished_at   timestamptz,
  dead_at       timestamptz,

  unique (connection_id, key)
);

-- For claims: they never meet what is finished, however much of it there is.
create index instagram_events_open_idx on public.instagram_events (connection_id, conversation, occurred_at, place)
  where finished_at is null and dead_at is null;
-- For people who read their own: all, of an account, of a conversation. The planner does not know who asks,
-- and takes him for an average user, all of whose events are soon sorted. So it is told that there are few
-- users, with many events each.
alter table public.instagram_events alter column user_id set (n_distinct = 100);
create index instagram_events_user_idx on public.instagram_events (user_id, occurred_at);
create index instagram_events_account_idx on public.instagram_events (user_id, instagram_id, occurred_at);
create index instagram_events_conversation_idx on public.instagram_events (user_id, conversation, occurred_at);
-- For delete_user(), which asks for what is told of all of a user's connections, also of earlier ones.
create index instagram_events_told_idx on public.instagram_events (user_id, conversation) where kind = 'connection';
-- For delete_old_instagram_events().
create index instagram_events_received_idx on public.instagram_events (received_at);

-- A conversation that has open events. The row goes with the last of them. It is parked while its
-- connection is in "reconnect": claims then need not walk past it.
create table public.instagram_conversations (
  connection_id uuid        not null,
  conversation  text        collate "C" not null,
  due_at        timestamptz not null default now(),
  claimed       uuid[],
  parked        boolean     not null default false,
  user_id       text        collate "C",

  primary key (connection_id, conversation)
);

create index instagram_conversations_due_idx on public.instagram_conversations (due_at) where not parked;
-- For the health check, which asks what waits of Meta's.
create index instagram_conversations_waiting_idx on public.instagram_conversations (due_at)
  where not parked and user_id is null;

-- Connections that are gone, and of which events may be left.
create table igconnect.removed_connections (
  connection_id uuid        primary key,
  erasure       uuid,
  user_deleted  boolean     not null default false,
  removed_at    timestamptz not null default now(),
  emptied_to    text        collate "C",
  emptied_at    timestamptz
);

create index removed_connections_emptied_idx on igconnect.removed_connections (emptied_at, removed_at);

alter table public.instagram_events enable row level security;
alter table public.instagram_conversations enable row level security;
alter table igconnect.removed_connections enable row level security;

-- A user whose connection has stopped keeps what came before, and is not shown what comes after: the
-- account may be somebody else's by now. It waits in the inbox until the person connects again. What became
-- of the connection itself its user is always shown.
--
-- What is the same for all events is asked once a query.
create policy "Users read the events of their own connections"
  on public.instagram_events for select to authenticated
  using ((select auth.jwt() ->> 'sub') = user_id and (
    kind = 'connection'
    or connection_id = any (array(
      select c.connection_id from public.user_configs c
      where c.user_id = (select auth.jwt() ->> 'sub') and c.status <> 'reconnect'))
    or exists (
      select from public.user_configs c
      where c.connection_id = instagram_events.connection_id and c.status = 'reconnect'
        and instagram_events.received_at <= c.status_since)));

-- Nobody writes but the functions, which run as the owner.
revoke all on table public.instagram_events, public.instagram_conversations, igconnect.removed_connections
  from public, anon, authenticated, service_role;

grant select on table public.instagram_events to service_role;

-- Without the workers' bookkeeping.
grant select (id, user_id, instagram_id, conversation, kind, payload, occurred_at, received_at)
  on table public.instagram_events to authenticated;

comment on table public.instagram_events is
  'Inbox of the webhook: one row for each event and connection. Filled by ingest_instagram_events(), drained by claim_instagram_events() and finish_instagram_events().';
comment on column public.instagram_events.id is 'Random, for finish_instagram_events() and fail_instagram_events().';
comment on column public.instagram_events.connection_id is 'The connection that received it, as in user_configs. If it is not there any more the event is not handed out, and delete_removed_events() removes it. Random where kind is "connection".';
comment on column public.instagram_events.key is 'Tells the event from all others of the account: what is delivered twice is stored once for each connection.';
comment on column public.instagram_events.place is 'Grows as events come in: the order of those that occurred at the same time.';
comment on column public.instagram_events.user_id is 'Whose connection received it, or is told of.';
comment on column public.instagram_events.instagram_id is 'The Instagram account that received it, or whose connection is told of.';
comment on column public.instagram_events.conversation is 'instagram_id/counterpart; where there is no counterpart instagram_id/key, so that such events wait for no other. Events of one conversation are handled in the order of occurred_at, place. What tells of the account''s connection is instagram_id/connection.';
comment on column public.instagram_events.kind is 'What it is: message, reaction and so on, as the webhook names it, with "_echo" at its end where the account itself did it; or "connection", which a trigger of user_configs writes.';
comment on column public.instagram_events.payload is 'The event as Meta sent it. Of kind "connection": change (connected, attention, healthy, disconnected or erased), status, reason, instagram_id.';
comment on column public.instagram_events.occurred_at is 'When it happened, as Meta says; the time of receipt if Meta named a later one.';
comment on column public.instagram_events.received_at is 'When it was stored.';
comment on column public.instagram_events.attempts is 'Failed tries, those included that ended with their lease.';
comment on column public.instagram_events.next_try_at is 'Not handed out before this time, and nothing behind it in its conversation.';
comment on column public.instagram_events.last_error is 'Why the last try failed.';
comment on column public.instagram_events.finished_at is 'When a worker finished it.';
comment on column public.instagram_events.dead_at is 'When it was given up after its tenth try. Kept for a look at last_error, and no longer in the way.';

comment on table public.instagram_conversations is
  'Conversations that have open events, with the lease of the worker who has some of them. For the functions of the inbox only.';
comment on column public.instagram_conversations.connection_id is 'As in instagram_events.';
comment on column public.instagram_conversations.conversation is 'As in instagram_events.';
comment on column public.instagram_conversations.due_at is 'When it can be claimed: at the end of its lease, or when its first event may be tried.';
comment on column public.instagram_conversations.claimed is 'Ids of the events that the lease handed out and that are still open. Null: not leased.';
comment on column public.instagram_conversations.parked is 'Whether it waits for its connection, which is in "reconnect".';

comment on column public.instagram_conversations.user_id is 'Whose connection it tells of, where its events are of kind "connection". Null: they are Meta''s.';

comment on table igconnect.removed_connections is
  'Connections that are gone, until delete_removed_events() has removed all of their events. A trigger of user_configs adds them.';
comment on column igconnect.removed_connections.connection_id is 'As in user_configs and instagram_events.';
comment on column igconnect.removed_connections.erasure is 'The code in public.erasures, where Meta''s data deletion removed it.';
comment on column igconnect.removed_connections.user_deleted is 'Whether delete_user() removed it.';
comment on column igconnect.removed_connections.removed_at is 'When.';
comment on column igconnect.removed_connections.emptied_to is 'The key of the last event that was deleted, while there may be more behind it.';
comment on column igconnect.removed_connections.emptied_at is 'When no event was left. A delivery that had begun before may still add some, so it is looked at once more an hour later.';

-- Supabase Realtime tells people about their new events, where there is Realtime. The columns are
-- those that people may read, and hold the primary key, which a publication of updates needs.
--
-- user_configs is not for Realtime, also where an app had published its own table of that name: its
-- primary key names users and accounts, and would go out to everybody with each row that is deleted.
--
-- A publication of all tables, or of a schema, is the app's own. It takes no table out and no column
-- list in, so this leaves it as it is and warns. Realtime itself shows no columns beyond the grants.
do $$
declare
  realtime  constant oid     := (select oid from pg_publication where pubname = 'supabase_realtime');
  of_all    constant boolean := (select puballtables from pg_publication where oid = realtime);
  of_schema constant boolean := exists (select from pg_publication_namespace where pnpubid = realtime);
begin
  if exists (select from pg_publication_rel where prpubid = realtime and prrelid = 'public.user_configs'::regclass) then
    alter publication supabase_realtime drop table public.user_configs;
  end if;
  if exists (select from pg_publication_tables
    where pubname = 'supabase_realtime' and schemaname = 'public' and tablename = 'user_configs') then
    raise warning 'Realtime tells every subscriber the user and the account of each connection that is deleted, because the publication supabase_realtime is for %.',
      case when of_all then 'all tables' else 'all tables of the schema public' end
      using hint = case when of_all
        then 'Run "drop publication supabase_realtime", then "create publication supabase_realtime for table public.instagram_events", and name your own tables there too.'
        else 'Run "alter publication supabase_realtime drop tables in schema public", then "alter publication supabase_realtime add table public.instagram_events", and name your own tables there too.' end;
  end if;
  if exists (select from pg_publication_tables
    where pubname = 'supabase_realtime' and schemaname = 'public' and tablename = 'instagram_events') then
    return;
  elsif of_schema then
    alter publication supabase_realtime add table public.instagram_events;
  elsif realtime is not null then
    alter publication supabase_realtime add table public.instagram_events
      (id, user_id, instagram_id, conversation, kind, payload, occurred_at, received_at);
  end if;
end
$$;
