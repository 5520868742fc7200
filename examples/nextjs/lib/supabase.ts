import "server-only";
import { cookies } from "next/headers";
import { redirect } from "next/navigation";
import { createServerClient } from "@supabase/ssr";
import { createClient, type User } from "@supabase/supabase-js";
import { publishableKey, secretKey, url } from "./env";

// The project, as whoever is signed in. igconnect reads the same cookie.
export async function asUser() {
  const jar = await cookies();
  return createServerClient(url(), publishableKey(), {
    cookies: {
      getAll: () => jar.getAll(),
      setAll(changed) {
        try {
          for (const { name, value, options } of changed) jar.set(name, value, options);
        } catch {
          // A page cannot set cookies. proxy.ts has done so.
        }
      },
    },
  });
}

// The project with the secret key, which may do everything: say whose rows you mean.
export const asServer = () => createClient(url(), secretKey(), { auth: { persistSession: false, autoRefreshToken: false } });

export async function signedIn(): Promise<User> {
  const { data } = await (await asUser()).auth.getUser();
  if (!data.user) redirect("/");
  return data.user;
}
