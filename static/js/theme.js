// Light, dark, or as the system has it. theme-boot.js has applied the stored choice already.
import { announce } from "./toasts.js";

const root = document.documentElement;
const system = matchMedia("(prefers-color-scheme: dark)");
const order = ["auto", "light", "dark"];
const words = { auto: "automatic", light: "light", dark: "dark" };

function apply(theme) {
  root.dataset.theme = theme;
  root.dataset.bsTheme = theme === "auto" ? (system.matches ? "dark" : "light") : theme;
  for (const button of document.querySelectorAll("[data-theme-toggle]")) {
    button.setAttribute("aria-label", `Theme: ${words[theme]}`);
    button.title = `Theme: ${words[theme]}`;
  }
}

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-theme-toggle]")) return;
  const theme = order[(order.indexOf(root.dataset.theme) + 1) % order.length];
  try {
    localStorage.setItem("wfo-theme", theme);
  } catch {
    // Then it holds for this page only.
  }
  apply(theme);
  announce(`Theme: ${words[theme]}`);
});

system.addEventListener("change", () => apply(root.dataset.theme));
apply(root.dataset.theme);
