import "server-only";
import { createClient } from "@supabase/supabase-js";
import { secretKey, url } from "./env";

// The project with the secret key, which may do everything: say whose rows you mean.
export const asServer = () => createClient(url(), secretKey(), { auth: { persistSession: false, autoRefreshToken: false } });
