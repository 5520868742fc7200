// The script of the landing page, which reads well and connects without it: it
// tidies the address, tells the result of a login, and lists what is connected.
"use strict";

const byId = (id) => document.getElementById(id);
const result = (name) => document.querySelector(`[data-result="${name}"]`);

const dialog = byId("leave");
const justConnected = showResult();
let accounts = []; // as drawn
let named = false; // the accounts that came back connected were in the list
let turn = 0; // of the newest request: the answers to older ones come too late

if (justConnected.length > 0) rememberToAsk(true);
byId("retry").addEventListener("click", retry);
document.addEventListener("visibilitychange", refresh);
prepareDialog();
refresh();

// The functions come back with ?connected=<id>[,<id>…] or ?error=<code>. The
// texts stand in the page; the address is cleaned, so that a reload or a
// bookmark does not tell it again. It returns the ids.
function showResult() {
  const url = new URL(location.href);
  const connected = (url.searchParams.get("connected") ?? "").split(",").filter(Boolean);
  const error = url.searchParams.get("error");
  url.searchParams.delete("connected");
  url.searchParams.delete("error");
  history.replaceState(null, "", url.pathname + url.search + url.hash);
  if (!error && connected.length === 0) return [];

  const shown = result(!error ? "connected" : error === "access_denied" ? error : "other");
  if (connected.length > 1) say(shown, `${connected.length} Instagram accounts are connected.`);
  shown.hidden = false;
  shown.focus();
  return error ? [] : connected;
}

function say(notice, text) {
  notice.querySelector("strong").textContent = text;
}

// A visitor who is not signed in should cause no request, since the browser
// reports its 401 as an error. So the page asks only when it has a reason to:
// the session cookie of @supabase/ssr, or, where a script cannot read that
// cookie, the memory that somebody came back connected or saw a list here. A
// session that has run out still looks like one: it costs the 401.
function mayBeSignedIn() {
  return sessionInSight() || stored((storage) => storage.getItem("ask") === "yes");
}

function sessionInSight() {
  return /(^|; )sb-[^=;]*-auth-token(\.0)?=[^;]/.test(document.cookie);
}

function rememberToAsk(yes) {
  stored((storage) => (yes ? storage.setItem("ask", "yes") : storage.removeItem("ask")));
}

// A browser that keeps no cookies refuses this too.
function stored(use) {
  try {
    return use(localStorage);
  } catch {
    return undefined;
  }
}

// Reads the list again: at the start, on Retry, and when the tab comes back
// into sight.
async function refresh() {
  if (document.hidden || dialog.open) return;
  if (!mayBeSignedIn()) return draw([]);
  const mine = ++turn;
  let read = null;
  try {
    const response = await fetch("/api/accounts", { headers: { Accept: "application/json" } });
    if (response.ok) {
      read = (await response.json()).accounts ?? null;
      rememberToAsk(!sessionInSight());
    } else if (response.status === 401) {
      read = [];
      result("gone").hidden = true;
      rememberToAsk(false);
    }
  } catch {
    // Told below, as any other answer that holds no list.
  }
  if (mine !== turn || dialog.open) return;
  byId("trouble").hidden = read !== null;
  if (read === null) return;
  // An unchanged list stays as it is: its pictures are not asked for again.
  if (read.length === 0 || JSON.stringify(read) !== JSON.stringify(accounts)) draw(read);
  nameResult();
}

async function retry() {
  const trouble = byId("trouble");
  trouble.hidden = true; // so that it is read aloud if it comes back
  await refresh();
  byId(trouble.hidden ? "accounts-title" : "retry").focus();
}

// Draws the list anew and gives the focus back to the control that had it.
function draw(next) {
  const { id, part } = document.activeElement?.dataset ?? {};
  const list = byId("list");
  accounts = next;
  list.replaceChildren(...accounts.map(accountRow));
  byId("waiting").hidden = !accounts.some((account) => delivery(account) === "waiting");
  for (const name of ["hero", "none"]) byId(name).hidden = accounts.length > 0; // one invitation at a time
  byId("accounts").hidden = accounts.length === 0;
  if (id) list.querySelector(`[data-part="${part}"][data-id="${CSS.escape(id)}"]`)?.focus();
}

function accountRow(account) {
  const row = byId("account").content.cloneNode(true).firstElementChild;
  const part = (name) => row.querySelector(`[data-part="${name}"]`);
  const { good, text } = state(account);

  part("initials").textContent = initials(account);
  part("title").textContent = account.name || handle(account);
  part("username").textContent = account.name && account.username ? handle(account) : "";
  part("page").textContent = account.page_name ? `Page: ${account.page_name}` : "";
  part("state").textContent = text;
  part("state").classList.add(good ? "good" : "warn");
  part("silent").hidden = delivery(account) !== "silent";

  const isNew = justConnected.includes(account.instagram_id);
  part("new").hidden = !isNew;
  row.classList.toggle("new", isNew);
  showPicture(part("picture"), account.picture_url);

  part("reconnect").href = "/api/login?" + new URLSearchParams({ return_to: "/", instagram_id: account.instagram_id });
  part("disconnect").addEventListener("click", () => askWhetherToLeave(account));
  part("reconnect").classList.toggle("primary", !good);
  for (const name of ["why", "reconnect", "disconnect"]) {
    part(name).dataset.id = account.instagram_id;
    part(name).setAttribute("aria-label", `${part(name).textContent} ${handle(account)}`);
  }
  return row;
}

