import "server-only";
import { SignJWT } from "jose";
import { betterAuthURL, vouchSecret } from "./env";

// A ticket tells igconnect who the user is, for a minute: with the nonce that it sent, for the login
// in this browser; without one, for this server's own calls of /api/accounts.
export const ticket = (user: { id: string; email?: string }, nonce?: string) =>
  new SignJWT({ nonce, name: user.email })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject(user.id)
    .setAudience(igconnect()) // the origin of REDIRECT_URI
    .setIssuedAt()
    .setExpirationTime("1m")
    .sign(new TextEncoder().encode(vouchSecret()));

// Where browsers reach igconnect: on this app's own host, by the rewrites of next.config.ts.
export const igconnect = () => new URL(betterAuthURL()).origin;
