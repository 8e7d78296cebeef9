// Parts of a page with data-refresh="SECONDS" are loaded again together, as often as the most pressing of them wants; 0, or
// a hidden page, stops it.
"use strict";

const parts = () => [...document.querySelectorAll('[data-refresh]:not([data-refresh="0"])')];

function renew(now, fresh) {
  // what somebody is reading with the keyboard stays under their hands
  if (!fresh || now.contains(document.activeElement)) return;
  if (now.dataset.then && fresh.dataset.refresh === "0") { location.reload(); return; }
  if (now.querySelector("details[open]")) for (const details of fresh.querySelectorAll("details")) details.open = true;
  now.replaceWith(fresh);
}

async function refresh() {
  if (!parts().length) return;
  const seconds = Math.min(...parts().map((part) => Number(part.dataset.refresh)));
  await new Promise((wake) => setTimeout(wake, seconds * 1000));
  if (!document.hidden) {
    try {
      const answer = await fetch(location.href, { headers: { "X-Swap": "1" }, credentials: "same-origin" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of parts()) renew(part, page.getElementById(part.id));
    } catch { /* the next time */ }
  }
  refresh();
}

refresh();
