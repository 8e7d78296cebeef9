// A call: sound in step with the words, seeking by word, turn, lane and key, a criterion's evidence shown.
"use strict";

(() => {
  const player = document.querySelector("#player");
  if (!player) return;
  const audio = player.querySelector("audio");
  const deck = player.querySelector(".deck");
  const bar = () => (getComputedStyle(player).position === "sticky" && getComputedStyle(player).display !== "contents" ? player : deck?.querySelector(".controls"));
  const turns = [...document.querySelectorAll("[data-turns] > .turn")];
  const starts = turns.map((turn) => Number(turn.dataset.t));
  const length = Number(player.dataset.duration);
  const heads = player.querySelectorAll(".head");
  const part = (name) => document.querySelector(`[data-${name}]`);
  const editing = (node) => node.closest("input:not([type=checkbox]), select, textarea, [contenteditable]");
  const status = part("sound");
  let chosen = null; // the turn that is current while nothing plays
  let marked = ""; // the criterion whose evidence is shown

  const here = () => (audio && (audio.currentTime || !chosen) ? audio.currentTime : chosen ? Number(chosen.dataset.t) : 0);
  const clock = (s) => {
    const whole = Math.floor(s), hours = Math.floor(whole / 3600), two = (n) => String(n).padStart(2, "0");
    return `${hours ? `${hours}:${two(Math.floor(whole / 60) % 60)}` : Math.floor(whole / 60)}:${two(whole % 60)}`;
  };

  // --- words: where each stands in the text, and when it was said

  const known = new WeakMap();
  function wordsOf(line) {
    if (!known.has(line)) {
      const turn = line.closest(".turn");
      let at = Number(turn.dataset.t);
      const steps = line.dataset.w ? line.dataset.w.split(" ").map(Number) : [];
      const places = [...line.textContent.matchAll(/\S+/g)].map((found) => [found.index, found.index + found[0].length]);
      const times = steps.map((step) => (at += step / 100));
      known.set(line, { places, times: times.length === places.length ? times : [] });
    }
    return known.get(line);
  }

  function offsetAt(line, x, y) {
    const spot = document.caretPositionFromPoint?.(x, y);
    const range = spot ? null : document.caretRangeFromPoint?.(x, y);
    const node = spot ? spot.offsetNode : range?.startContainer;
    if (!node || !line.contains(node) || node.nodeType !== Node.TEXT_NODE) return -1;
    let count = spot ? spot.offset : range.startOffset;
    const walk = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
    for (let text = walk.nextNode(); text && text !== node; text = walk.nextNode()) count += text.length;
    return count;
  }

  function rangeOf(line, start, end) {
    const range = document.createRange();
    const walk = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
    let count = 0, open = false;
    for (let text = walk.nextNode(); text; count += text.length, text = walk.nextNode()) {
      if (!open && start < count + text.length) { range.setStart(text, start - count); open = true; }
      if (open && end <= count + text.length) { range.setEnd(text, end - count); return range; }
    }
    return null;
  }

  function timeOfClick(line, event) {
    const { places, times } = wordsOf(line);
    const offset = offsetAt(line, event.clientX, event.clientY);
    const word = offset < 0 ? -1 : places.findLastIndex(([start]) => start <= offset);
    if (word >= 0 && times.length) return times[word];
    // a turn without word times: as if its words shared its seconds by their length
    const turn = line.closest(".turn"), t0 = Number(turn.dataset.t);
    return word < 0 ? t0 : t0 + ((Number(turn.dataset.e) - t0) * places[word][0]) / line.textContent.length;
  }

  let lit = {};
  function lightWord(turn, t) {
    if (!window.Highlight || !CSS.highlights) return;
    const line = turn?.querySelector(".words");
    const { places, times } = line ? wordsOf(line) : { places: [], times: [] };
    const word = times.findLastIndex((start) => start <= t + 0.02);
    if (lit.line === line && lit.word === word) return;
    lit = { line, word };
    const range = word >= 0 ? rangeOf(line, ...places[word]) : null;
    if (range) CSS.highlights.set("spoken", new Highlight(range)); else CSS.highlights.delete("spoken");
  }

  // --- where we are

  function show(t, moved) {
    for (const head of heads) {
      const x = length ? Math.min(1000, (t / length) * 1000) : -2;
      head.setAttribute("x1", x); head.setAttribute("x2", x);
    }
    const now = part("now");
    if (now && now.textContent !== clock(t)) now.textContent = clock(t);
    const index = starts.findLastIndex((start) => start <= t + 0.05);
    const turn = turns[Math.max(0, index)];
    const before = document.querySelector(".turn.now");
    if (turn !== before) {
      before?.classList.remove("now"); before?.removeAttribute("aria-current");
      turn?.classList.add("now"); turn?.setAttribute("aria-current", "true");
      chosen = turn;
      if (turn && (moved || (audio && !audio.paused && part("follow")?.checked))) reveal(turn);
    }
    if (audio && length) lightWord(turn, t);
  }

  function reveal(node) {
    const box = node.getBoundingClientRect();
    const top = Math.max(0, bar()?.getBoundingClientRect().bottom || 0);
    if (box.top < top + 8 || box.bottom > innerHeight - 24) node.scrollIntoView({ block: "center" });
  }

  function go(t, { play = false, reveals = true } = {}) {
    const to = Math.max(0, Math.min(t, length || t));
    if (audio) {
      audio.currentTime = to;
      if (play) start();
    }
    show(to, reveals);
  }

  function start() {
    audio.play().catch((error) => { if (error.name !== "AbortError") status.textContent = "The sound cannot be played."; });
  }

  if (audio) {
    audio.removeAttribute("controls");
    deck.hidden = false;
    const button = part("play");
    const toggle = () => { if (audio.paused) start(); else audio.pause(); };
    button.addEventListener("click", toggle);
    part("back").addEventListener("click", () => go(audio.currentTime - 5));
    part("forward").addEventListener("click", () => go(audio.currentTime + 5));
    part("speed").addEventListener("change", (event) => { audio.playbackRate = Number(event.target.value); });
    for (const name of ["play", "pause"]) audio.addEventListener(name, () => { button.textContent = audio.paused ? "Play" : "Pause"; });
    const preparing = "Preparing the sound …";
    // some browsers say that they wait after they have given up, and some never that they go on
    audio.addEventListener("waiting", () => { if (audio.networkState !== HTMLMediaElement.NETWORK_NO_SOURCE) status.textContent = preparing; });
    audio.addEventListener("timeupdate", () => { if (!audio.paused && !audio.seeking && status.textContent === preparing) status.textContent = ""; });
    for (const name of ["playing", "pause", "canplay"]) audio.addEventListener(name, () => { status.textContent = ""; });
    audio.querySelector("source:last-of-type").addEventListener("error", () => {
      status.textContent = "This browser cannot play the sound, or the recording has gone.";
    });
    audio.addEventListener("timeupdate", () => show(audio.currentTime, false));
    let ticking = false;
    const step = () => { show(audio.currentTime, false); ticking = !audio.paused; if (ticking) requestAnimationFrame(step); };
    audio.addEventListener("playing", () => { if (!ticking) { ticking = true; requestAnimationFrame(step); } });
  }

  // --- a criterion's evidence

  function choose(number, moves) {
    marked = marked === number && !moves ? "" : number;
    for (const node of document.querySelectorAll("mark[data-k], .lane-moments [data-k], .crit")) {
      node.classList.toggle("on", Boolean(marked) && node.dataset.k.split(" ").includes(marked));
    }
    const card = document.querySelector(`.crit[data-k="${number}"]`);
    if (moves && card) { card.focus({ preventScroll: true }); reveal(card); }
  }

  document.addEventListener("click", (event) => {
    const target = event.target;
    const timed = target.closest("a[data-t], button[data-t]");
    if (timed && !event.metaKey && !event.ctrlKey && !event.shiftKey) {
      event.preventDefault();
      const card = timed.closest(".crit");
      if (card) choose(card.dataset.k, true);
      go(Number(timed.dataset.t), { play: Boolean(audio) });
      if (timed.matches("a") && timed.hash.startsWith("#t-")) { const turn = document.querySelector(timed.hash); if (turn) reveal(turn); }
      return;
    }
    const lane = target.closest("[data-seek]");
    if (lane && length) {
      const box = lane.getBoundingClientRect();
      go(((event.clientX - box.left) / box.width) * length, { play: Boolean(audio && !audio.paused) });
      return;
    }
    const line = target.closest(".words");
    if (line && getSelection().isCollapsed) go(timeOfClick(line, event), { play: Boolean(audio), reveals: false });
  });

  function toHash() {
    const at = /^#at=([\d.]+)$/.exec(location.hash);
    const card = document.querySelector(location.hash.startsWith("#c-") ? CSS.escape(location.hash).replace("\\#", "#") : "#none");
    if (at) go(Number(at[1]));
    else if (card?.dataset.k) choose(card.dataset.k, true);
    else if (location.hash.startsWith("#t-")) go(Number(document.querySelector(location.hash)?.dataset.t || 0));
  }
  addEventListener("hashchange", toHash);
  if (location.hash) toHash();

  // --- keys; who uses speech input or a screen reader's own can switch them off

  const help = document.querySelector("dialog.help");
  const opener = part("help");
  const allowed = part("keys");
  if (opener) { opener.hidden = false; opener.addEventListener("click", () => help.showModal()); }
  if (allowed) {
    try { allowed.checked = localStorage.getItem("debrief-keys") !== "off"; } catch { /* storage is shut off */ }
    allowed.addEventListener("change", () => {
      try { localStorage.setItem("debrief-keys", allowed.checked ? "on" : "off"); } catch { /* storage is shut off */ }
    });
  }
  const clip = (name) => {
    const field = part(`clip-${name}`);
    if (!field) return;
    field.closest("details").open = true;
    field.value = clock(name === "to" ? Math.ceil(here()) : here());
    say(`Clip ${name} ${field.value}`);
    if (name === "to") field.form.querySelector("button").focus();
  };
  const turnBy = (step) => {
    const index = turns.indexOf(document.querySelector(".turn.now")) + step;
    const turn = turns[Math.max(0, Math.min(turns.length - 1, index))];
    if (turn && length) go(Number(turn.dataset.t)); else if (turn) reveal(turn);
  };
  const keys = {
    " ": audio && (() => { if (audio.paused) start(); else audio.pause(); }),
    ArrowLeft: audio && (() => go(audio.currentTime - 5)),
    ArrowRight: audio && (() => go(audio.currentTime + 5)),
    ArrowUp: () => turnBy(-1),
    ArrowDown: () => turnBy(1),
    "[": () => clip("from"),
    "]": () => clip("to"),
    c: () => { const text = document.querySelector("#comment-text"); part("comment-at").value = length ? clock(here()) : ""; text.focus(); },
    "?": () => help.showModal(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !allowed?.checked || editing(event.target) || help.open) return;
    if (event.key === " " && event.target.closest("button, summary, label, input")) return;
    const act = /^[1-9]$/.test(event.key) ? () => choose(event.key, true) : keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  document.querySelector(".share")?.addEventListener("toggle", (event) => {
    const turn = document.querySelector(".turn.now") || turns[0];
    if (!event.target.open || !turn || part("clip-from").value) return;
    part("clip-from").value = clock(Number(turn.dataset.t));
    part("clip-to").value = clock(Math.ceil(Number(turn.dataset.e)));
  });
  document.querySelector("#comment-text")?.addEventListener("focus", () => {
    const at = part("comment-at");
    if (!at.value && length && here()) at.value = clock(here());
  });

  // --- the sticky player's height, and a call that is being judged again

  const measure = () => document.documentElement.style.setProperty("--player", `${bar()?.offsetHeight || 0}px`);
  const watcher = new ResizeObserver(measure);
  for (const node of [player, deck, document.documentElement]) if (node) watcher.observe(node);
  const judging = document.querySelector("[data-judging]");
  // what somebody is writing is not taken away from them
  const writing = () => [...document.querySelectorAll("main textarea, main input:not([type=hidden], [type=checkbox])")]
    .some((field) => field.value !== field.defaultValue);
  let over = false;
  async function ask() {
    try {
      // asked no more once it is over: a text may stand unsent for hours, and each time somebody asks is in the log
      const answer = over ? null : await fetch(judging.dataset.judging, { credentials: "same-origin" });
      over = over || !answer.ok || !["waiting", "running"].includes((await answer.json()).state);
    } catch { /* asked again below */ }
    if (over) {
      if (!writing()) { location.reload(); return; }
      judging.textContent = "Judging is over. The page shows it when what you are writing is sent, or when it is loaded again.";
    }
    setTimeout(ask, 1500);
  }
  if (judging) setTimeout(ask, 1000);
})();
