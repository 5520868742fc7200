import { SignJWT } from "jose";
import { type NextRequest, NextResponse } from "next/server";
import { auth } from "@/auth";

// VOUCH_URL of igconnect: it sends the browser here to learn who is signed in.
export async function GET(request: NextRequest) {
  const igconnect = process.env.IGCONNECT_URL; // the origin of its REDIRECT_URI
  const secret = process.env.VOUCH_SECRET;
  if (!igconnect || !secret) throw new Error("IGCONNECT_URL and VOUCH_SECRET must be set");

  const { pathname, search, searchParams } = request.nextUrl;
  const user = (await auth())?.user;
  if (!user?.id) {
    const back = encodeURIComponent(pathname + search);
    return NextResponse.redirect(new URL(`/api/auth/signin?callbackUrl=${back}`, request.nextUrl));
  }
  const ticket = await new SignJWT({ nonce: searchParams.get("nonce"), name: user.email ?? user.name })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject(user.id)
    .setAudience(igconnect)
    .setIssuedAt()
    .setExpirationTime("1m")
    .sign(new TextEncoder().encode(secret));
  return NextResponse.redirect(`${igconnect}/api/login?ticket=${ticket}`); // never an address out of the query
}
