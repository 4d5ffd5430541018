// What forms do beyond plain HTML: rows of lists, searches, and care not to send twice. Without it they still work.
import "./form-errors.js";
import { announce } from "./toasts.js";
import { upgradeDrafts } from "./form-drafts.js";
import { upgradeSearches } from "./form-search.js";

// Rows of lists. The blank row is a template whose names hold a placeholder where the number goes; numbers may have gaps,
// the server closes them.
let nextRow = 0;

function addRow(list) {
  const template = list.querySelector(":scope > template[data-blank]");
  const rows = list.querySelector(":scope > [data-rows]");
  nextRow = Math.max(nextRow, ...[...rows.children].map(numberOf), 0) + 1;
  const html = template.innerHTML.replaceAll(list.dataset.placeholder, String(nextRow));
  const made = document.createElement("template");
  made.innerHTML = html;
  const row = made.content.firstElementChild;
  rows.append(row);
  upgrade(row);
  refreshList(list);
  row.querySelector("input:not([type=hidden]), select, textarea")?.focus();
  announce(`Row ${rows.children.length} added`);
}

function numberOf(row) {
  const name = row.querySelector("[name]")?.getAttribute("name") || "";
  const list = row.closest("[data-list]").dataset.field;
  return Number.parseInt(name.slice(list.length + 1), 10) || 0;
}

function removeRow(list, row) {
  const rows = list.querySelector(":scope > [data-rows]");
  const next = row.nextElementSibling || row.previousElementSibling;
  row.remove();
  refreshList(list);
  const focus = next?.querySelector("[data-row-remove]:not(:disabled)") || list.querySelector(":scope > [data-row-add]");
  focus?.focus();
  announce(`Row removed, ${rows.children.length} left`);
}

function refreshList(list) {
  const rows = [...list.querySelectorAll(":scope > [data-rows] > [data-row]")];
  const least = Number(list.dataset.min || 0);
  const most = list.dataset.max === undefined ? Infinity : Number(list.dataset.max);
  rows.forEach((row, index) => {
    for (const number of row.querySelectorAll("[data-row-number]")) {
      if (number.closest("[data-row]") === row) number.textContent = index + 1;
    }
    const remove = row.querySelector(":scope > [data-row-remove]");
    if (remove) remove.disabled = rows.length <= least;
  });
  const add = list.querySelector(":scope > [data-row-add]");
  if (add) add.disabled = rows.length >= most;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-row-add], [data-row-remove]");
  if (!button || button.disabled) return;
  event.preventDefault();
  const list = button.closest("[data-list]");
  if (button.matches("[data-row-add]")) addRow(list);
  else removeRow(list, button.closest("[data-row]"));
});

document.addEventListener("input", (event) => {
  if (event.target.matches("[data-option-filter]")) filterOptions(event.target);
});

document.addEventListener("change", (event) => {
  const target = event.target;
  if (target.matches("[data-optional-object]")) refreshObject(target);
  const options = target.closest("[data-options][data-max]");
  if (options) limitOptions(options);
});

function filterOptions(input) {
  const words = input.value.trim().toLowerCase().split(/\s+/);
  for (const option of input.parentElement.querySelectorAll("[data-options] > .form-check")) {
    const text = option.textContent.toLowerCase();
    option.hidden = !words.every((word) => text.includes(word)) && !option.querySelector("input").checked;
  }
}

function limitOptions(options) {
  const boxes = [...options.querySelectorAll("input[type=checkbox]")];
  const full = boxes.filter((box) => box.checked).length >= Number(options.dataset.max);
  for (const box of boxes) box.disabled = full && !box.checked;
}

// An optional model that is not there asks for nothing.
function refreshObject(box) {
  const fields = box.closest("fieldset").querySelector(":scope > [data-object-fields]");
  fields.hidden = !box.checked;
  for (const control of fields.querySelectorAll("input, select, textarea, button")) control.disabled = !box.checked;
  if (!box.checked) return;
  for (const inner of fields.querySelectorAll("[data-list]")) refreshList(inner);
  for (const inner of fields.querySelectorAll("[data-optional-object]")) refreshObject(inner);
}

// A form is sent once. The server would take a second one for the same, but the person should see that it is under way.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-wizard]")) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  // After the browser has taken what is to be sent: a disabled button would not be part of it.
  setTimeout(() => {
    if (event.defaultPrevented) return;
    form.dataset.sent = "yes";
    form.setAttribute("aria-busy", "true");
  });
});

function release(root) {
  for (const form of root.querySelectorAll("[data-wizard][data-sent]")) {
    delete form.dataset.sent;
    form.removeAttribute("aria-busy");
  }
}

addEventListener("pageshow", () => release(document));
document.addEventListener("htmx:afterRequest", (event) => release(event.target.parentElement || document));

function upgrade(root) {
  upgradeSearches(root);
  upgradeDrafts(root);
  for (const box of root.querySelectorAll("[data-optional-object]")) refreshObject(box);
  for (const options of root.querySelectorAll("[data-options][data-max]")) limitOptions(options);
}

document.addEventListener("htmx:load", (event) => upgrade(event.target));
// A page that came in place of the last one is read from its beginning, or from what is wrong with it.
document.addEventListener("htmx:afterSettle", (event) => {
  if (!event.detail.requestConfig?.elt?.matches?.("[data-wizard]")) return;
  document.querySelector("[data-form-problem], [data-form-title]")?.focus();
});
upgrade(document);
document.querySelector("[data-form-problem]")?.focus();
