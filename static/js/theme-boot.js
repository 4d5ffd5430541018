// Loaded before the first paint, so that neither the theme nor the menu flickers.
(() => {
  const root = document.documentElement;
  const read = (key) => {
    try {
      return localStorage.getItem(key);
    } catch {
      return null; // Storage may be forbidden; the defaults do.
    }
  };
  const theme = read("wfo-theme") || "auto";
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = theme;
  root.dataset.bsTheme = theme === "auto" ? (dark ? "dark" : "light") : theme;
  root.dataset.menu = read("wfo-menu") || "wide";
  root.classList.add("js");
})();

// A page that is slow to arrive is shown without its transition; that is no error of anybody.
for (const moment of ["pageswap", "pagereveal"]) {
  addEventListener(moment, ({ viewTransition }) => {
    viewTransition?.ready.catch(() => {});
    viewTransition?.finished.catch(() => {});
  });
}
