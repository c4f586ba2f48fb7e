"use strict";

// The address that the service gives its runs, …/?o=1#job/2/run/3, names the run behind the '#': servers do not see it.
const named = /^#job\/(\d+)(?:\/run\/(\d+))?\/?$/.exec(location.hash);
const target = named && (named[2] ? `/runs/${named[2]}` : `/jobs/${named[1]}`);

const form = document.querySelector("form[action='/login']");
if (document.body.hasAttribute("data-again")) {
  // A strict cookie is not sent when another site led here: ask once more from our own page.
  location.replace(target || location.pathname + location.search + location.hash);
} else if (form) {
  if (target) form.elements.to.value = target;
} else if (target && location.pathname === "/") {
  location.replace(target);
}

const news = document.getElementById("news");
const lost = document.getElementById("lost");
const every = Number(document.body.dataset.every);

// A button that was refused leaves its own address behind, which cannot be asked for again.
const own = document.body.dataset.self;
if (own && own !== location.pathname) history.replaceState(null, "", own);

function localise(root) {
  for (const time of root.querySelectorAll("time")) {
    time.title = time.textContent;
    time.textContent = new Date(time.dateTime).toLocaleString([], {
      year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit",
    });
  }
}

// Changes what differs and leaves the rest, so that focus, selection and opened parts stay.
function update(old, fresh) {
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName || old.id !== fresh.id) {
    old.replaceWith(fresh.cloneNode(true));
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
    return;
  }
  for (const { name, value } of fresh.attributes) {
    if (name !== "open" && name !== "selected" && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const { name } of [...old.attributes]) {
    if (name !== "open" && name !== "selected" && !fresh.hasAttribute(name)) old.removeAttribute(name);
  }
  const [have, want] = [[...old.childNodes], [...fresh.childNodes]];
  want.forEach((node, at) => (at < have.length ? update(have[at], node) : old.append(node.cloneNode(true))));
  have.slice(want.length).forEach((node) => node.remove());
}

async function refresh() {
  const begun = performance.now();
  let wait = every;
  try {
    const answer = document.hidden ? null : await fetch(location.href, { cache: "no-store" });
    if (answer && !answer.ok) throw new Error(answer.status === 401 ? "You are logged out." : `The server answered ${answer.status}.`);
    if (answer) {
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      localise(fresh);
      wait = Number(fresh.body.dataset.every);
      const chosen = whose && whose.value;
      const told = document.querySelector("[data-news]")?.dataset.news;
      for (const part of document.querySelectorAll("[data-live]")) {
        const same = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
        if (same) update(part, same);
      }
      if (chosen) whose.value = chosen;
      const tell = document.querySelector("[data-news]")?.dataset.news;
      if (tell && tell !== told) news.textContent = tell;
      document.title = fresh.title;
    }
    lost.hidden = true;
  } catch (error) {
    lost.textContent = `${error instanceof TypeError ? "The server does not answer." : error.message} What is shown may be old.`;
    lost.hidden = false;
    wait = Math.max(wait, 3000);
  }
  // A page that is expensive to make is asked for less often.
  setTimeout(refresh, Math.max(wait, 10 * (performance.now() - begun)));
}

const whose = document.getElementById("whose");
const log = document.getElementById("log");
const follow = document.getElementById("follow");
const KEPT = 512 * 1024;
let shown = null;

function stream() {
  return document.querySelector(".stream[aria-pressed='true']").dataset.stream;
}

async function readLog() {
  const from = whose.value && `/runs/${whose.value}/${stream()}`;
  let wait = 1000;
  if (from && shown?.from !== from) {
    shown = { from, end: null, ended: false };
    log.textContent = "";
    document.getElementById("cut").hidden = true;
    const whole = document.getElementById("whole");
    whole.href = from;
    whole.textContent = `Whole ${stream()}`;
  }
  const reading = shown;
  if (reading && !reading.ended && !document.hidden) {
    try {
      const answer = await fetch(`${from}?${reading.end === null ? "" : `start=${reading.end}&`}piece=1`, { cache: "no-store" });
      if (answer.ok && reading === shown) {
        const piece = await answer.json();
        if (piece.size - piece.end > KEPT) {
          // The task prints faster than this page can show: go on from the end.
          reading.end = null;
        } else {
          append(piece, reading);
        }
        wait = piece.end < piece.size ? 0 : 1000;
      }
    } catch {
      // What is shown stays; the notice above says that the server is gone.
    }
  }
  setTimeout(readLog, wait);
}

function append(piece, reading) {
  if (reading.end === null) {
    log.textContent = "";
    if (piece.start > 0) document.getElementById("cut").hidden = false;
  }
  reading.end = piece.end;
  reading.ended = piece.ended && piece.end >= piece.size;
  if (piece.text) {
    log.append(piece.text);
    let length = log.textContent.length;
    while (length > KEPT && log.childNodes.length > 1) {
      length -= log.firstChild.length;
      log.firstChild.remove();
      document.getElementById("cut").hidden = false;
    }
    if (follow.checked) log.scrollTop = log.scrollHeight;
  } else if (reading.ended && !log.textContent) {
    log.textContent = `Nothing on ${stream()}.`;
  }
}

if (log) {
  for (const button of document.querySelectorAll(".stream")) {
    button.addEventListener("click", () => {
      for (const each of document.querySelectorAll(".stream")) each.setAttribute("aria-pressed", String(each === button));
    });
  }
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-log]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    whose.value = link.dataset.log;
    document.getElementById("logs").scrollIntoView();
    log.focus({ preventScroll: true });
  });
  readLog();
}

// A link to a task opens it.
function openTarget() {
  const task = location.hash.startsWith("#task-") && document.getElementById(location.hash.slice(1));
  if (task) {
    task.open = true;
    task.scrollIntoView();
  }
}

if (!form && every) {
  addEventListener("hashchange", openTarget);
  openTarget();
  localise(document);
  setTimeout(refresh, every);
}
