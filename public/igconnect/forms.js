// The script of the functions' pages, which all work without it: it keeps a
// form from being sent twice, and helps to choose.
"use strict";

forgetTheCode();
preventSecondSubmit();
const chooserForm = document.getElementById("chooser");
if (chooserForm) helpToChoose(chooserForm);

// A login that ends on a page leaves Meta's code in the address, and with it in
// the browser's history. Where a reload leads on, the state stays, which is of
// no use without a cookie.
function forgetTheCode() {
  if (!location.pathname.endsWith("/callback")) return;
  const state = new URLSearchParams(location.search).get("state");
  const goesOn = state && document.querySelector('form, a[href*="connected="]');
  history.replaceState(null, "", location.pathname + (goesOn ? "?state=" + encodeURIComponent(state) : ""));
}

// A second press would send a sealed cookie that the first has used up. The
// form opens again when the page comes back from history, or after the time
// within which every function has answered.
function preventSecondSubmit() {
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    const form = event.target;
    if ("sent" in form.dataset) return event.preventDefault();
    form.dataset.sent = "";
    setTimeout(() => delete form.dataset.sent, 30000);
  });
  addEventListener("pageshow", () => {
    for (const form of document.forms) delete form.dataset.sent;
  });
}

// Select all, a count that is read aloud, and a search where there are many.
function helpToChoose(form) {
  const byId = (id) => document.getElementById(id);
  const rows = [...form.querySelectorAll(".accounts li")];
  const box = (row) => row.querySelector("input");
  const texts = JSON.parse(form.dataset.texts);
  const [all, search, notice] = ["all", "search", "notice"].map(byId);

  function say(text, count) {
    return texts["chooser.script." + text].replace("{count}", count).replace("{total}", rows.length);
  }

  function update() {
    const visible = rows.filter((row) => !row.hidden);
    const ticked = visible.filter((row) => box(row).checked).length;
    all.checked = ticked > 0 && ticked === visible.length;
    all.indeterminate = ticked > 0 && !all.checked;
    all.disabled = visible.length === 0;
    const total = rows.filter((row) => box(row).checked).length;
    byId("count").textContent = say("selected", total);
    if (total > 0) notice.hidden = true;
  }

  function filter() {
    const words = plain(search.value).split(/\s+/);
    for (const row of rows) {
      const text = plain(row.querySelector(".who").textContent);
      row.hidden = !words.every((word) => text.includes(word));
    }
    const found = rows.filter((row) => !row.hidden).length;
    byId("matches").textContent = found === rows.length ? "" :
      found === 0 ? say("none_found") : say("shown", found);
    all.nextElementSibling.textContent = found === rows.length ? say("all") : say("all_shown");
    update();
  }

  all.addEventListener("change", () => {
    for (const row of rows) if (!row.hidden) box(row).checked = all.checked;
    update();
  });
  form.addEventListener("change", update);
  form.addEventListener("submit", (event) => {
    if (rows.some((row) => box(row).checked)) return;
    event.preventDefault();
    notice.textContent = say("none_ticked");
    notice.hidden = false;
    notice.scrollIntoView({ block: "center" });
  });
  if (search) {
    search.addEventListener("input", filter);
    // Enter in a search field would send the whole form.
    search.addEventListener("keydown", (event) => event.key === "Enter" && event.preventDefault());
  }
  // The browser may restore ticks and search text when one comes back.
  addEventListener("pageshow", () => (search ? filter() : update()));
  byId("tools").hidden = false;
}

// plain makes "Café" findable as "cafe".
function plain(text) {
  return text.normalize("NFD").replace(/\p{Mn}/gu, "").toLowerCase().trim();
}
