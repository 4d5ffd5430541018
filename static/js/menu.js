// The side menu: narrow or wide on a desk, drawn in from the side on a phone.
const root = document.documentElement;
const menu = document.getElementById("menu");
const phone = matchMedia("(max-width: 991px)");
let opener = null;

function drawIn(link) {
  opener = link;
  root.dataset.menuOpen = "";
  sync();
  menu.querySelector("a, button").focus();
}

function putAway() {
  delete root.dataset.menuOpen;
  sync();
  opener?.focus();
  opener = null;
}

// What is off the screen cannot be reached by keyboard, nor what lies behind the open menu.
function sync() {
  const open = "menuOpen" in root.dataset;
  menu.inert = phone.matches && !open;
  for (const element of document.querySelectorAll(".shell-page")) element.inert = phone.matches && open;
}

function sayWidth() {
  const narrow = root.dataset.menu === "narrow";
  for (const button of document.querySelectorAll("[data-menu-collapse]")) {
    button.setAttribute("aria-pressed", String(narrow));
    button.title = narrow ? "Expand menu" : "";
  }
  for (const item of menu.querySelectorAll(".menu-item")) {
    if (!item.matches("[data-menu-collapse]")) item.title = narrow ? item.innerText.trim() || item.dataset.text || "" : "";
  }
}

if (menu) {
  document.addEventListener("click", (event) => {
    const opening = event.target.closest("[data-menu-open]");
    if (opening) {
      event.preventDefault();
      drawIn(opening);
    } else if (event.target.closest("[data-menu-close]")) {
      event.preventDefault();
      putAway();
    } else if (event.target.closest("[data-menu-collapse]")) {
      root.dataset.menu = root.dataset.menu === "narrow" ? "wide" : "narrow";
      try {
        localStorage.setItem("wfo-menu", root.dataset.menu);
      } catch {
        // Then it holds for this page only.
      }
      sayWidth();
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && "menuOpen" in root.dataset) putAway();
  });
  phone.addEventListener("change", sync);
  sync();
  sayWidth();
}
