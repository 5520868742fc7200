import "server-only";
import { redirect } from "next/navigation";
import * as betterAuth from "./better-auth";
import * as supabaseAuth from "./supabase-auth";

// What the pages know of whoever signs people in. Your app has one of the two modules: import that
// one in the place of this.
export const auth = process.env.AUTH === "better-auth" ? betterAuth : supabaseAuth;

export async function signedIn() {
  const user = await auth.currentUser();
  if (!user) redirect("/");
  return user;
}