function state(account) {
  const ends = new Date(account.token_expires_at ?? NaN);
  switch (account.status) {
    case "active":
      return { good: true, text: "Connected" };
    case "expiring":
      return { text: `Ends soon: reconnect ${ends > Date.now() ? `before ${day(ends)}` : "now"}` };
    default:
      return { text: `Stopped: ${account.status_reason || "reconnect to go on."}` };
  }
}

// Of a working account Meta may report nothing, or all but new messages.
function delivery(account) {
  const fields = account.subscribed_fields ?? [];
  if (account.status === "reconnect") return "stopped";
  if (account.subscription_error || fields.length === 0) return "silent";
  return fields.includes("messages") ? "complete" : "waiting";
}

function day(date) {
  const year = date.getFullYear() === new Date().getFullYear() ? undefined : "numeric";
  return date.toLocaleDateString("en-GB", { day: "numeric", month: "long", year });
}

function handle(account) {
  return account.username ? `@${account.username}` : account.name || account.page_name || account.instagram_id;
}

// As Account.Initials of lib/page does it.
function initials(account) {
  const letters = (text) => (text ?? "").split(/\s+/).map((word) => /[\p{L}\p{Nd}]/u.exec(word)?.[0] ?? "").join("");
  const found = letters(account.name) || letters(account.username) || "@";
  return [...found].slice(0, 2).join("").toUpperCase();
}

// Only what the Content-Security-Policy allows, or the browser would report
// it. Meta's addresses expire: then the initials stay.
function showPicture(image, address) {
  if (!/^https:\/\/[\w.-]+\.(cdninstagram\.com|fbcdn\.net)\//.test(address)) return image.remove();
  image.addEventListener("error", () => image.remove());
  image.src = address;
}

// After a return: names what is new, and what the new grant left out.
function nameResult() {
  const fresh = accounts.filter((account) => justConnected.includes(account.instagram_id));
  if (fresh.length > 0) {
    say(result("connected"), `${names(fresh)} ${fresh.length === 1 ? "is" : "are"} connected.`);
    named = true;
  } else if (named) {
    result("connected").hidden = true; // disconnected since
  }
  // The sentence is the one that the callback writes into the row.
  const stopped = accounts.filter((account) => justConnected.length > 0 && account.status === "reconnect" &&
    account.status_reason === "Not shared with us the last time you connected.");
  if (stopped.length > 0) {
    say(result("stopped"), `${names(stopped)} ${stopped.length === 1 ? "was" : "were"} not shared this time and stopped.`);
  }
  result("stopped").hidden = stopped.length === 0;
}

function names(some) {
  const all = some.map(handle);
  const rest = all.length > 5 ? [`${all.splice(4).length} more`] : [];
  return new Intl.ListFormat("en-GB").format([...all, ...rest]);
}

let leaving = null; // the account that the dialog is about

function askWhetherToLeave(account) {
  leaving = account;
  byId("leave-title").textContent = `Disconnect ${handle(account)}?`;
  byId("leave-trouble").hidden = true;
  dialog.showModal();
}

function prepareDialog() {
  byId("stay").addEventListener("click", () => dialog.close());
  byId("go").addEventListener("click", disconnect);
  dialog.addEventListener("cancel", (event) => byId("go").disabled && event.preventDefault());
}

async function disconnect() {
  const buttons = [byId("stay"), byId("go")];
  const trouble = byId("leave-trouble");
  for (const button of buttons) button.disabled = true;
  trouble.hidden = true;
  const problem = await remove(leaving.instagram_id);
  for (const button of buttons) button.disabled = false;
  if (problem) {
    trouble.textContent = problem;
    trouble.hidden = false;
    return byId("go").focus();
  }
  dialog.close();
  turn++; // a list that was asked for before still holds the account
  for (const older of document.querySelectorAll("[data-result]")) older.hidden = true;
  say(result("gone"), `${handle(leaving)} is disconnected.`);
  result("gone").hidden = false;
  draw(accounts.filter((account) => account !== leaving));
  nameResult();
  result("gone").focus();
}

// Says in the person's words why it did not work, or nothing.
async function remove(id) {
  try {
    const response = await fetch("/api/accounts?" + new URLSearchParams({ instagram_id: id }),
      { method: "DELETE", headers: { Accept: "application/json" } });
    if (response.ok) return "";
    const answer = await response.json().catch(() => null);
    return answer?.error?.message || "That did not work just now. Please try again.";
  } catch {
    return "We could not reach our server. Check your internet connection, then try again.";
  }
}
