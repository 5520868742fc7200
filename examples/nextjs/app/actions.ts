"use server";
import { redirect } from "next/navigation";
import { asUser } from "../lib/supabase";

const credentials = (form: FormData) => ({ email: String(form.get("email")), password: String(form.get("password")) });
const back = (problem: string) => redirect(`/?problem=${encodeURIComponent(problem)}`);

export async function signUp(form: FormData) {
  const { data, error } = await (await asUser()).auth.signUp(credentials(form));
  if (error) back(error.message);
  if (!data.session) back("We sent you an e-mail. Open the link in it, then sign in.");
  redirect("/settings");
}

export async function signIn(form: FormData) {
  const { error } = await (await asUser()).auth.signInWithPassword(credentials(form));
  if (error) back(error.message);
  redirect("/settings");
}

export async function signOut() {
  await (await asUser()).auth.signOut();
  redirect("/");
}
