// One WebSocket per tab turns the server's events into DOM events on <body>, which elements name in hx-trigger:
//   wfo:processes, wfo:process-<id>, wfo:log-<id>, wfo:subscriptions, wfo:subscription-<id>, wfo:counts, wfo:engine
// and, after those, into wfo:changed with all their names in detail.names, for those who cannot know an id beforehand.
// While the socket is down, elements with data-poll hear wfo:poll every five seconds; once more when it is back, because
// what happened in between is not told again. Elements with data-catch-up hear it at the first connection too.
import { toast } from "./toasts.js";

const PING_EVERY = 30_000;
const PONG_WITHIN = 5_000;
const POLL_EVERY = 5_000;
const COALESCE = 150;
const LONGEST_WAIT = 30_000;
const SESSION_ENDED = 1008;

const indicator = document.querySelector("[data-live-indicator]");
const path = document.body.dataset.live;
const pending = new Set();
let socket = null;
let attempts = 0;
let missedSome = false;
let loggedOut = false;
let pingTimer, pongTimer, retryTimer, flushTimer;

const sentences = {
  connecting: "Live updates: connecting",
  live: "Live updates are on",
  polling: "Live updates are off; the page asks every 5 seconds. Press to reconnect.",
  "logged-out": "Your session has ended. Log in again.",
};

function show(state) {
  if (!indicator || indicator.dataset.state === state) return;
  indicator.dataset.state = state;
  indicator.title = sentences[state];
  indicator.setAttribute("aria-label", sentences[state]);
}

function names({ type, id }) {
  switch (type) {
    case "processes":
      return id && id !== "LIST" ? [`wfo:process-${id}`, "wfo:processes"] : ["wfo:processes"];
    case "subscriptions":
      return id && id !== "LIST" ? [`wfo:subscription-${id}`, "wfo:subscriptions"] : ["wfo:subscriptions"];
    case "processLog":
      return [`wfo:log-${id}`];
    case "processStatusCounts":
      return ["wfo:counts"];
    case "engineStatus":
      return ["wfo:engine"];
    default:
      return [`wfo:${type}`];
  }
}

function flush() {
  flushTimer = undefined;
  const events = [...pending];
  pending.clear();
  for (const name of events) document.body.dispatchEvent(new CustomEvent(name));
  document.body.dispatchEvent(new CustomEvent("wfo:changed", { detail: { names: events } }));
}

function poll(which = "[data-poll]") {
  for (const element of document.querySelectorAll(which)) {
    element.dispatchEvent(new CustomEvent("wfo:poll", { bubbles: false }));
  }
}

function receive(data) {
  clearTimeout(pongTimer);
  if (data === "__pong__") return;
  let message;
  try {
    message = JSON.parse(data);
  } catch {
    return; // Not for us.
  }
  if (message.name !== "invalidateCache" || !message.value?.type) return;
  names(message.value).forEach((name) => pending.add(name));
  flushTimer ??= setTimeout(flush, COALESCE);
}

function ping() {
  if (socket?.readyState !== WebSocket.OPEN) return;
  socket.send("__ping__");
  clearTimeout(pongTimer);
  pongTimer = setTimeout(() => drop(socket), PONG_WITHIN);
}

// A socket whose other end is gone may take minutes to close, so nothing waits for its close event.
function drop(old) {
  if (old !== socket) return;
  socket = null;
  clearInterval(pingTimer);
  clearTimeout(pongTimer);
  old.onclose = old.onmessage = old.onopen = old.onerror = null;
  old.close();
  missedSome = true;
  show("polling");
  const wait = Math.min(LONGEST_WAIT, 500 * 2 ** attempts++);
  clearTimeout(retryTimer);
  // Spread, so that a restarted server is not met by all tabs at once.
  retryTimer = setTimeout(connect, wait / 2 + Math.random() * (wait / 2));
}

function connect() {
  clearTimeout(retryTimer);
  if (socket || loggedOut) return;
  const mine = new WebSocket(new URL(path, location.href.replace(/^http/, "ws")));
  socket = mine;
  mine.onopen = () => {
    attempts = 0;
    show("live");
    ping();
    clearInterval(pingTimer);
    pingTimer = setInterval(ping, PING_EVERY);
    // What happened between the page and its first socket was told to nobody: what changes by the second asks once.
    poll(missedSome ? "[data-poll]" : "[data-catch-up]");
    missedSome = false;
  };
  mine.onmessage = (event) => receive(event.data);
  mine.onclose = (event) => {
    if (event.code === SESSION_ENDED) {
      loggedOut = true;
      drop(mine);
      show("logged-out");
      toast("warning", sentences["logged-out"]);
    } else {
      drop(mine);
    }
  };
}

if (path) {
  connect();
  setInterval(() => socket?.readyState !== WebSocket.OPEN && !document.hidden && !loggedOut && poll(), POLL_EVERY);
  const now = () => {
    attempts = 0;
    if (socket?.readyState === WebSocket.OPEN) ping();
    else if (!socket) connect();
  };
  document.addEventListener("visibilitychange", () => document.hidden || now());
  addEventListener("online", now);
  addEventListener("offline", () => socket && drop(socket));
  indicator?.addEventListener("click", now);
  // A page kept for "back" must not hold its socket.
  addEventListener("pagehide", () => socket && drop(socket));
}
