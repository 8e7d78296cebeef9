// Scoring blind: "cite" on a turn writes its number into the criterion that was last touched.
"use strict";

let active = document.querySelector("[data-turns]");

document.addEventListener("focusin", (event) => {
  const card = event.target.closest("fieldset.card");
  if (!card) return;
  document.querySelector("fieldset.card.active")?.classList.remove("active");
  card.classList.add("active");
  active = card.querySelector("[data-turns]");
});

for (const button of document.querySelectorAll("[data-cite]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    if (!active) return;
    const turns = new Set(active.value.split(/[\s,;#]+/).filter(Boolean));
    if (!turns.delete(button.dataset.cite)) turns.add(button.dataset.cite);
    active.value = [...turns].sort((a, b) => a - b).join(", ");
    const title = active.closest("fieldset").querySelector("legend").textContent;
    const toast = document.querySelector(".toast");
    if (toast) { toast.textContent = `${title}: ${active.value || "no turns"}`; setTimeout(() => { toast.textContent = ""; }, 2500); }
  });
}
