// The yardstick of this benchmark: the five-step recipe that igconnect grew out of, done well and with nothing slowed
// down. Connections are kept alive, one Supabase client is made at the start, nothing is logged but failures.
//
//   1. /api/login sends the browser to Meta's dialog with a state;
//   2. /api/auth/callback exchanges the code for a short-lived token,
//   3. that for one of 60 days,
//   4. finds the first Page and the Instagram account behind it (two calls),
//   5. and saves token and id in Supabase.
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import process from "node:process";
import { createClient } from "@supabase/supabase-js";

const env = (name: string, otherwise = ""): string => {
  const value = process.env[name] || otherwise;
  if (!value) throw new Error(`${name} is not set`);
  return value;
};

const version = "v24.0";
const graph = `${env("FB_GRAPH_URL", "https://graph.facebook.com")}/${version}`;
const dialog = `${env("FB_DIALOG_URL", "https://www.facebook.com")}/${version}/dialog/oauth`;
const appId = env("FB_APP_ID");
const appSecret = env("FB_APP_SECRET");
const redirectUri = env("REDIRECT_URI");
const supabaseUrl = env("SUPABASE_URL");
const sessionCookie = `sb-${new URL(supabaseUrl).hostname.split(".")[0]}-auth-token`;
const scopes = ["instagram_basic", "instagram_manage_messages", "pages_show_list", "pages_manage_metadata"];

const supabase = createClient(supabaseUrl, env("SUPABASE_SECRET_KEY"), {
  auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
});

/** Refusal is an answer that is not a success: its status, and what to tell the browser. */
class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** Step 1: who is it? Then off to the dialog, with a state that only this browser has. */
async function login(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { data, error } = await supabase.auth.getUser(accessToken(request));
  if (error) throw new Refusal(401, "Please sign in first.");

  const state = randomBytes(32).toString("base64url");
  const query = new URLSearchParams({
    client_id: appId,
    redirect_uri: redirectUri,
    response_type: "code",
    state,
    scope: scopes.join(","),
  });
  const kept = `${state}.${data.user.id}`;
  redirect(response, 302, `${dialog}?${query}`, stateCookie(`${kept}.${sign(kept)}`, 600));
}

/** Steps 2 to 5: the code becomes a saved connection. */
async function callback(request: IncomingMessage, response: ServerResponse, query: URLSearchParams): Promise<void> {
  const userId = checkState(request, query.get("state"));
  const code = query.get("code");
  if (!code) throw new Refusal(400, "Meta sent no code.");

  const { access_token: shortToken } = await ask<{ access_token: string }>("/oauth/access_token", {
    client_id: appId,
    client_secret: appSecret,
    redirect_uri: redirectUri,
    code,
  });
  const { access_token: longLivedToken } = await ask<{ access_token: string }>("/oauth/access_token", {
    grant_type: "fb_exchange_token",
    client_id: appId,
    client_secret: appSecret,
    fb_exchange_token: shortToken,
  });

  const pages = await ask<{ data: { id: string }[] }>("/me/accounts", { access_token: longLivedToken });
  const page = pages.data[0];
  if (!page) throw new Refusal(422, "There is no Facebook Page.");
  const linked = await ask<{ instagram_business_account?: { id: string } }>(`/${page.id}`, {
    fields: "instagram_business_account",
    access_token: longLivedToken,
  });
  const instagramId = linked.instagram_business_account?.id;
  if (!instagramId) throw new Refusal(422, "The Page has no Instagram account.");

  const { error } = await supabase
    .from("user_configs")
    .upsert({ user_id: userId, instagram_id: instagramId, token: longLivedToken });
  if (error) throw new Refusal(503, `The connection could not be saved: ${error.message}`);
  redirect(response, 303, `/?connected=${instagramId}`, stateCookie("", 0));
}

/** ask calls the Graph API. */
async function ask<T>(path: string, params: Record<string, string>): Promise<T> {
  const response = await fetch(`${graph}${path}?${new URLSearchParams(params)}`);
  if (!response.ok) throw new Refusal(502, `Meta answered ${response.status}.`);
  return (await response.json()) as T;
}

/** accessToken is that of the session in the cookie of @supabase/ssr. */
function accessToken(request: IncomingMessage): string {
  const value = cookie(request, sessionCookie);
  if (!value?.startsWith("base64-")) throw new Refusal(401, "Please sign in first.");
  const session = JSON.parse(Buffer.from(value.slice("base64-".length), "base64url").toString()) as { access_token: string };
  return session.access_token;
}

/** checkState returns the user who began this login, in this browser. */
function checkState(request: IncomingMessage, sent: string | null): string {
  const [state = "", userId = "", signature = ""] = (cookie(request, "state") ?? "").split(".");
  if (!userId || !same(signature, sign(`${state}.${userId}`)) || !same(state, sent ?? "")) {
    throw new Refusal(400, "This login was not begun here.");
  }
  return userId;
}

const sign = (text: string): string => createHmac("sha256", appSecret).update(text).digest("base64url");

function same(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

const stateCookie = (value: string, seconds: number): string =>
  `state=${value}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Lax${redirectUri.startsWith("https:") ? "; Secure" : ""}`;

function cookie(request: IncomingMessage, name: string): string | undefined {
  const found = request.headers.cookie?.split("; ").find((pair) => pair.startsWith(`${name}=`));
  return found?.slice(name.length + 1);
}

function redirect(response: ServerResponse, status: number, location: string, setCookie: string): void {
  response.writeHead(status, { Location: location, "Set-Cookie": setCookie, "Cache-Control": "no-store" }).end();
}

const server = createServer((request, response) => {
  const url = new URL(request.url ?? "/", redirectUri);
  const answer =
    url.pathname === "/api/login"
      ? login(request, response)
      : url.pathname === "/api/auth/callback"
        ? callback(request, response, url.searchParams)
        : Promise.reject(new Refusal(404, "There is nothing here."));
  answer.catch((error: unknown) => {
    console.error(error);
    const refusal = error instanceof Refusal ? error : new Refusal(500, "Something went wrong.");
    response.writeHead(refusal.status, { "Content-Type": "text/plain; charset=utf-8" }).end(refusal.message);
  });
});
server.listen(Number(env("PORT")), "127.0.0.1");
