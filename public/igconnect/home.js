// The script of the landing page, which reads well and connects without it: it
// tidies the address, lists what is connected, and says what of it is new. All
// that it says stands in the page, in the page's language.
"use strict";

const byId = (id) => document.getElementById(id);
const result = (name) => document.querySelector(`[data-result="${name}"]`);

const texts = JSON.parse(byId("account").dataset.texts);
const reasons = JSON.parse(byId("account").dataset.reasons); // by the English ones
const language = document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang;

const dialog = byId("leave");
const cameBackWith = cleanAddress();
let accounts = []; // as drawn
let named = false; // the list held accounts that came back connected, and they were named
let turn = 0; // of the newest request: the answers to older ones come too late

if (cameBackWith.length > 0) rememberToAsk(true);
decideWhatIsShown();
(result("failed") ?? result("saved"))?.focus();
byId("retry").addEventListener("click", retry);
document.addEventListener("visibilitychange", refresh);
prepareDialog();
refresh();

// The functions come back with ?connected=<id>[,<id>…] or ?error=<code>. The
// address is cleaned, so that a reload or a bookmark does not tell it again. It
// returns the ids, of which only the list can say that they are connected.
function cleanAddress() {
  const url = new URL(location.href);
  const connected = (url.searchParams.get("connected") ?? "").split(",").filter(Boolean);
  url.searchParams.delete("connected");
  url.searchParams.delete("error");
  history.replaceState(null, "", url.pathname + url.search + url.hash);
  return connected;
}

// The invitation is not shown for a moment to somebody who has accounts here.
function decideWhatIsShown() {
  const waits = mayBeSignedIn();
  byId("hero").hidden = waits;
  byId("loading").hidden = !waits;
  byId("hero").classList.remove("undecided");
}

function text(key, values = {}) {
  return texts[key].replace(/\{(\w+)\}/g, (place, name) => values[name] ?? place);
}

function counted(key, count, values) {
  return text(`${key}.${count === 1 ? "one" : "other"}`, values);
}

function say(notice, sentence) {
  notice.querySelector("strong").textContent = sentence;
}

// A visitor who is not signed in should cause no request, since the browser
// reports its 401 as an error. So the page asks only when it has a reason to:
// the session cookie of @supabase/ssr, or, where a script cannot read that
// cookie, the memory that somebody came back connected or saw a list here. A
// session that has run out still looks like one: it costs the 401. Where no
// cookie says who somebody is, there is no list to ask for.
function mayBeSignedIn() {
  if ("unlisted" in byId("accounts").dataset) return false;
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
  if (!mayBeSignedIn()) {
    byId("loading").hidden = true;
    return draw([]);
  }
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
  byId("loading").hidden = true;
  byId("trouble").hidden = read !== null;
  if (read === null) return;
  read.sort((a, b) => isWell(a) - isWell(b)); // trouble first, else the order stays
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
  for (const name of ["hero", "none"]) byId(name).hidden = accounts.length > 0; // one invitation at a time
  byId("accounts").hidden = accounts.length === 0;
  if (id) list.querySelector(`[data-part="${part}"][data-id="${CSS.escape(id)}"]`)?.focus();
}

function accountRow(account) {
  const row = byId("account").content.cloneNode(true).firstElementChild;
  const part = (name) => row.querySelector(`[data-part="${name}"]`);
  part("initials").textContent = initials(account);
  part("title").textContent = account.name || handle(account);
  part("username").textContent = account.name && account.username ? handle(account) : "";
  part("page").textContent = account.page_name ? text("chooser.page", { page: account.page_name }) : "";
  part("state").textContent = state(account);
  part("state").classList.toggle("warn", account.status !== "active");
  part("state").classList.toggle("good", account.status === "active" && delivery(account) === "complete");
  for (const name of ["silent", "waiting"]) part(name).hidden = delivery(account) !== name;

  const isNew = isFresh(account);
  part("new").hidden = !isNew;
  row.classList.toggle("new", isNew);
  showPicture(part("picture"), account.picture_url);

  part("reconnect").href += "&" + new URLSearchParams({ instagram_id: account.instagram_id });
  part("disconnect").addEventListener("click", () => askWhetherToLeave(account));
  part("reconnect").classList.toggle("primary", account.status !== "active");
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
      return text("home.script.state.active");
    case "expiring":
      return ends > Date.now() ? text("home.script.state.before", { date: day(ends) }) : text("home.script.state.now");
    default:
      return text("home.script.state.stopped", { reason: reason(account.status_reason) });
  }
}

// The reason in the page's language. One of them holds names.
function reason(said) {
  for (const [english, own] of Object.entries(reasons)) {
    const [start, end] = english.split("{names}");
    if (said === english) return own;
    if (end && said?.startsWith(start) && said.endsWith(end)) return own.replace("{names}", () => said.slice(start.length, -end.length));
  }
  return said || text("home.script.state.unknown");
}

function isWell(account) {
  return account.status === "active" && delivery(account) !== "silent";
}

// Connected by the login that has just come back, as the list confirms.
function isFresh(account) {
  return cameBackWith.includes(account.instagram_id) && account.status !== "reconnect";
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
  return date.toLocaleDateString(language, { day: "numeric", month: "long", year });
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
  const fresh = accounts.filter(isFresh);
  if (fresh.length === 0) {
    result("connected").hidden = true;
  } else {
    say(result("connected"), counted("home.script.connected", fresh.length, { names: names(fresh) }));
    if (!named) result("connected").hidden = false;
    if (!named && document.activeElement === document.body) result("connected").focus();
    named = true;
  }
  // The sentence is the one that the callback writes into the row.
  const stopped = accounts.filter((account) => cameBackWith.length > 0 && account.status === "reconnect" &&
    account.status_reason === "Not shared with us the last time you connected.");
  if (stopped.length > 0) {
    say(result("stopped"), counted("stopped", stopped.length, { names: names(stopped) }));
    result("stopped").querySelector("[data-text]").textContent = counted("stopped.next", stopped.length);
  }
  result("stopped").hidden = stopped.length === 0;
}

function names(some) {
  const all = some.map(handle);
  const rest = all.length > 5 ? [text("home.script.more", { count: all.splice(4).length })] : [];
  return new Intl.ListFormat(language).format([...all, ...rest]);
}

let leaving = null; // the account that the dialog is about

function askWhetherToLeave(account) {
  leaving = account;
  byId("leave-title").textContent = text("home.script.leave", { name: handle(account) });
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
  say(result("gone"), text("home.script.gone", { name: handle(leaving) }));
  result("gone").hidden = false;
  draw(accounts.filter((account) => account !== leaving));
  nameResult();
  result("gone").focus();
}

// Says in the person's words why it did not work, or nothing. What is not there
// any more is gone, as it should be.
async function remove(id) {
  try {
    const response = await fetch("/api/accounts?" + new URLSearchParams({ instagram_id: id }),
      { method: "DELETE", headers: { Accept: "application/json" } });
    if (response.ok || response.status === 404) return "";
    return response.status === 401 ? `${text("error.signed_out.what")} ${text("error.signed_out.next")}` : text("home.script.failed");
  } catch {
    return text("home.script.offline");
  }
}
