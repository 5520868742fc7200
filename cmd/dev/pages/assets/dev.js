// Keeps the inbox on /dev/ as the database has it. The page shows it without
// this script too, as it was when the page was loaded.
"use strict";

const inbox = document.getElementById("inbox");
let shown = "";
if (inbox) setTimeout(refresh, 1000);

async function refresh() {
  try {
    const response = document.hidden ? null : await fetch("/dev/inbox");
    const text = response?.ok ? await response.text() : shown;
    if (text !== shown) inbox.innerHTML = shown = text; // escaped by the server
  } catch {
    // The server is being restarted, or the person leaves the page.
  }
  setTimeout(refresh, 1000);
}
