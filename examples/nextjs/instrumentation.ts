// Next.js calls it once, before the first request.
export async function register() {
  if (process.env.AUTH !== "better-auth" || process.env.NEXT_RUNTIME !== "nodejs") return;
  const { migrate } = await import("./lib/better-auth");
  await migrate();
}
