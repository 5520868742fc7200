import type { DetailedHTMLProps, HTMLAttributes } from "react";
import { auth, signedIn } from "../../lib/auth";
import { Nav } from "../nav";

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      "igconnect-button": DetailedHTMLProps<HTMLAttributes<HTMLElement>, HTMLElement>;
    }
  }
}

// The element connects, lists, reconnects and disconnects. For a list of your own, connect.js has
// accounts() and disconnect(); a plain <a href="/api/login?return_to=/settings"> connects, too.
export default async function Settings() {
  const user = await signedIn();
  return (
    <main>
      <Nav email={user.email} />
      <h1>Settings</h1>
      <h2>Instagram</h2>
      <script type="module" src={auth.connectScript()} async />
      <igconnect-button data-return-to="/settings" />
    </main>
  );
}
