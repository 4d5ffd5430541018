// Live parts are morphed. What a person opened, loaded or is typing in is not the server's to change:
// <details> keep their `open`, and an element with data-keep stays as it is while the server sends the same value.
const { callbacks } = window.Idiomorph.defaults;
const { beforeNodeMorphed, beforeAttributeUpdated } = callbacks;

callbacks.beforeNodeMorphed = (old, fresh) => {
  if (old.dataset?.keep !== undefined && old.dataset.keep === fresh.dataset?.keep) return false;
  return beforeNodeMorphed?.(old, fresh);
};
callbacks.beforeAttributeUpdated = (name, node, type) => {
  if (name === "open" && node.tagName === "DETAILS") return false;
  return beforeAttributeUpdated?.(name, node, type);
};

// A list's filters go into the address; empty fields would only make it longer, and what the table was sorted by since
// the page came stands there already.
document.body.addEventListener("htmx:configRequest", (event) => {
  const { elt, parameters } = event.detail;
  if (!elt.matches?.("form[data-filters], form.process-filters")) return;
  const address = new URLSearchParams(location.search);
  for (const name of ["sort", "per"]) {
    if (address.has(name)) parameters[name] = address.get(name);
    else delete parameters[name];
  }
  for (const name of Object.keys(parameters)) if (parameters[name] === "") delete parameters[name];
});

// A search field asks while somebody types. Its change event comes when it loses focus, often to the very link that sorts
// or turns the page: asking again then would take back what that link does.
document.addEventListener("change", (event) => {
  if (event.target.matches("form[data-filters] [type=search], form.process-filters [type=search]")) event.stopPropagation();
}, true);
