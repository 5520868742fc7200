import "server-only";
import { headers } from "next/headers";
import { type NextRequest, NextResponse } from "next/server";
import { LibsqlDialect } from "@libsql/kysely-libsql";
import { type BetterAuthOptions, betterAuth } from "better-auth";
import { APIError } from "better-auth/api";
import { getMigrations } from "better-auth/db/migration";
import { nextCookies } from "better-auth/next-js";
import { jwt } from "better-auth/plugins";
import { betterAuthSecret, betterAuthURL, usersDatabase, vouches } from "./env";
import { ticket } from "./ticket";

const options = () =>
  ({
    baseURL: betterAuthURL(),
    secret: betterAuthSecret(),
    database: { dialect: new LibsqlDialect({ url: usersDatabase() }), type: "sqlite" },
    emailAndPassword: { enabled: true },
    plugins: [jwt(), nextCookies()], // jwt() is for apps that vouch for nobody
  }) satisfies BetterAuthOptions;

const make = () => betterAuth(options());
let made: ReturnType<typeof make>;
export const instance = () => (made ??= make()); // not at the build, which knows no secrets

// Makes the tables, once, before the first request: instrumentation.ts.
export const migrate = async () => (await getMigrations(options())).runMigrations();

export async function currentUser() {
  const session = await instance().api.getSession({ headers: await headers() });
  return session?.user;
}

// signUp and signIn return why they refuse, to show it.
export const signUp = (email: string, password: string) =>
  refusal(instance().api.signUpEmail({ body: { email, password, name: email } }));

export const signIn = (email: string, password: string) =>
  refusal(instance().api.signInEmail({ body: { email, password } }));

async function refusal(attempt: Promise<unknown>) {
  try {
    await attempt;
  } catch (error) {
    if (error instanceof APIError) return error.message;
    throw error;
  }
}

export async function signOut() {
  await instance().api.signOut({ headers: await headers() });
}

// igconnect cannot read this app's session. It lists and disconnects the accounts of whom a ticket
// names, so connect.js asks on this app's own host, and the ticket is added on the way.
export async function proxy(request: NextRequest) {
  const { pathname, searchParams } = request.nextUrl;
  const one = request.method === "GET" || searchParams.get("instagram_id"); // else all would be disconnected
  const user = pathname === "/api/accounts" && one && vouches() ? await currentUser() : undefined;
  if (!user) return NextResponse.next();
  const changed = new Headers(request.headers);
  changed.set("Authorization", `Bearer ${await ticket(user)}`);
  return NextResponse.next({ request: { headers: changed } });
}

export const connectScript = () => (vouches() ? "/igconnect/connect.js" : "/with-token.js");
