// The smallest useful worker: it takes events out of the inbox and answers
// each Instagram message with "thanks". Copy it, and change handle.
//
// An event may come twice: to whoever claims it after a worker that died
// before finish. Events of one conversation come in order, to one worker.
import { createHmac } from "node:crypto";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "@supabase/supabase-js";

type Event = {
  id: string;
  user_id: string; // whose connection it is
  conversation: string; // "<account>/<person>", or with another slash: nobody's
  kind: string; // message, comments…; "…_echo": the account's own; connection: of itself
  payload: unknown; // as Meta sent it; of a connection: change, status, reason, instagram_id
  page_id: string | null;
  page_token: string | null; // never log it
};

const batch = 10; // events a claim
const lease = "5 minutes"; // longer than a batch can take
const pause = 2_000; // milliseconds between two looks at an empty inbox
const patience = 10_000; // milliseconds for one request

const env = (name: string, otherwise = ""): string => {
  const value = process.env[name]?.trim() || otherwise;
  if (!value) throw new Error(`${name} is not set`);
  return value;
};
const graph = `${env("FB_GRAPH_URL", "https://graph.facebook.com")}/${env("GRAPH_API_VERSION", "v24.0")}`;
const appSecret = env("FB_APP_SECRET").split(",")[0].trim(); // the first of the list signs
const supabase = createClient(
  env("SUPABASE_URL", process.env.NEXT_PUBLIC_SUPABASE_URL),
  env("SUPABASE_SECRET_KEY", process.env.SUPABASE_SERVICE_ROLE_KEY),
  {
    auth: { persistSession: false, autoRefreshToken: false },
    global: { fetch: (url, init) => fetch(url, { ...init, redirect: "error", signal: AbortSignal.timeout(patience) }) },
  },
);

// handle does what an event asks for. It throws where it should be tried again.
async function handle(event: Event): Promise<void> {
  const [, person, nobody] = event.conversation.split("/");
  if (event.kind !== "message" || nobody !== undefined) return;
  await send(event, person, "thanks");
}

async function send(event: Event, person: string, text: string): Promise<void> {
  if (!event.page_id || !event.page_token) throw new Error("the connection has no Page token");
  const response = await fetch(`${graph}/${event.page_id}/messages`, {
    method: "POST",
    headers: { Authorization: `Bearer ${event.page_token}` },
    body: new URLSearchParams({
      recipient: JSON.stringify({ id: person }),
      message: JSON.stringify({ text }),
      appsecret_proof: createHmac("sha256", appSecret).update(event.page_token).digest("hex"),
    }),
    redirect: "error",
    signal: AbortSignal.timeout(patience),
  });
  if (!response.ok) {
    const { error } = await response.json().catch(() => ({})); // its message may quote the token
    throw new Error(`Meta answered ${response.status}, code ${error?.code}, subcode ${error?.error_subcode}`);
  }
}

async function call<T>(name: string, args: object): Promise<T> {
  const { data, error } = await supabase.rpc(name, args);
  if (error) throw new Error(`${name}: ${error.message}`);
  return data as T;
}

// work handles one claim and returns how many events it had.
async function work(): Promise<number> {
  const events = await call<Event[]>("claim_instagram_events", { p_limit: batch, p_lease: lease });
  const held = new Set<string>(); // conversations in which an event has to be tried again first
  for (const event of events) {
    if (held.has(event.conversation)) continue;
    const reason = await handle(event).catch((err: Error) => err.message || err.name);
    if (!reason) {
      await call("finish_instagram_events", { ids: [event.id] });
      continue;
    }
    held.add(event.conversation);
    console.error(`${event.id}: ${reason}`);
    await call("fail_instagram_events", { ids: [event.id], reason });
  }
  return events.length;
}

const once = process.argv.includes("--once");
const stopping = new AbortController();
for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, () => stopping.abort());

while (!stopping.signal.aborted) {
  let done = 0;
  try {
    done = await work();
  } catch (err) {
    console.error((err as Error).message);
    if (once) process.exit(1);
  }
  if (done > 0) continue;
  if (once) break;
  await sleep(pause, undefined, { signal: stopping.signal }).catch(() => {});
}
