// Menus made of <details data-menu>: one open at a time, closed by Escape or a click elsewhere.
function closeMenus(except) {
  for (const menu of document.querySelectorAll("details[data-menu][open]")) if (menu !== except) menu.open = false;
}

document.addEventListener("toggle", (event) => {
  if (event.target.matches?.("details[data-menu]") && event.target.open) closeMenus(event.target);
}, true);

document.addEventListener("click", (event) => closeMenus(event.target.closest("details[data-menu]")));

document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && event.target.closest("details[data-menu][open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

// On a narrow screen the tabs of a page scroll; the current one is where it can be seen.
function showTab() {
  for (const tab of document.querySelectorAll(".list-tabs [aria-current], .nav-tabs [aria-current]")) {
    const list = tab.closest(".list-tabs, .nav-tabs");
    const hidden = tab.offsetLeft < list.scrollLeft || tab.offsetLeft + tab.offsetWidth > list.scrollLeft + list.clientWidth;
    if (hidden) list.scrollLeft = tab.offsetLeft - (list.clientWidth - tab.offsetWidth) / 2;
  }
}
document.body.addEventListener("htmx:afterSettle", showTab);
showTab();

// A button that closes or opens every block of the lists that data-fold-all names.
const foldable = (button) => [...document.querySelectorAll(`${button.dataset.foldAll} > li > details`)];

function nameFolds() {
  for (const button of document.querySelectorAll("[data-fold-all]")) {
    const all = foldable(button);
    button.hidden = all.length < 2;
    button.textContent = all.some((details) => details.open) ? "Collapse all" : "Expand all";
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-fold-all]");
  if (!button) return;
  const all = foldable(button);
  const open = !all.some((details) => details.open);
  for (const details of all) details.open = open;
  nameFolds();
});
document.addEventListener("toggle", nameFolds, true);
document.body.addEventListener("htmx:afterSettle", nameFolds);
nameFolds();
