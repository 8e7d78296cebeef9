// A part of a page with data-refresh="SECONDS" is loaded again so often; 0, or a hidden page, stops it.
"use strict";

async function refresh(id) {
  const part = document.getElementById(id);
  if (!part) return;
  const seconds = Number(part.dataset.refresh);
  if (!seconds) return;
  await new Promise((wake) => setTimeout(wake, seconds * 1000));
  const now = document.getElementById(id);
  if (!now) return;
  // what somebody is reading with the keyboard stays under their hands
  if (!document.hidden && !now.contains(document.activeElement)) {
    try {
      const answer = await fetch(location.href, { headers: { "X-Swap": "1" }, credentials: "same-origin" });
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(id);
      const open = [...now.querySelectorAll("details[open]")].length;
      if (fresh) {
        if (open) for (const details of fresh.querySelectorAll("details")) details.open = true;
        if (now.dataset.then && fresh.dataset.refresh === "0") { location.reload(); return; }
        now.replaceWith(fresh);
      }
    } catch { /* the next time */ }
  }
  refresh(id);
}

for (const part of document.querySelectorAll("[data-refresh]")) refresh(part.id);
