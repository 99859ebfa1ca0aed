"use strict";

// Texts of the log reach the page as textContent only: whatever they hold, they are shown and never run.
const { packet, items } = JSON.parse(document.getElementById("packet").textContent);
const KEYS = { 1: "1", 2: "2", 3: "tie", 0: "skip" };
const MOVES = { ArrowLeft: -1, ArrowRight: 1 };
const memory = `llmcost-label-${packet}`;
const at = (id) => document.getElementById(id);
const buttons = [...document.querySelectorAll("[data-verdict]")];
const verdicts = new Map(remembered().filter(([id]) => items.some((item) => item.id === id)));
let current = 0;

function remembered() {
  try {
    return Object.entries(JSON.parse(localStorage.getItem(memory)) || {});
  } catch {
    return []; // a browser that keeps nothing: the page works, until it is closed
  }
}

function remember() {
  try {
    localStorage.setItem(memory, JSON.stringify(Object.fromEntries(verdicts)));
  } catch {
    at("state").textContent = "This browser keeps nothing: download labels.csv before you close the page.";
  }
}

function firstOpen() {
  const open = items.findIndex((item) => !verdicts.has(item.id));
  return open < 0 ? 0 : open;
}

function show(index) {
  current = Math.min(Math.max(index, 0), items.length - 1);
  const item = items[current];
  at("place").textContent = `Pair ${current + 1} of ${items.length}`;
  for (const part of ["question", "first", "second"]) at(part).textContent = item[part];
  at("question").scrollTop = 0;
  at("back").disabled = current === 0;
  at("on").disabled = current === items.length - 1;
  tell();
}

function tell() {
  const said = verdicts.get(items[current].id);
  for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.verdict === said));
  for (const side of ["1", "2"]) at(`side-${side}`).classList.toggle("chosen", said === side);
  at("progress").max = items.length;
  at("progress").value = verdicts.size;
  at("count").textContent = `${verdicts.size} of ${items.length} done`;
  const left = items.length - verdicts.size;
  at("state").textContent = left
    ? `${left} of ${items.length} still open. A part is useful, too.`
    : `All ${items.length} done. Download the file and send it back.`;
}

function move(index) {
  show(index);
  at("place").focus({ preventScroll: true });
  at("place").scrollIntoView();
}

function choose(verdict) {
  verdicts.set(items[current].id, verdict);
  remember();
  at("how").open = false; // read by now
  if (current < items.length - 1) return move(current + 1);
  tell();
  const open = firstOpen();
  if (!verdicts.has(items[open].id)) return move(open);
  at("download").focus();
}

function fileName() {
  const who = at("who").value.trim().replace(/[^\p{L}\p{N}]+/gu, "-");
  return who ? `labels-${who}.csv` : "labels.csv";
}

function download(event) {
  event.preventDefault();
  const rows = items.map((item) => `${item.id},${verdicts.get(item.id) ?? ""}`);
  const file = new Blob([["item,verdict", ...rows, ""].join("\r\n")], { type: "text/csv" });
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(file), download: fileName() });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

document.addEventListener("keydown", (event) => {
  if (event.target.matches("input") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.repeat) return; // a key held down would label page after page
  if (event.key in KEYS) choose(KEYS[event.key]);
  else if (event.key in MOVES) move(current + MOVES[event.key]);
  else return;
  event.preventDefault();
});
for (const button of buttons) button.addEventListener("click", () => choose(button.dataset.verdict));
at("back").addEventListener("click", () => move(current - 1));
at("on").addEventListener("click", () => move(current + 1));
at("give").addEventListener("submit", download);
at("how").open = verdicts.size === 0;
show(firstOpen());
