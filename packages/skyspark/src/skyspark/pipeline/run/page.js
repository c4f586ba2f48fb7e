"use strict";
// The page is complete without this: it adds hints, the light on related tables, search and sorting.
const all = (selector, from = document) => [...from.querySelectorAll(selector)];

for (const time of all("time")) time.title = new Date(time.dateTime).toLocaleString();

const tip = document.createElement("div");
tip.id = "tip";
tip.hidden = true;
document.body.append(tip);
const chart = document.querySelector(".chart");
const bars = new Map(all(".bar").map((bar) => [bar.dataset.table, bar]));
const reads = (bar) => bar.dataset.reads.split(" ").filter((table) => bars.has(table));
const readers = new Map();
for (const bar of bars.values()) {
  for (const table of reads(bar)) readers.set(table, [...(readers.get(table) ?? []), bar.dataset.table]);
}

function reach(start, next) {
  const found = new Set([start]);
  const waiting = [start];
  while (waiting.length) {
    for (const other of next(waiting.pop())) if (!found.has(other)) { found.add(other); waiting.push(other); }
  }
  return found;
}

function related(table) {
  const above = reach(table, (other) => reads(bars.get(other)));
  const below = reach(table, (other) => readers.get(other) ?? []);
  return new Set([...above, ...below]);
}

function show(bar) {
  const lit = related(bar.dataset.table);
  for (const [table, other] of bars) other.classList.toggle("lit", lit.has(table));
  chart.classList.toggle("lit", lit.size > 1);
  tip.textContent = bar.dataset.tip;
  tip.hidden = false;
  const at = bar.getBoundingClientRect();
  const left = Math.min(at.left, innerWidth - tip.offsetWidth - 12);
  const above = at.top - tip.offsetHeight - 8;
  tip.style.left = `${Math.max(12, left)}px`;
  tip.style.top = `${above > 8 ? above : at.bottom + 8}px`;
}

function hide() {
  tip.hidden = true;
  chart.classList.remove("lit");
}

for (const bar of bars.values()) {
  bar.dataset.tip = bar.title;
  bar.setAttribute("aria-label", bar.title);
  bar.removeAttribute("title");
  for (const event of ["mouseenter", "focus"]) bar.addEventListener(event, () => show(bar));
  for (const event of ["mouseleave", "blur"]) bar.addEventListener(event, hide);
}

const tools = document.querySelector(".tools");
if (tools) {
  const search = tools.querySelector("input");
  const buttons = all("button", tools);
  const rows = all("#tables tbody tr");
  const filter = () => {
    const text = search.value.trim().toLowerCase();
    const wanted = buttons.filter((b) => b.getAttribute("aria-pressed") === "true").map((b) => b.dataset.status);
    for (const row of rows) {
      const fits = !wanted.length || wanted.includes(row.dataset.status);
      row.hidden = !(fits && row.dataset.search.toLowerCase().includes(text));
    }
  };
  tools.hidden = false;
  search.addEventListener("input", filter);
  for (const button of buttons) {
    button.addEventListener("click", () => {
      button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
      filter();
    });
  }
}

for (const head of all("th[data-sort]")) {
  const button = document.createElement("button");
  button.textContent = head.textContent;
  head.replaceChildren(button);
  button.addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of all("th", head.parentElement)) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const body = head.closest("table").tBodies[0];
    const value = (row) => row.cells[head.cellIndex].dataset.value ?? row.cells[head.cellIndex].textContent;
    const compare = head.dataset.sort === "number"
      ? (a, b) => Number(value(a)) - Number(value(b))
      : (a, b) => value(a).localeCompare(value(b));
    const sorted = [...body.rows].sort(compare);
    body.append(...(down ? sorted.reverse() : sorted));
  });
}
