import type { NextConfig } from "next";

// What igconnect answers, on this app's own host: docs/beside-your-app.md says why.
const forwarded = [
  "/api/login", "/api/auth/callback", "/api/choose", "/api/accounts",
  "/api/webhook", "/api/deauthorize", "/api/deletion", // Meta calls these
  "/igconnect/:path*", // the look of its pages, and connect.js
];

const config: NextConfig = {
  serverExternalPackages: ["better-auth", "@libsql/kysely-libsql"], // or the build bundles all that they could use
  async rewrites() {
    const igconnect = process.env.IGCONNECT_URL;
    if (!igconnect) throw new Error("IGCONNECT_URL is not set: see README.md");
    return forwarded.map((path) => ({ source: path, destination: igconnect + path }));
  },
};

export default config;
