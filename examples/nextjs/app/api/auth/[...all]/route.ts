import { toNextJsHandler } from "better-auth/next-js";
import { instance } from "../../../../lib/better-auth";

// Better Auth's own routes. Of these the app uses /api/auth/token, and igconnect /api/auth/jwks.
export const { GET, POST } = toNextJsHandler((request: Request) => instance().handler(request));
