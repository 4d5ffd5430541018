// Short messages at the edge of the page, read aloud by its live region.
const region = document.getElementById("toasts");
const LIFE = 6000;

export function toast(level, text) {
  const note = document.getElementById("toast-template").content.firstElementChild.cloneNode(true);
  note.className = `toast-note toast-${level}`;
  note.querySelector("[data-toast-text]").textContent = text;
  const same = [...region.children].find((old) => old.innerText.trim() === text);
  same?.remove();
  region.append(note);
  expire(note);
}

// For what needs saying but not showing.
export function announce(text) {
  const announcer = document.getElementById("announcer");
  announcer.textContent = "";
  setTimeout(() => (announcer.textContent = text), 50);
}

// Errors stay until they are dismissed; others wait while somebody reads them.
function expire(note) {
  if (note.classList.contains("toast-error")) return;
  let timer = setTimeout(() => note.remove(), LIFE);
  const hold = () => clearTimeout(timer);
  const release = () => (timer = setTimeout(() => note.remove(), LIFE));
  note.addEventListener("pointerenter", hold);
  note.addEventListener("focusin", hold);
  note.addEventListener("pointerleave", release);
  note.addEventListener("focusout", release);
}

region.addEventListener("click", (event) => {
  if (event.target.closest("[data-toast-close]")) event.target.closest("[data-toast]").remove();
});
[...region.children].forEach(expire);
