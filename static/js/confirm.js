// One dialog that asks before anything that cannot be taken back.
const dialog = document.getElementById("confirm-dialog");

// `element` says what to ask: data-confirm (text), data-confirm-title, data-confirm-ok, data-confirm-tone ("danger").
export function confirmFirst(element, question = "") {
  const { confirm, confirmTitle, confirmOk, confirmTone } = element.dataset;
  dialog.querySelector("#confirm-title").textContent = confirmTitle || "Please confirm";
  dialog.querySelector("#confirm-text").textContent = confirm || question || "";
  const ok = dialog.querySelector("[data-confirm-ok]");
  ok.textContent = confirmOk || "Confirm";
  ok.className = `btn ${confirmTone === "danger" ? "btn-danger" : "btn-primary"}`;
  dialog.returnValue = "cancel";
  dialog.showModal();
  // The harmless answer has the focus when the other one destroys.
  (confirmTone === "danger" ? dialog.querySelector("[data-confirm-cancel]") : ok).focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "confirm"), { once: true });
  });
}

dialog.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close("cancel");
});
