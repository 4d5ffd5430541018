// What every page does beyond links and forms. Attributes of the markup ask for it; events are delegated, so that parts
// that HTMX swaps in need no setup.
import { announce, toast } from "./toasts.js";
import { confirmFirst } from "./confirm.js";
import "./swaps.js";
import "./theme.js";
import "./menu.js";
import "./menus.js";
import "./times.js";

const errorTexts = {
  0: "The server cannot be reached. What you see may be out of date; it is tried again by itself.",
  403: "You are not allowed to do that, or this page is too old. Reload it and try again.",
  404: "That does not exist any more. Go back and reload the list.",
  409: "Somebody else was faster. Reload the page to see what changed.",
  503: "The engine is paused and takes no changes right now.",
};

// The server may explain itself as problem+json or as {"detail": …}.
function explanation(xhr) {
  try {
    const { detail, title } = JSON.parse(xhr.responseText);
    if (typeof detail === "string" && detail) return detail;
    if (typeof title === "string" && title) return title;
  } catch {
    // Not JSON: the sentence for the status does.
  }
  return errorTexts[xhr.status] || `The server answered with an error (${xhr.status}). Try again, or tell an administrator.`;
}

document.body.addEventListener("htmx:responseError", (event) => {
  if (isBackground(event.detail)) return;
  const { xhr } = event.detail;
  // What was typed into a form is kept by the browser until the person is back.
  if (xhr.status === 401) location.assign(`${document.body.dataset.login}?next=${encodeURIComponent(location.pathname + location.search)}`);
  else toast("error", explanation(xhr));
});

document.body.addEventListener("htmx:sendError", (event) => {
  if (!isBackground(event.detail)) toast("error", errorTexts[0]);
});

// Panels that refresh by themselves say nothing when that fails: the live indicator does, once for all.
function isBackground({ requestConfig }) {
  const type = requestConfig?.triggeringEvent?.type || "";
  return type.startsWith("wfo:") || type === "load" || type === "intersect" || type === "revealed";
}

document.body.addEventListener("wfo:toast", (event) => toast(event.detail.level || "info", event.detail.text));

document.body.addEventListener("htmx:confirm", (event) => {
  const { elt, question, issueRequest } = event.detail;
  const asking = elt.closest("[data-confirm]") || (question ? elt : null);
  if (!asking || asking.dataset.confirmed) return;
  event.preventDefault();
  confirmFirst(asking, question).then((yes) => yes && (elt.isConnected ? issueRequest(true) : sendInstead(elt)));
});

// A live update may have drawn an element anew while its dialog was open, and htmx sends nothing for one that is gone.
function sendInstead(gone) {
  const same = [...document.querySelectorAll("form[hx-post][data-confirm]")];
  const form = same.find((one) => one.getAttribute("hx-post") === gone.getAttribute("hx-post"));
  if (!form) return toast("warning", "The page has changed meanwhile, and this is no longer offered. Nothing was sent.");
  form.dataset.confirmed = "yes";
  form.requestSubmit();
  delete form.dataset.confirmed;
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  const asking = event.submitter?.dataset.confirm ? event.submitter : form;
  if (!asking.dataset.confirm || asking.dataset.confirmed || form.matches("[hx-post],[hx-delete],[hx-put],[hx-patch]")) return;
  event.preventDefault();
  confirmFirst(asking).then((yes) => {
    if (!yes) return;
    asking.dataset.confirmed = "yes";
    form.requestSubmit(event.submitter);
    delete asking.dataset.confirmed;
  });
});

document.addEventListener("click", async (event) => {
  const copier = event.target.closest("[data-copy]");
  if (!copier) return;
  event.preventDefault();
  try {
    await navigator.clipboard.writeText(copier.dataset.copy);
    copier.classList.add("copied");
    setTimeout(() => copier.classList.remove("copied"), 1500);
    announce("Copied");
  } catch {
    toast("warning", `Copying is not allowed here. The value is ${copier.dataset.copy}`);
  }
});

// "/" goes to the search field of the page.
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  const field = document.querySelector("main [type=search]");
  if (field) {
    event.preventDefault();
    field.focus();
    field.select();
  }
});

// A page that the browser kept for "back" may be hours old.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
