// Runs Supabase Lite for the Go package supalite. It reads one line of JSON from standard input, the config that the
// function start makes, answers with lines of JSON on standard output, {"step": "…"} for each step that begins and then
// {"port": n} or {"error": "…"}, and lives until standard input ends, which happens also when its parent is killed.
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { serve } from "@hono/node-server";
import { App } from "@supabase/lite";
import { open, preflight } from "./cors.mjs";
import { openPglite, openPostgres } from "./database.mjs";

const lines = createInterface({ input: process.stdin });
const [line] = await once(lines, "line");
const config = JSON.parse(line);
let end = () => process.exit(1); // while there is nothing to close yet
lines.once("close", () => end());
try {
  const { server, db } = await start(config);
  end = () => stop(server, db);
  say({ port: server.address().port });
} catch (error) {
  say({ error: error.message });
  process.exit(1);
}

function say(message) {
  process.stdout.write(JSON.stringify(message) + "\n");
}

async function start(config) {
  say({ step: config.databaseURL || existsSync(config.dataDir) ? "opening" : "making" });
  const db = await (config.databaseURL ? openPostgres(config) : openPglite(config));
  const app = new App({
    connection: db.connection,
    auth: {
      enabled: true,
      publishable_key: config.keys.publishableKey,
      secret_key: config.keys.secretKey,
      jwt_secret: config.keys.jwtSecret,
    },
    api: { enabled: true, schemas: ["public"], max_rows: config.maxRows },
    storage: { enabled: false },
    options: { server: { disableStudio: true } },
  });
  await prepare(app, db, config);
  const server = serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: handler(app, db, config),
  });
  // While a long statement runs in this process, idle connections grow old. By default they are closed after
  // five seconds, at the very moment at which the next request may have arrived on one.
  server.keepAliveTimeout = 10 * 60_000;
  await once(server, "listening");
  return { server, db };
}

// prepare brings the database to the state of a Supabase project with the migrations applied.
async function prepare(app, db, config) {
  if (config.fresh) await db.reset();
  await db.script("create schema if not exists auth; create schema if not exists extensions");
  await app.ensureSystemSchema();
  // The real Vault where the server has loaded it, and with it this setting: not preloaded, it has no key. Only a
  // superuser may create the extension, so the migrations could not.
  const [{ vault }] = await db.query(`select count(*) > 0 as vault from pg_available_extensions where name = 'supabase_vault'
    and (installed_version is not null or current_setting('vault.getkey_script', true) is not null)`);
  await db.script(vault ? "create extension if not exists supabase_vault" : config.vault);
  await db.script(config.bootstrap);

  const applied = await db.query("select version from supabase_migrations.schema_migrations");
  const done = new Set(applied.map((row) => row.version));
  const due = config.migrations.filter((migration) => !done.has(migration.version));
  if (due.length) say({ step: "migrating" });
  for (const migration of due) {
    try {
      await db.script(`set local role supalite_owner; ${migration.sql}
        ; reset role; insert into supabase_migrations.schema_migrations (version, name)
        values ('${migration.version}', '${migration.name}')`);
    } catch (error) {
      throw new Error(`migration ${migration.version}_${migration.name}: ${error.message}`);
    }
  }

  // At its first request Lite would grant all on all tables to anon and authenticated, and undo the migrations' own
  // grants (connection.ensureRlsContext in 0.10.0). It skips that when it believes to have done it; what else happens
  // there, the roles, bootstrap.sql did.
  db.connection.rlsState = "active";
}

function handler(app, db, config) {
  return async (request) => {
    // Read first: a client that stalls while it sends must not hold up the others.
    const body = request.body ? await request.arrayBuffer() : undefined;
    const { pathname } = new URL(request.url);
    if (pathname === "/supalite/sql") return sql(request, body, db, config);
    if (request.method === "OPTIONS" && /^\/(auth|rest)\/v1\//.test(pathname)) return preflight(request);
    const { method, headers } = request;
    return open(await db.exclusive(() => app.fetch(new Request(request.url, { method, headers, body }))));
  };
}

// sql runs a query as superuser for the Go side, which alone knows the key.
async function sql(request, body, db, config) {
  if (request.headers.get("authorization") !== `Bearer ${config.keys.adminKey}`) return new Response(null, { status: 404 });
  const { query, args } = JSON.parse(new TextDecoder().decode(body));
  try {
    const rows = await db.exclusive(() => db.query(query, args));
    return new Response(JSON.stringify({ rows }, plain), { headers: { "content-type": "application/json" } });
  } catch (error) {
    return Response.json({ error: error.message, code: error.code }, { status: 400 });
  }
}

// plain makes JSON of what has no form there. Note that a Buffer arrives here as its toJSON has it.
function plain(key, value) {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Uint8Array) return "\\x" + Buffer.from(value).toString("hex");
  if (value?.type === "Buffer") return "\\x" + Buffer.from(value.data).toString("hex");
  return value;
}

async function stop(server, db) {
  setTimeout(() => process.exit(1), 2_000).unref();
  server.close();
  server.closeAllConnections();
  await db.exclusive(() => db.connection.close());
  process.exit(0);
}
