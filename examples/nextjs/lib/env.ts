// Read when they are needed, and not at the build: one build serves any deployment of Supabase.
const variable = (name: string): string => {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: see README.md`);
  return value;
};

export const url = () => variable("NEXT_PUBLIC_SUPABASE_URL");
export const publishableKey = () => variable("NEXT_PUBLIC_SUPABASE_PUBLISHABLE_KEY");
export const secretKey = () => variable("SUPABASE_SECRET_KEY");
export const appSecret = () => variable("FB_APP_SECRET").split(",")[0].trim(); // the first of the list signs
export const graph = () => `${process.env.FB_GRAPH_URL || "https://graph.facebook.com"}/${process.env.GRAPH_API_VERSION || "v24.0"}`;
export const betterAuthURL = () => variable("BETTER_AUTH_URL"); // of this app
export const betterAuthSecret = () => variable("BETTER_AUTH_SECRET");
export const usersDatabase = () => process.env.USERS_DATABASE || "file:users.db";
export const vouches = () => Boolean(process.env.VOUCH_SECRET);
export const vouchSecret = () => variable("VOUCH_SECRET");
