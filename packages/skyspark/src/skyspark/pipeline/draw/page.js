"use strict";

// Everything from the pipeline's file gets into the page as text, never as HTML.
(() => {
  const data = JSON.parse(document.getElementById("lineage").textContent);
  const drawing = document.getElementById("drawing");
  const details = document.getElementById("details");
  const search = document.getElementById("search");
  const found = document.getElementById("found");

  const nodes = new Map(data.nodes.map((node) => [node.id, node]));
  const boxes = new Map([...document.querySelectorAll(".node")].map((box) => [box.id, box]));
  const lines = [...document.querySelectorAll(".edge")];
  const above = new Map(data.nodes.map((node) => [node.id, []]));
  const below = new Map(data.nodes.map((node) => [node.id, []]));
  for (const [start, end] of data.edges) {
    above.get(end).push(start);
    below.get(start).push(end);
  }

  function reachable(start, next) {
    const reached = new Set();
    const waiting = [start];
    while (waiting.length) {
      for (const other of next.get(waiting.pop())) {
        if (!reached.has(other)) {
          reached.add(other);
          waiting.push(other);
        }
      }
    }
    return reached;
  }

  // --- the view: what part of the drawing is seen, and how large --------------------------------------------

  const [left, top, width, height] = drawing.getAttribute("viewBox").split(" ").map(Number);
  const view = { x: left, y: top, scale: 1 };
  const LARGEST = 2.5;
  // Below this, names cannot be read: the rest is a matter of panning.
  const READABLE = 0.55;

  const fitting = () => Math.min(drawing.clientWidth / width, drawing.clientHeight / height);

  function show() {
    const w = drawing.clientWidth / view.scale;
    const h = drawing.clientHeight / view.scale;
    drawing.setAttribute("viewBox", `${view.x} ${view.y} ${w} ${h}`);
  }

  function fit(least) {
    if (!drawing.clientWidth || !drawing.clientHeight) return;
    view.scale = Math.max(Math.min(fitting(), 1.25), least);
    const w = drawing.clientWidth / view.scale;
    const h = drawing.clientHeight / view.scale;
    view.x = w > width ? left - (w - width) / 2 : left;
    view.y = h > height ? top - (h - height) / 2 : top;
    show();
  }

  function zoom(factor, clientX, clientY) {
    const scale = Math.min(Math.max(view.scale * factor, Math.min(fitting(), READABLE) / 2), LARGEST);
    const frame = drawing.getBoundingClientRect();
    const x = clientX === undefined ? frame.width / 2 : clientX - frame.left;
    const y = clientY === undefined ? frame.height / 2 : clientY - frame.top;
    view.x += x / view.scale - x / scale;
    view.y += y / view.scale - y / scale;
    view.scale = scale;
    show();
  }

  function reveal(id) {
    const node = nodes.get(id);
    const covered = details.hidden || drawing.clientWidth < 700 ? 0 : details.offsetWidth + 12;
    const w = (drawing.clientWidth - covered) / view.scale;
    const h = drawing.clientHeight / view.scale;
    const edge = 24 / view.scale;
    if (node.x < view.x + edge) view.x = node.x - edge;
    if (node.x + node.width > view.x + w - edge) view.x = node.x + node.width - w + edge;
    if (node.y < view.y + edge) view.y = node.y - edge;
    if (node.y + node.height > view.y + h - edge) view.y = node.y + node.height - h + edge;
    show();
  }

  const pointers = new Map();
  let travelled = 0;

  drawing.addEventListener("wheel", (event) => {
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 16 : 1;
    zoom(Math.exp(-event.deltaY * lines * 0.0016), event.clientX, event.clientY);
  }, { passive: false });

  drawing.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    if (!pointers.size) travelled = 0;
    pointers.set(event.pointerId, event);
  });

  drawing.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const dx = event.clientX - before.clientX;
    const dy = event.clientY - before.clientY;
    travelled += Math.abs(dx) + Math.abs(dy);
    if (travelled > 4 && !drawing.classList.contains("moving")) {
      drawing.classList.add("moving");
      // Captured only now: a captured click would not reach the box.
      for (const id of pointers.keys()) drawing.setPointerCapture(id);
    }
    const other = [...pointers.values()].find((pointer) => pointer.pointerId !== event.pointerId);
    pointers.set(event.pointerId, event);
    if (other) {
      const apart = (pointer) => Math.hypot(pointer.clientX - other.clientX, pointer.clientY - other.clientY);
      zoom(apart(event) / Math.max(apart(before), 1), other.clientX, other.clientY);
    } else {
      view.x -= dx / view.scale;
      view.y -= dy / view.scale;
      show();
    }
  });

  for (const end of ["pointerup", "pointercancel"]) {
    window.addEventListener(end, (event) => {
      pointers.delete(event.pointerId);
      if (!pointers.size) drawing.classList.remove("moving");
    });
  }

  document.getElementById("zoom").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) command(button.dataset.zoom);
  });

  function command(name) {
    if (name === "in") zoom(1.3);
    if (name === "out") zoom(1 / 1.3);
    if (name === "fit") fit(0);
  }

  // --- the chosen table -------------------------------------------------------------------------------------

  let chosen = null;

  function choose(id) {
    chosen = id;
    const up = id ? reachable(id, above) : new Set();
    const down = id ? reachable(id, below) : new Set();
    drawing.classList.toggle("chosen", Boolean(id));
    for (const [other, box] of boxes) {
      box.classList.toggle("is-above", up.has(other));
      box.classList.toggle("is-below", down.has(other));
      box.classList.toggle("is-chosen", other === id);
      box.setAttribute("aria-pressed", String(other === id));
    }
    data.edges.forEach(([start, end], i) => {
      lines[i].classList.toggle("is-above", up.has(start) && (up.has(end) || end === id));
      lines[i].classList.toggle("is-below", down.has(end) && (down.has(start) || start === id));
    });
    details.hidden = !id;
    if (id) {
      describe(nodes.get(id), up.size, down.size);
      makeTabStop(id);
      reveal(id);
    }
    const hash = id ? `#${encodeURIComponent(nodes.get(id).name)}` : "";
    try {
      history.replaceState(null, "", location.pathname + location.search + hash);
    } catch {
      // Some browsers forbid it for local files.
    }
  }

  drawing.addEventListener("click", (event) => {
    if (travelled > 4) return;
    const box = event.target.closest(".node");
    choose(box && box.id !== chosen ? box.id : null);
  });

  // --- keys: one tab stop for the whole drawing, arrows within ----------------------------------------------

  function makeTabStop(id) {
    for (const [other, box] of boxes) box.setAttribute("tabindex", other === id ? "0" : "-1");
  }

  function focus(id) {
    makeTabStop(id);
    reveal(id);
    boxes.get(id).focus({ preventScroll: true });
  }

  function neighbour(id, key) {
    const node = nodes.get(id);
    const nearest = (ids) => ids.map((other) => nodes.get(other))
      .sort((a, b) => Math.abs(a.y - node.y) - Math.abs(b.y - node.y))[0];
    if (key === "ArrowLeft") return nearest(above.get(id));
    if (key === "ArrowRight") return nearest(below.get(id));
    const column = data.nodes.filter((other) => other.x === node.x).sort((a, b) => a.y - b.y);
    return column[column.indexOf(node) + (key === "ArrowUp" ? -1 : 1)];
  }

  drawing.addEventListener("keydown", (event) => {
    const box = event.target.closest(".node");
    if (!box || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      choose(box.id === chosen ? null : box.id);
    } else if (event.key.startsWith("Arrow")) {
      event.preventDefault();
      const next = neighbour(box.id, event.key);
      if (next) {
        if (chosen) choose(next.id);
        focus(next.id);
      }
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      const last = chosen;
      if (search.value) lookFor("");
      choose(null);
      if (last && document.activeElement !== search) focus(last);
    }
    if (event.target === search) return;
    if (event.key === "/") {
      event.preventDefault();
      search.focus();
      search.select();
    }
    const name = { "+": "in", "=": "in", "-": "out", 0: "fit" }[event.key];
    if (name) command(name);
  });

  // --- search -----------------------------------------------------------------------------------------------

  let matches = [];

  function meets(node, word) {
    const table = node.table;
    const [, method, value] = /^(?:(tag|layer):)?(.*)$/.exec(word);
    if (method === "tag") return Boolean(table) && table.tags.some((tag) => tag.toLowerCase() === value);
    if (method === "layer") return node.style === value;
    const texts = [node.name, node.note];
    if (table) texts.push(table.table, table.description, ...table.tags);
    return texts.some((text) => text && text.toLowerCase().includes(value));
  }

  function lookFor(text) {
    if (search.value !== text) search.value = text;
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    matches = words.length ? data.nodes.filter((node) => words.every((word) => meets(node, word))) : [];
    const ids = new Set(matches.map((node) => node.id));
    drawing.classList.toggle("searching", words.length > 0);
    for (const [id, box] of boxes) box.classList.toggle("is-found", ids.has(id));
    found.textContent = words.length ? `${matches.length} of ${data.nodes.length}` : "";
    for (const button of document.querySelectorAll("#legend button")) {
      button.setAttribute("aria-pressed", String(words.includes(`layer:${button.className}`)));
    }
  }

  search.addEventListener("input", () => lookFor(search.value));
  search.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !matches.length) return;
    const next = matches[(matches.findIndex((node) => node.id === chosen) + 1) % matches.length];
    choose(next.id);
  });
  document.getElementById("legend").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    const word = `layer:${button.className}`;
    lookFor(search.value === word ? "" : word);
  });

  // --- details ----------------------------------------------------------------------------------------------

  function make(tag, attributes, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name === "onclick") element.addEventListener("click", value);
      else element.setAttribute(name, value);
    }
    element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
    return element;
  }

  function facts(pairs) {
    const list = make("dl", {});
    for (const [name, value] of pairs) {
      const empty = value === null || value === undefined || value === "" || value === false;
      if (empty || (Array.isArray(value) && !value.length)) continue;
      list.append(make("dt", {}, name), make("dd", {}, value instanceof Node ? value : readable(value)));
    }
    return list;
  }

  function readable(value) {
    if (Array.isArray(value)) return value.map(readable).join(", ");
    if (value === true) return "yes";
    if (typeof value !== "object") return String(value);
    return Object.entries(value).map(([name, inner]) => `${name}: ${readable(inner)}`).join(", ");
  }

  const readableName = (key) => key.replaceAll("_", " ");

  function links(title, ids) {
    if (!ids.length) return [];
    const buttons = ids.map((id) => make(
      "button", { type: "button", onclick: () => { choose(id); focus(id); } }, nodes.get(id).name,
    ));
    return [make("h3", {}, title), make("div", { class: "links" }, ...buttons)];
  }

  const SQL = new RegExp([
    "(?<note>--[^\\n]*|/\\*[\\s\\S]*?\\*/)",
    "(?<text>'(?:[^'\\\\]|\\\\.|'')*')",
    "(?<word>\\b(?:select|distinct|from|where|group|order|by|having|join|left|right|inner|outer|full|cross|"
      + "semi|anti|on|using|as|and|or|not|in|is|null|case|when|then|else|end|with|union|all|between|like|"
      + "over|partition|cast|interval|exists|lateral|view|qualify|true|false|limit|stream)\\b)",
  ].join("|"), "gi");

  function sql(query) {
    const block = make("pre", { tabindex: "0" });
    let position = 0;
    for (const match of query.matchAll(SQL)) {
      const kind = Object.keys(match.groups).find((name) => match.groups[name] !== undefined);
      block.append(query.slice(position, match.index), make("span", { class: `sql-${kind}` }, match[0]));
      position = match.index + match[0].length;
    }
    block.append(query.slice(position));
    return block;
  }

  function transformation(made) {
    const { type, query, ...others } = made;
    const title = make("h3", {}, `Transformation · ${type}`);
    const parts = Object.entries(others).filter(([name]) => type === "sql" || type === "python" || name === "how");
    const list = facts(parts.map(([name, value]) => [readableName(name), value]));
    return [title, ...(list.childElementCount ? [list] : []), ...(query ? [sql(query)] : [])];
  }

  function rules(expectations) {
    if (!expectations.length) return [];
    const items = expectations.map((rule) => {
      const { name, type, action, condition, expression, ...others } = rule;
      const content = condition ?? readable(others);
      const rest = content === name ? null : make("div", {}, make("code", {}, content));
      return make("li", { class: "rule" }, make("span", { class: `action ${action}` }, action), make("strong", {}, name), rest);
    });
    return [make("h3", {}, "Expectations"), make("ul", {}, ...items)];
  }

  function source(described) {
    const pairs = Object.entries(described).map(([name, value]) => [readableName(name), value]);
    return [make("h3", {}, "Source"), facts(pairs.filter(([, value]) => readable(value) !== ""))];
  }

  function describe(node, up, down) {
    const table = node.table;
    const kinds = { source: "source", outside: "not in this selection" };
    const kind = kinds[node.kind] ?? `${table.layer ?? "table"} · stage ${table.stage}`;
    const content = [
      make("button", { class: "close", type: "button", "aria-label": "Close", onclick: () => { choose(null); focus(node.id); } }, "×"),
      make("div", { class: "kind" }, kind),
      make("h2", {}, node.name),
    ];
    if (table?.description) content.push(make("p", {}, table.description));
    content.push(make(
      "p", {},
      make("span", { class: "above" }, `← ${up} upstream`), " · ",
      make("span", { class: "below" }, `${down} downstream →`),
    ));
    if (table) {
      const tags = table.tags.map((tag) => make(
        "button", { class: "tag", type: "button", onclick: () => lookFor(`tag:${tag.toLowerCase()}`) }, tag,
      ));
      const written = Object.entries(table.target).map(([name, value]) => [readableName(name), value]);
      content.push(facts([
        ["table", table.temporary ? "temporary: a view that is not written" : table.table],
        ["mode", table.mode],
        ["written by", table.write_mode && readableName(table.write_mode)],
        ["streams", table.streams],
        ["tags", tags.length ? make("span", { class: "links" }, ...tags) : null],
        ["quarantine", table.quarantine],
        ["in the plan", table.why === "upstream" ? "because others read it" : "selected"],
        ...written.filter(([name]) => !["catalog", "schema", "table"].includes(name)),
      ]));
      if (table.source) content.push(...source(table.source));
      if (table.transformation) content.push(...transformation(table.transformation));
      content.push(...rules(table.expectations));
    } else if (node.kind === "source") {
      content.push(facts([["kind", node.note]]));
    }
    content.push(...links("Reads", above.get(node.id)), ...links("Read by", below.get(node.id)));
    details.className = node.style;
    details.replaceChildren(...content);
    details.scrollTop = 0;
  }

  // --- theme ------------------------------------------------------------------------------------------------

  const themes = ["auto", "light", "dark"];
  const button = document.getElementById("theme");
  const stored = (name) => {
    try {
      if (name) localStorage.setItem("skyspark-theme", name);
      return localStorage.getItem("skyspark-theme");
    } catch {
      return name;
    }
  };

  function use(theme) {
    document.documentElement.dataset.theme = theme;
    button.textContent = theme[0].toUpperCase() + theme.slice(1);
  }

  use(themes.includes(stored()) ? stored() : "auto");
  button.addEventListener("click", () => {
    const next = themes[(themes.indexOf(document.documentElement.dataset.theme) + 1) % themes.length];
    stored(next);
    use(next);
  });

  // --- at the start -----------------------------------------------------------------------------------------

  function chooseFromAddress() {
    let name = "";
    try {
      name = decodeURIComponent(location.hash.slice(1));
    } catch {
      // A broken address chooses nothing.
    }
    const node = data.nodes.find((other) => other.name === name && other.kind !== "source");
    if (node) choose(node.id);
  }

  fit(READABLE);
  if (data.nodes.length) makeTabStop(data.nodes[0].id);
  chooseFromAddress();
  window.addEventListener("hashchange", chooseFromAddress);
  new ResizeObserver(show).observe(drawing);
})();
