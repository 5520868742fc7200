"use server";
import { createHmac } from "node:crypto";
import { redirect } from "next/navigation";
import { signedIn } from "../../lib/auth";
import { asServer } from "../../lib/database";
import { appSecret, graph } from "../../lib/env";

type Connection = { user_id: string; page_id: string | null; page_token: string | null };

// Answers one message of the signed-in user. A worker that answers by itself claims events instead,
// so that no two take the same: ../worker-ts.
export async function answer(form: FormData) {
  const user = await signedIn();
  const server = asServer();

  // 1. Which message? It has to be this user's own, and open.
  const { data: event } = await server
    .from("instagram_events")
    .select("id, instagram_id, conversation")
    .match({ id: String(form.get("id")), user_id: user.id, kind: "message" })
    .is("finished_at", null)
    .maybeSingle();
  if (!event) redirect("/inbox");

  // 2. By whose token?
  const { data: connections } = await server.rpc("get_instagram_token", { p_instagram_id: event.instagram_id });
  const connection = (connections as Connection[] | null)?.find((row) => row.user_id === user.id);
  if (!connection?.page_id || !connection.page_token) problem("Connect this account again, in the settings.");

  // 3. Off to Meta. What it says about an error may quote the token, so nobody is shown it.
  const response = await fetch(`${graph()}/${connection.page_id}/messages`, {
    method: "POST",
    headers: { Authorization: `Bearer ${connection.page_token}` },
    body: new URLSearchParams({
      recipient: JSON.stringify({ id: event.conversation.split("/")[1] }),
      message: JSON.stringify({ text: String(form.get("text")) }),
      appsecret_proof: createHmac("sha256", appSecret()).update(connection.page_token).digest("hex"),
    }),
    signal: AbortSignal.timeout(10_000),
  });
  if (!response.ok) problem("Meta did not take your answer. Please try again.");

  // 4. It is done.
  await server.rpc("finish_instagram_events", { ids: [event.id] });
  redirect("/inbox");
}

function problem(text: string): never {
  redirect(`/inbox?problem=${encodeURIComponent(text)}`);
}
