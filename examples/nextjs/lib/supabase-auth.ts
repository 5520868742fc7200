import "server-only";
import { cookies } from "next/headers";
import { type NextRequest, NextResponse } from "next/server";
import { createServerClient } from "@supabase/ssr";
import { publishableKey, url } from "./env";

// The project, as whoever is signed in. igconnect reads the same cookie.
async function asUser() {
  const jar = await cookies();
  return createServerClient(url(), publishableKey(), {
    cookies: {
      getAll: () => jar.getAll(),
      setAll(changed) {
        try {
          for (const { name, value, options } of changed) jar.set(name, value, options);
        } catch {
          // A page cannot set cookies. proxy has done so.
        }
      },
    },
  });
}

export async function currentUser() {
  const { data } = await (await asUser()).auth.getUser();
  return data.user ?? undefined;
}

// signUp and signIn return why they refuse, to show it.
export async function signUp(email: string, password: string) {
  const { data, error } = await (await asUser()).auth.signUp({ email, password });
  if (!error && !data.session) return "We sent you an e-mail. Open the link in it, then sign in.";
  return error?.message;
}

export async function signIn(email: string, password: string) {
  const { error } = await (await asUser()).auth.signInWithPassword({ email, password });
  return error?.message;
}

export async function signOut() {
  await (await asUser()).auth.signOut();
}

// Keeps the session fresh: igconnect never does, and an hour later it would count as none.
export async function proxy(request: NextRequest) {
  let response = NextResponse.next({ request });
  const supabase = createServerClient(url(), publishableKey(), {
    cookies: {
      getAll: () => request.cookies.getAll(),
      setAll(changed) {
        for (const { name, value } of changed) request.cookies.set(name, value);
        response = NextResponse.next({ request });
        for (const { name, value, options } of changed) response.cookies.set(name, value, options);
      },
    },
  });
  await supabase.auth.getUser();
  return response;
}

export const connectScript = () => "/igconnect/connect.js";
