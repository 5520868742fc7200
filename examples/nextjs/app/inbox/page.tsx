import { signedIn } from "../../lib/auth";
import { asServer } from "../../lib/database";
import { Nav } from "../nav";
import { answer } from "./actions";
import { Again } from "./again";

type Received = { id: string; payload: { message?: { text?: string } }; occurred_at: string; finished_at: string | null };

export default async function Inbox({ searchParams }: { searchParams: Promise<{ problem?: string }> }) {
  const user = await signedIn();
  const { data, error } = await asServer()
    .from("instagram_events")
    .select("id, payload, occurred_at, finished_at") // finished_at is for the secret key only
    .eq("user_id", user.id)
    .eq("kind", "message")
    .order("occurred_at", { ascending: false })
    .limit(50)
    .overrideTypes<Received[]>();
  if (error) throw new Error(error.message);
  const { problem } = await searchParams;
  return (
    <main>
      <Nav email={user.email} />
      <h1>Inbox</h1>
      <Again seconds={3} />
      {problem && <p role="alert">{problem}</p>}
      {data.length === 0 && <p>No message yet.</p>}
      {data.map((event) => (
        <article key={event.id}>
          <p>
            {event.payload.message?.text ?? "A picture, or something else"}{" "}
            <small>{new Date(event.occurred_at).toISOString().slice(0, 16).replace("T", " ")}</small>
          </p>
          {event.finished_at ? (
            <p>Answered.</p>
          ) : (
            <form action={answer}>
              <input type="hidden" name="id" value={event.id} />
              <input name="text" aria-label="Your answer" placeholder="Your answer" maxLength={1000} required />
              <button>Answer</button>
            </form>
          )}
        </article>
      ))}
    </main>
  );
}
