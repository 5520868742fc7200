import { redirect } from "next/navigation";
import { auth } from "../lib/auth";
import { signIn, signUp } from "./actions";

export default async function Start({ searchParams }: { searchParams: Promise<{ problem?: string }> }) {
  if (await auth.currentUser()) redirect("/settings");
  const { problem } = await searchParams;
  return (
    <main>
      <h1>Letterbox</h1>
      <p>Your Instagram messages in one place.</p>
      {problem && <p role="alert">{problem}</p>}
      <form action={signUp}>
        <input name="email" type="email" aria-label="E-mail" placeholder="E-mail" autoComplete="email" required />
        <input name="password" type="password" aria-label="Password" placeholder="Password" minLength={8} required />
        <button>Sign up</button>
        <button formAction={signIn}>Sign in</button>
      </form>
    </main>
  );
}
