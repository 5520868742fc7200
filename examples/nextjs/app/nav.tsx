import Link from "next/link";
import { signOut } from "./actions";

export function Nav({ email }: { email?: string }) {
  return (
    <nav>
      <Link href="/settings">Settings</Link>
      <Link href="/inbox">Inbox</Link>
      <form action={signOut}>
        {email} <button>Sign out</button>
      </form>
    </nav>
  );
}
