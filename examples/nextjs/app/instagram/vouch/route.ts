import { type NextRequest, NextResponse } from "next/server";
import { auth } from "../../../lib/auth";
import { igconnect, ticket } from "../../../lib/ticket";

// VOUCH_URL of igconnect: it sends the browser here to learn who is signed in.
export async function GET(request: NextRequest) {
  const user = await auth.currentUser();
  const nonce = request.nextUrl.searchParams.get("nonce");
  if (!user || !nonce) return NextResponse.redirect(`${igconnect()}/`);
  return NextResponse.redirect(`${igconnect()}/api/login?ticket=${await ticket(user, nonce)}`); // never an address out of the query
}
