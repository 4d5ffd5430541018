// What is wrong stands at its field, in the page's own looks: what the browser finds before it sends as well as what the
// server found. A message goes when its field is edited.
import { announce } from "./toasts.js";

// The browser tells of each control that it refuses, one after the other in the order of the page.
let refused = [];

document.addEventListener(
  "invalid",
  (event) => {
    const control = event.target;
    if (!control.closest("[data-wizard]")) return;
    event.preventDefault();
    refused.push(control);
    // A task of its own: microtasks run between one control and the next.
    if (refused.length === 1) setTimeout(showRefused);
  },
  true,
);

function showRefused() {
  const controls = refused;
  refused = [];
  const fields = new Set();
  for (const control of controls) {
    const field = control.closest("[data-field]");
    // All buttons of a radio group are refused together; one sentence does.
    if (!field || fields.has(field)) continue;
    fields.add(field);
    show(field, control);
  }
  controls[0].focus({ preventScroll: true });
  (controls[0].closest("[data-field]") ?? controls[0]).scrollIntoView({ block: "center" });
  announce(fields.size === 1 ? "One field needs attention" : `${fields.size} fields need attention`);
}

function show(field, control) {
  field.querySelector(":scope > [data-form-error]")?.remove();
  const template = control.closest("[data-wizard]").querySelector("template[data-error-template]");
  const error = template.content.firstElementChild.cloneNode(true);
  error.id = `${control.id}-refused`;
  error.querySelector("[data-error-text]").textContent = control.validationMessage;
  field.append(error);
  field.classList.add("has-error");
  control.setAttribute("aria-invalid", "true");
  describe(control, error.id);
}

function describe(control, id) {
  const others = (control.getAttribute("aria-describedby") ?? "").split(/\s+/).filter((other) => other && other !== id);
  control.setAttribute("aria-describedby", [...others, id].join(" "));
}

// A picker that is chosen from tells by "change" only.
for (const type of ["input", "change"]) {
  document.addEventListener(type, (event) => {
    if (event.target.closest("[data-wizard]") && !event.target.matches("[data-option-filter]")) forget(event.target);
  });
}

function forget(control) {
  // What was said of a model or a list as a whole is as uncertain once a part of it is edited.
  for (let field = control.closest("[data-field]"); field; field = field.parentElement.closest("[data-field]")) {
    field.querySelector(":scope > [data-form-error]")?.remove();
    field.classList.remove("has-error");
    field.removeAttribute("aria-invalid");
  }
  for (const one of control.type === "radio" ? control.form.elements[control.name] : [control]) {
    one.removeAttribute("aria-invalid");
  }
}
