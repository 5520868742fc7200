import { type NextRequest, NextResponse } from "next/server";
import { createServerClient } from "@supabase/ssr";
import { publishableKey, url } from "./lib/env";

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

export const config = { matcher: ["/", "/settings", "/inbox"] };
