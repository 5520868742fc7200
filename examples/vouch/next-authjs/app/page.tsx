import { auth, signIn, signOut } from "@/auth";

export default async function Start() {
  const session = await auth();
  async function enterOrLeave() {
    "use server";
    await (session ? signOut() : signIn());
  }
  return (
    <main>
      <p>{session ? `Signed in as ${session.user?.name}.` : "Nobody is signed in."}</p>
      {/* An <a>, not a <Link>, which would fetch it ahead. */}
      <a href={`${process.env.IGCONNECT_URL}/api/login?return_to=${encodeURIComponent(process.env.APP_URL ?? "/")}`}>Connect Instagram</a>
      <form action={enterOrLeave}>
        <button>{session ? "Sign out" : "Sign in"}</button>
      </form>
    </main>
  );
}
