// Keeps what is typed into a form while its tab lives, so that a reload, a wrong click or a new login loses nothing.
// The draft stays in the browser; the server draws it again, as it would draw a refused page.
const PREFIX = "wfo-form:";
const KEPT = 24 * 3600 * 1000;

function keyOf(form) {
  return PREFIX + form.dataset.draft;
}

function save(form) {
  const fields = [...new FormData(form)].filter(
    ([name, value]) =>
      typeof value === "string" && name !== "csrfmiddlewaretoken" && !form.querySelector(`[type=password][name="${CSS.escape(name)}"]`),
  );
  try {
    sessionStorage.setItem(keyOf(form), JSON.stringify({ at: Date.now(), fields }));
  } catch {
    // Storage is full or switched off: then there is no draft.
  }
}

function load(form) {
  try {
    const draft = JSON.parse(sessionStorage.getItem(keyOf(form)) || "null");
    return draft && Date.now() - draft.at < KEPT ? draft : null;
  } catch {
    return null;
  }
}

export function forget(form) {
  sessionStorage.removeItem(keyOf(form));
}

export function upgradeDrafts(root) {
  for (const form of root.querySelectorAll("form[data-draft]:not([data-draft-ready])")) {
    form.dataset.draftReady = "yes";
    if (form.dataset.draftBegun) save(form);
    else if (load(form)) offer(form, load(form));
  }
}

function offer(form, draft) {
  const bar = document.createElement("div");
  bar.className = "form-draft";
  bar.setAttribute("role", "status");
  const text = document.createElement("p");
  text.textContent = `You began to fill in this form ${ago(draft.at)}.`;
  const restore = button("Continue where you were", "btn btn-primary btn-sm", () => post(form, draft.fields));
  const discard = button("Discard", "btn btn-sm", () => {
    forget(form);
    bar.remove();
  });
  bar.append(text, restore, discard);
  form.before(bar);
}

function ago(moment) {
  const minutes = Math.round((Date.now() - moment) / 60_000);
  if (minutes < 1) return "a moment ago";
  if (minutes < 60) return `${minutes} min ago`;
  return `${Math.round(minutes / 60)} h ago`;
}

function button(text, className, action) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = className;
  made.textContent = text;
  made.addEventListener("click", action);
  return made;
}

function post(form, fields) {
  const sent = document.createElement("form");
  sent.method = "post";
  sent.action = form.getAttribute("action") || location.href;
  sent.hidden = true;
  const token = form.querySelector("[name=csrfmiddlewaretoken]")?.value;
  for (const [name, value] of [...fields, ["csrfmiddlewaretoken", token], ["_form_action", "restore"]]) {
    const input = document.createElement("textarea");
    input.name = name;
    input.value = value ?? "";
    sent.append(input);
  }
  document.body.append(sent);
  sent.submit();
}

let waiting = 0;
function later(event) {
  const form = event.target.closest?.("form[data-draft]");
  if (!form) return;
  clearTimeout(waiting);
  waiting = setTimeout(() => form.isConnected && !form.dataset.sent && save(form), 300);
}

document.addEventListener("input", later);
document.addEventListener("change", later);
// What is sent is the server's now; the page that comes back, if one does, is the next draft.
document.addEventListener("submit", (event) => {
  if (!event.target.matches("form[data-draft]")) return;
  clearTimeout(waiting);
  forget(event.target);
});
for (const failure of ["htmx:sendError", "htmx:responseError"]) {
  document.addEventListener(failure, (event) => {
    const form = event.detail.elt.closest?.("form[data-draft]");
    if (form) save(form);
  });
}
