// An app with users of its own. igconnect asks its route /instagram/vouch who is signed in.
import { randomUUID } from "node:crypto";
import process from "node:process";
import express from "express";
import session from "express-session";
import { SignJWT } from "jose";

const port = process.env.PORT ?? 3003;
const here = `http://localhost:${port}`;
const igconnect = process.env.IGCONNECT_URL ?? "http://localhost:3000"; // the origin of its REDIRECT_URI
const secret = new TextEncoder().encode(process.env.VOUCH_SECRET);
if (secret.length < 32) throw new Error("VOUCH_SECRET needs 32 bytes or more: see README.md");
const users = { ada: { id: "7", name: "Ada" }, ben: { id: "8", name: "Ben" } };

const app = express();
app.use(express.urlencoded());
app.use(session({ secret: randomUUID(), resave: false, saveUninitialized: false, cookie: { sameSite: "lax" } }));

// A ticket tells igconnect who the user is, for a minute: with the nonce that it sent, for the login in
// this browser; without one, for this server's own calls of /api/accounts.
const ticket = (user, nonce) =>
  new SignJWT({ nonce, name: user.name })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject(user.id)
    .setAudience(igconnect)
    .setIssuedAt()
    .setExpirationTime("1m")
    .sign(secret);

// VOUCH_URL of igconnect.
app.get("/instagram/vouch", async (request, response) => {
  const { user } = request.session;
  if (!user) {
    request.session.next = request.originalUrl; // to come back after signing in
    return response.redirect("/");
  }
  const signed = await ticket(user, String(request.query.nonce));
  response.redirect(`${igconnect}/api/login?ticket=${signed}`); // never an address out of the query
});

app.get("/", async (request, response) => {
  const { user } = request.session;
  if (!user) {
    const buttons = Object.keys(users).map((name) => `<button name="user" value="${name}">${users[name].name}</button> `);
    return response.send(page(`<form method="post" action="/sign-in">Sign in as ${buttons.join("")}</form>`));
  }
  const { accounts } = await (await call("GET", user)).json();
  response.send(page(`
    <p>Signed in as ${user.name}.</p>
    ${accounts.map(({ instagram_id, username }) => `
    <form method="post" action="/disconnect">
      @${username} <button name="instagram_id" value="${instagram_id}">Disconnect</button>
    </form>`).join("")}
    <p><a href="${igconnect}/api/login?return_to=${encodeURIComponent(`${here}/`)}">Connect Instagram</a></p>
    <form method="post" action="/sign-out"><button>Sign out</button></form>
    <form method="post" action="/leave"><button>Delete my account</button></form>`));
});

app.post("/sign-in", (request, response, next) => {
  const user = users[request.body.user]; // your app checks a password here
  const back = request.session.next ?? "/";
  request.session.regenerate((error) => {
    if (error) return next(error);
    request.session.user = user;
    response.redirect(303, back);
  });
});

app.post("/sign-out", (request, response) => request.session.destroy(() => response.redirect(303, "/")));

app.post("/disconnect", async (request, response) => {
  await call("DELETE", request.session.user, `?instagram_id=${encodeURIComponent(request.body.instagram_id)}`);
  response.redirect(303, "/");
});

// Without an id all of the user's accounts are disconnected. Your app deletes the user, too.
app.post("/leave", async (request, response) => {
  await call("DELETE", request.session.user);
  request.session.destroy(() => response.redirect(303, "/"));
});

async function call(method, user, query = "") {
  const headers = { Authorization: `Bearer ${await ticket(user)}` };
  const answer = await fetch(`${igconnect}/api/accounts${query}`, { method, headers });
  if (!answer.ok) throw new Error(`igconnect answered ${answer.status} ${answer.headers.get("X-Error-Code")}`);
  return answer;
}

const page = (content) => `<!doctype html><html lang="en"><title>Post office</title><h1>Post office</h1>${content}</html>`;

app.listen(port, "localhost", () => console.log(`The app is at ${here}`));
