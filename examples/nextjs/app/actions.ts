"use server";
import { redirect } from "next/navigation";
import { auth } from "../lib/auth";

export async function signUp(form: FormData) {
  enter(await auth.signUp(String(form.get("email")), String(form.get("password"))));
}

export async function signIn(form: FormData) {
  enter(await auth.signIn(String(form.get("email")), String(form.get("password"))));
}

function enter(problem?: string) {
  redirect(problem ? `/?problem=${encodeURIComponent(problem)}` : "/settings");
}

export async function signOut() {
  await auth.signOut();
  redirect("/");
}
