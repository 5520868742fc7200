// The two databases that Supabase Lite runs on here, with the same four methods: query (one statement, with arguments),
// script (several, in one transaction), reset (drop everything) and exclusive.
import { existsSync } from "node:fs";
import { cp, mkdtemp, rename, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { createPgliteConnection } from "@supabase/lite/pglite";
import { createPostgresConnection } from "@supabase/lite/postgres";

// openPglite opens PostgreSQL in WebAssembly, with its files in config.dataDir.
export async function openPglite(config) {
  if (!existsSync(config.dataDir)) await copyTemplate(config.dataDir);
  const connection = await createPgliteConnection({ url: config.dataDir });
  const { driver } = connection;
  await driver.waitReady;
  await driver.query("select set_config('supalite.vault_key', $1, false)", [config.keys.vaultKey]);
  let last = Promise.resolve();
  return {
    connection,
    async query(query, args) {
      if (args?.length) return (await driver.query(query, args)).rows;
      return (await driver.exec(query)).at(-1)?.rows ?? [];
    },
    async script(statements) {
      await driver.transaction((tx) => tx.exec(statements));
    },
    // Go removes the folder instead.
    async reset() {},
    // There is one session, and Lite begins a transaction in it for each request without waiting for the others: two
    // requests at once would run in one transaction and under one role. So one after the other.
    exclusive(work) {
      const result = last.then(work);
      last = result.catch(() => {});
      return result;
    },
  };
}

// copyTemplate puts an empty database at dataDir. To make one takes seconds, to copy it a moment: the first is kept beside
// the packages. Both appear by renaming, whole or not at all.
async function copyTemplate(dataDir) {
  const template = fileURLToPath(new URL("../empty-database", import.meta.url));
  if (!existsSync(template)) {
    const made = await mkdtemp(template + "-");
    const { driver } = await createPgliteConnection({ url: made });
    await driver.close();
    await rename(made, template).catch(() => rm(made, { recursive: true })); // another process was faster
  }
  const copied = await mkdtemp(dataDir + "-");
  await cp(template, copied, { recursive: true });
  await rename(copied, dataDir);
}

// openPostgres connects to a real server as a superuser.
export async function openPostgres(config) {
  const connection = createPostgresConnection({
    url: config.databaseURL,
    postgresOptions: { max: 20, onnotice() {}, connection: { "supalite.vault_key": config.keys.vaultKey } },
  });
  const { driver } = connection;
  return {
    connection,
    async query(query, args) {
      const result = await driver.unsafe(query, args ?? []);
      return [...(Array.isArray(result[0]) ? result.at(-1) : result)];
    },
    async script(statements) {
      await driver.begin((tx) => tx.unsafe(statements));
    },
    async reset() {
      await driver.unsafe(`
        drop extension if exists supabase_vault cascade;
        drop schema if exists public, auth, igconnect, vault, supabase_migrations cascade;
        create schema public authorization pg_database_owner;
        grant usage on schema public to public;`);
    },
    exclusive: (work) => work(),
  };
}
