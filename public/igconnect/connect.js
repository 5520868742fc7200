// For your own pages: docs/front-end.md.
const page = globalThis.document; // not on servers
const tabs = page && new BroadcastChannel("igconnect");
let known; // last list
let reading = Promise.resolve(); // one by one

const origin = () => new URL(connect.base, location).origin;
const make = (tag, properties) => Object.assign(page.createElement(tag), properties);

export async function connect({ returnTo, instagramId, target, ...more } = {}) {
  const token = await connect.token?.();
  const back = new URL(returnTo || location, location);
  back.searchParams.delete("igconnect");
  if (target === "tab") back.searchParams.set("igconnect", "tab");
  const fields = Object.entries({
    ...more, instagram_id: instagramId, access_token: token,
    return_to: back.href.slice(back.origin === origin() ? back.origin.length : 0),
  }).filter((field) => field[1]);
  const way = { target: target === "tab" ? "_blank" : "", rel: "noopener" };
  const login = origin() + "/api/login";
  // A link: no form-action stops it. A form: no URL has the token.
  if (!token) return make("a", { ...way, href: login + "?" + new URLSearchParams(fields) }).click();
  const form = make("form", { ...way, action: login, method: "post" });
  for (const [name, value] of fields) form.append(make("input", { name, value }));
  page.body.append(form);
  form.submit();
  form.remove();
}
connect.base = "";
connect.texts = {
  connect: "Connect Instagram", reconnect: "Reconnect", disconnect: "Disconnect",
  problem: "That did not work. Please try again.", close: "You can close this tab.",
};

export const accounts = async () => (await call("GET", "")).accounts;

export async function disconnect(id) {
  await call("DELETE", "?instagram_id=" + encodeURIComponent(id));
  tabs.postMessage({ disconnected: id });
  await refresh({ disconnected: id });
}

async function call(method, query) {
  known ??= "";
  const token = await connect.token?.();
  const headers = token ? { Authorization: "Bearer " + token } : {};
  const response = await fetch(origin() + "/api/accounts" + query, { method, headers, credentials: "include" });
  const answer = await response.json().catch(() => {});
  if (response.ok && (answer || method !== "GET")) return answer;
  throw Object.assign(Error(connect.texts.problem), answer?.error);
}

const refresh = (news) => (reading = reading.then(() => read(news)));

async function read(news) {
  const list = await accounts().catch(({ code }) => code === "signed_out" && []);
  const text = JSON.stringify(list);
  if (!list || (!news && text === known)) return;
  known = text;
  dispatchEvent(new CustomEvent("igconnect:change", { detail: { ...news, accounts: list } }));
}

class Button extends (globalThis.HTMLElement ?? Object) {
  connectedCallback() { setTimeout(() => this.start()); } // the app goes first
  disconnectedCallback() { removeEventListener("igconnect:change", this); }
  start() {
    connect.base = this.getAttribute("base") ?? connect.base;
    if (!this.list) {
      const root = this.attachShadow({ mode: "open" });
      root.adoptedStyleSheets = [style];
      this.list = make("div");
      this.main = this.button("connect", "");
      root.append(this.list, this.main);
    }
    addEventListener("igconnect:change", this);
    refresh({});
  }
  handleEvent({ detail }) {
    const focused = this.shadowRoot.activeElement;
    this.list.replaceChildren(...detail.accounts.map(({ instagram_id: id, username, status, subscription_error: silent }) => {
      const name = " @" + (username ?? id);
      const row = make("div", { part: "account", textContent: name + " " });
      if (status !== "active" || silent) row.append(this.button("reconnect", name, id));
      row.append(this.button("disconnect", name, id));
      return row;
    }));
    if (focused?.isConnected === false) this.main.focus();
  }
  button(part, name, id) {
    const text = connect.texts[part];
    const act = async () =>
      part !== "disconnect" ? connect({ ...this.dataset, instagramId: id })
      : confirm(text + name + "?") && disconnect(id);
    const onclick = () => act().catch(() => alert(connect.texts.problem));
    return make("button", { part, textContent: text, ariaLabel: text + name, onclick });
  }
}

const style = page && new CSSStyleSheet(); // no CSP stops it
if (page) {
  style.replaceSync(`button{font:inherit;padding:.4em .8em;border-radius:.4em;color:var(--igconnect-color,inherit);
background:var(--igconnect-background,none);border:var(--igconnect-border,1px solid)}`);
  tabs.onmessage = ({ data }) => refresh(data);
  page.addEventListener("visibilitychange", () => page.hidden || known == null || refresh());
  customElements.get("igconnect-button") || customElements.define("igconnect-button", Button);

  const { connected, error, igconnect } = Object.fromEntries(new URLSearchParams(location.search));
  if (connected || error) {
    tabs.postMessage({ connected: connected?.split(","), error });
    if (igconnect) setTimeout(() => {
      close();
      page.body.append(make("p", { role: "alert", textContent: connect.texts.close }));
    }, 100);
  }
}
