/** An Instagram account that the signed-in user connected: docs/reference.md, /api/accounts. */
export interface Account {
  instagram_id: string;
  username: string | null;
  name: string | null;
  picture_url: string | null;
  page_id: string | null;
  page_name: string | null;
  /** "reconnect": it has stopped, until its person connects it again. */
  status: "active" | "expiring" | "reconnect";
  status_reason: string | null;
  token_expires_at: string | null;
  connected_at: string;
  subscribed_fields: string[] | null;
  subscription_error: string | null;
}

export interface ConnectOptions {
  /** Where the person comes back to, with ?connected=… or ?error=…. Without it: this page. */
  returnTo?: string | null;
  /** The login to use, where igconnect offers several. */
  provider?: string | null;
  /** The account to connect again, without the chooser. */
  instagramId?: string | null;
  /** In a new tab, this page stays as it is. The page of returnTo imports this module, too. */
  target?: "self" | "tab" | null;
  /** Any other field of /api/login, such as lang or explain. */
  [field: string]: string | null | undefined;
}

/** What happened, here or in another tab of the app, and what is connected now. */
export interface Change {
  accounts: Account[];
  connected?: string[];
  disconnected?: string;
  error?: string;
}

/** What a request was refused with. Codes are those of docs/reference.md; none: no answer of igconnect's. */
export interface Refusal extends Error {
  code?: string;
  request_id?: string;
}

/** Leads the person to Meta. Call it in a click, or browsers open no tab. */
export declare function connect(options?: ConnectOptions): Promise<void>;
export declare namespace connect {
  /** igconnect's origin, such as "https://connect.example.com". "": the page's own. */
  let base: string;
  /** Gives the access token of the user's session, where no cookie of it reaches igconnect. */
  let token: (() => Promise<string | null | undefined> | string | null | undefined) | undefined;
  /** What the element and the page that closes itself say. */
  let texts: { connect: string; reconnect: string; disconnect: string; problem: string; close: string };
}

/** What the user connected. It rejects with a Refusal, of the code signed_out if nobody is signed in. */
export declare function accounts(): Promise<Account[]>;

/** Disconnects an account, and what igconnect keeps of it. It rejects with a Refusal. */
export declare function disconnect(instagramId: string): Promise<void>;

declare global {
  interface WindowEventMap {
    "igconnect:change": CustomEvent<Change>;
  }
  interface HTMLElementTagNameMap {
    "igconnect-button": HTMLElement;
  }
}
