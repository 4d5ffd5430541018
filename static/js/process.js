// Pages about processes: cards of steps that load when opened and stay open, new rows in lists, and clocks that run.

// A card, or a panel within one, asks for its content the first time that it is open, and again when it has changed.
function load(details) {
  const body = details.open && details.querySelector(":scope > .step-body");
  if (body?.querySelector(":scope > [data-unloaded]")) window.htmx.trigger(body, "wfo:open");
}

document.addEventListener(
  "toggle",
  (event) => {
    if (!event.target.matches?.("details[data-step], details[data-lazy]")) return;
    load(event.target);
    nameToggle();
  },
  true,
);

document.body.addEventListener("htmx:afterSettle", () => {
  document.querySelectorAll("details:is([data-step], [data-lazy])[open]").forEach(load);
  nameToggle();
  tick();
});

// A filter menu says how many of its boxes are ticked.
document.addEventListener("change", (event) => {
  const menu = event.target.closest("details[data-menu]");
  if (!menu) return;
  const count = menu.querySelectorAll("input:checked").length;
  const shown = menu.querySelector("[data-filter-count]");
  shown.textContent = count || "";
  shown.hidden = !count;
});

// Expand or collapse all steps.
const steps = () => [...document.querySelectorAll("#steps details[data-step]")];

function nameToggle() {
  const button = document.querySelector("[data-steps-toggle]");
  const all = steps();
  if (!button) return;
  button.hidden = all.length === 0;
  button.textContent = all.length && all.every((step) => step.open) ? "Collapse all" : "Expand all";
}

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-steps-toggle]")) return;
  const all = steps();
  const open = !all.every((step) => step.open);
  for (const step of all) step.open = open;
});

// A dot, or an address that ends in #step-3, opens that step.
function openTarget() {
  const target = /^#(step|next)-\d+$/.test(location.hash) && document.getElementById(location.hash.slice(1));
  if (!target) return;
  const details = target.querySelector("details[data-step]");
  if (details) details.open = true;
  target.scrollIntoView({ block: "center" });
  (details?.querySelector("summary") ?? target).focus?.({ preventScroll: true });
}
addEventListener("hashchange", openTarget);
document.addEventListener("click", (event) => {
  const dot = event.target.closest(".step-dot");
  // The same dot again does not change the address, but somebody wants to go there.
  if (dot && dot.hash === location.hash) openTarget();
});

// Lists: a process that has a row redraws that row by itself; another one may be new, which only page one would show.
document.body.addEventListener("wfo:changed", (event) => {
  const list = document.querySelector("[data-list-first]");
  if (!list) return;
  const unknown = event.detail.names.some((name) => {
    const id = /^wfo:process-([0-9a-f-]{36})$/.exec(name)?.[1];
    return id && !document.querySelector(`[data-process-row="${id}"]`);
  });
  if (unknown) refreshSoon();
});

let refreshTimer;
function refreshSoon() {
  refreshTimer ??= setTimeout(() => {
    refreshTimer = undefined;
    const list = document.querySelector("[data-list-first]");
    if (list) window.htmx.trigger(list, "wfo:list");
  }, 400);
}

// Clocks: how long a step or process has run, counted here between two answers of the server.
function clock(seconds) {
  const rounded = Math.max(0, Math.floor(seconds));
  const hours = Math.floor(rounded / 3600);
  const minutes = Math.floor((rounded % 3600) / 60);
  if (hours >= 48) return `${Math.floor(hours / 24)} days ${hours % 24} h`;
  if (hours) return `${hours} h ${minutes} min`;
  return minutes ? `${minutes} min ${rounded % 60} s` : `${rounded} s`;
}

function tick() {
  for (const element of document.querySelectorAll("time[data-elapsed]")) {
    const text = clock((Date.now() - Date.parse(element.dateTime)) / 1000);
    if (element.textContent !== text) element.textContent = text;
  }
}
setInterval(() => document.hidden || tick(), 1000);

tick();
nameToggle();
openTarget();
