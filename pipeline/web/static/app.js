// The little that the pages need: swap a part of a page, filter as one types, theme, toast. Every page works without it.
"use strict";

const root = document.documentElement;

// <form data-swap="#id"> and <a data-swap="#id">: load the address, put the part with that id in place of this one's.
// Of several that were asked for, the answer to the last is shown, whatever comes when: one typed on, or chose again.
const asked = new Map();
async function swap(id, url, options, keep) {
  const turn = (asked.get(id) ?? 0) + 1;
  asked.set(id, turn);
  document.querySelector(id)?.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(url, { ...options, headers: { "X-Swap": "1" }, credentials: "same-origin" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (asked.get(id) !== turn) return;
    const part = document.querySelector(id);
    const fresh = page.querySelector(id);
    if (!fresh || !part) { location.assign(answer.url || url); return; }
    part.replaceWith(fresh);
    if (keep) history.replaceState(null, "", answer.url);
    const said = page.querySelector(".toast")?.textContent.trim();
    if (said) say(said);
    fresh.dispatchEvent(new CustomEvent("swapped", { bubbles: true }));
  } catch {
    if (asked.get(id) !== turn) return;
    document.querySelector(id)?.removeAttribute("aria-busy");
    say("The server did not answer. Check that debrief is running.");
  }
}

function submit(form) {
  const fields = new URLSearchParams(new FormData(form));
  if (form.method === "get") {
    for (const [name, value] of [...fields]) if (!value) fields.delete(name);
    swap(form.dataset.swap, `${form.action.split("?")[0]}?${fields}`, {}, true);
  } else {
    swap(form.dataset.swap, form.action, { method: "POST", body: fields }, false).finally(() => unsent(form));
  }
}

// What changes something is sent once: a second click while the answer is on its way does nothing.
const SENT_FOR = 10000;
function unsent(form) { delete form.dataset.sent; }
addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach(unsent));

function say(text) {
  const toast = document.querySelector(".toast");
  if (!toast) return;
  toast.textContent = text;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => { toast.textContent = ""; }, 5000);
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) { event.preventDefault(); return; }
  if (form.dataset.confirm && !confirm(form.dataset.confirm)) { event.preventDefault(); return; }
  if (form.method === "post") {
    form.dataset.sent = "1";
    setTimeout(unsent, SENT_FOR, form);
  }
  if (form.dataset.swap) { event.preventDefault(); submit(form); }
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-swap]");
  if (link && !event.metaKey && !event.ctrlKey && !event.shiftKey && event.button === 0) {
    event.preventDefault();
    swap(link.dataset.swap, link.href, {}, true);
  }
  if (event.target.closest("[data-print]")) print();
  const copy = event.target.closest("[data-copy]");
  if (copy) navigator.clipboard?.writeText(document.querySelector(copy.dataset.copy).value).then(() => say("Copied"));
  if (event.target.closest("[data-theme-switch]")) {
    const dark = getComputedStyle(root).colorScheme === "dark"
      || (root.dataset.theme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
    root.dataset.theme = dark ? "light" : "dark";
    document.cookie = `debrief_theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=lax`;
  }
  for (const open of document.querySelectorAll("details.popover[open]")) {
    if (!open.contains(event.target)) open.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") for (const open of document.querySelectorAll("details.popover[open]")) {
    open.open = false;
    open.querySelector("summary").focus();
  }
});

let waiting;
document.addEventListener("input", (event) => {
  const form = event.target.closest("form[data-live]");
  if (!form) return;
  clearTimeout(waiting);
  waiting = setTimeout(() => submit(form), event.target.tagName === "SELECT" ? 0 : 250);
});

// <part id="..." data-again="2">: what is being worked out; asked for again after so many seconds, until it is there.
function again(part) {
  for (const late of [part, ...part.querySelectorAll("[data-again]")]) {
    const wait = () => setTimeout(ask, 1000 * late.dataset.again);
    const ask = () => {
      if (!late.isConnected) return;
      // what is on its way was chosen just now; the address still says what was shown before
      if (late.hasAttribute("aria-busy")) wait(); else swap(`#${late.id}`, location.href, {}, false);
    };
    if (late.dataset.again) wait();
  }
}
document.addEventListener("swapped", (event) => again(event.target));
again(root);

const shown = document.querySelector(".toast")?.textContent.trim();
if (shown) say(shown);
