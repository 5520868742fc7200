// Keeps what is marked data-live on /dev/ as it is now. The page shows it
// without this script too, as it was when the page was loaded.
"use strict";

const shown = new Map(); // of each id, what the server said last
for (const part of document.querySelectorAll("[data-live]")) shown.set(part.id, part.outerHTML);
if (shown.size > 0) setTimeout(refresh, 1000);

async function refresh() {
  try {
    const response = document.hidden ? null : await fetch("/dev/");
    if (response?.ok) update(new DOMParser().parseFromString(await response.text(), "text/html"));
  } catch {
    // The server is being restarted, or the person leaves the page.
  }
  setTimeout(refresh, 1000);
}

// update puts what changed in place, but nothing under the hands of somebody who fills in a form.
function update(page) {
  for (const [id, before] of shown) {
    const [old, now] = [document.getElementById(id), page.getElementById(id)];
    const at = old.contains(document.activeElement) ? document.activeElement : null;
    if (!now || now.outerHTML === before || at?.matches("input, select")) continue;
    shown.set(id, now.outerHTML); // before anything is changed in it
    for (const part of now.querySelectorAll("details[id]")) part.open = document.getElementById(part.id)?.open ?? false;
    old.replaceWith(now);
    if (at) refocus(now, at);
  }
}

// refocus gives the focus back to what stands where it was.
function refocus(part, at) {
  const alike = [...part.querySelectorAll(at.tagName)].find((one) => one.textContent === at.textContent);
  alike?.focus({ preventScroll: true });
}
