// The rubric's editor: jump to a mistake's line, say where the cursor is.
"use strict";

const text = document.getElementById("text");
const place = document.getElementById("where");

function jump(line) {
  const lines = text.value.split("\n");
  const from = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
  text.focus();
  text.setSelectionRange(from, from + (lines[line - 1] ?? "").length);
  text.scrollTop = (line - 4) * parseFloat(getComputedStyle(text).lineHeight);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-line]");
  if (button) jump(Number(button.dataset.line));
});

for (const kind of ["keyup", "click"]) text.addEventListener(kind, () => {
  const line = text.value.slice(0, text.selectionStart).split("\n").length;
  place.textContent = `line ${line} of ${text.value.split("\n").length}`;
});
