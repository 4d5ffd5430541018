// Turns a field that picks one of many into a combobox: type to search, arrows to choose. Follows the ARIA 1.2 pattern.
// Sources: the server, asked for a page of matches at a time (data-picker), or the options of a long select.

let made = 0;

export function upgradeSearches(root) {
  for (const input of root.querySelectorAll("input[data-picker]:not([data-upgraded])")) upgradePicker(input);
  for (const select of root.querySelectorAll("select[data-search-select]:not([data-upgraded])")) upgradeSelect(select);
}

// The input that held the id shows the label; a hidden one beside it holds the value that is posted.
function upgradePicker(input) {
  const value = document.createElement("input");
  value.type = "hidden";
  value.name = input.name;
  value.value = input.value;
  value.disabled = input.disabled;
  input.before(value);
  input.removeAttribute("name");
  const shown = input.dataset.pickerLabel || input.value;
  const search = async (text, offset, signal) => {
    const url = new URL(input.dataset.picker, location.href);
    url.searchParams.set("q", text);
    url.searchParams.set("offset", offset);
    const response = await fetch(url, { signal, headers: { Accept: "application/json" } });
    if (!response.ok) throw new Error(`The search was answered with ${response.status}`);
    return response.json();
  };
  new Combobox(input, { shown, search, choose: (choice) => (value.value = choice ? choice.value : "") });
}

function upgradeSelect(select) {
  const input = document.createElement("input");
  input.type = "text";
  input.className = "form-control form-picker";
  for (const name of ["aria-describedby", "aria-invalid", "required"]) {
    if (select.hasAttribute(name)) input.setAttribute(name, select.getAttribute(name));
  }
  input.id = select.id;
  input.disabled = select.disabled;
  select.removeAttribute("id");
  select.required = false;
  select.hidden = true;
  select.dataset.upgraded = "yes";
  select.before(input);
  const choices = [...select.options].filter((option) => option.value !== "");
  const search = async (text, offset) => {
    const words = text.toLowerCase().split(/\s+/);
    const found = choices.filter((option) => words.every((word) => option.text.toLowerCase().includes(word)));
    const results = found.slice(offset, offset + 20).map((option) => ({ value: option.value, label: option.text, detail: "" }));
    return { results, more: found.length > offset + 20 };
  };
  const shown = select.value === "" ? "" : select.selectedOptions[0].text;
  new Combobox(input, { shown, search, choose: (choice) => (select.value = choice ? choice.value : "") });
}

class Combobox {
  constructor(input, { shown, search, choose }) {
    Object.assign(this, { input, shown, search, choose, results: [], more: false, active: -1, delay: 0 });
    input.dataset.upgraded = "yes";
    input.value = shown;
    this.frame = document.createElement("div");
    this.frame.className = "form-search";
    input.before(this.frame);
    this.list = document.createElement("ul");
    this.list.id = `form-search-${(made += 1)}`;
    this.list.className = "form-search-list";
    this.list.hidden = true;
    this.list.setAttribute("role", "listbox");
    const label = input.labels?.[0]?.textContent.trim();
    if (label) this.list.setAttribute("aria-label", label);
    this.status = document.createElement("div");
    this.status.className = "visually-hidden";
    this.status.setAttribute("role", "status");
    this.clear = document.createElement("button");
    this.clear.type = "button";
    // By keyboard, emptying the text does the same; the order of the tabs stays that of the fields.
    this.clear.tabIndex = -1;
    this.clear.className = "form-search-clear";
    this.clear.setAttribute("aria-label", `Clear ${label || "choice"}`);
    this.clear.textContent = "×";
    this.frame.append(input, this.clear, this.list, this.status);
    for (const [name, text] of [
      ["role", "combobox"],
      ["aria-autocomplete", "list"],
      ["aria-expanded", "false"],
      ["aria-controls", this.list.id],
      ["autocomplete", "off"],
      ["placeholder", "Type to search"],
    ]) {
      input.setAttribute(name, text);
    }
    this.refreshClear();
    input.addEventListener("input", () => this.typed());
    input.addEventListener("keydown", (event) => this.key(event));
    input.addEventListener("click", () => this.list.hidden && this.open(""));
    input.addEventListener("focus", () => input.select());
    this.frame.addEventListener("focusout", (event) => !this.frame.contains(event.relatedTarget) && this.left());
    // The list keeps focus where it is: the press of a mouse would move it away before the click.
    this.list.addEventListener("mousedown", (event) => event.preventDefault());
    this.list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) this.take(Number(option.dataset.index));
    });
    this.list.addEventListener("scroll", () => {
      if (this.more && this.list.scrollTop + this.list.clientHeight > this.list.scrollHeight - 60) this.load(true);
    });
    this.clear.addEventListener("click", () => {
      this.set(null);
      input.focus();
    });
  }

  typed() {
    clearTimeout(this.delay);
    this.delay = setTimeout(() => this.open(this.input.value), 180);
  }

  open(text) {
    this.text = text.trim();
    this.results = [];
    this.more = false;
    this.load(false);
  }

  async load(further) {
    if (further && this.loading) return;
    this.request?.abort();
    const request = (this.request = new AbortController());
    this.loading = true;
    try {
      const page = await this.search(this.text, further ? this.results.length : 0, request.signal);
      if (request.signal.aborted) return;
      this.results = further ? [...this.results, ...page.results] : page.results;
      this.more = page.more;
      this.draw(further);
    } catch (error) {
      if (error.name === "AbortError") return;
      this.results = [];
      this.more = false;
      this.draw(false, "The search did not work. Try again in a moment.");
    } finally {
      if (this.request === request) this.loading = false;
    }
  }

  draw(further, problem = "") {
    if (document.activeElement !== this.input) return;
    const scroll = this.list.scrollTop;
    this.list.replaceChildren(...this.results.map((result, index) => this.option(result, index)));
    if (!this.results.length) {
      const nothing = document.createElement("li");
      nothing.className = "form-search-nothing";
      nothing.setAttribute("role", "presentation");
      nothing.textContent = problem || "Nothing found";
      this.list.append(nothing);
    }
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
    if (further) {
      this.list.scrollTop = scroll;
      this.point(this.active);
    } else this.point(this.text && this.results.length ? 0 : -1);
    this.status.textContent =
      problem || (this.results.length ? `${this.results.length} found${this.more ? ", more below" : ""}` : "Nothing found");
  }

  option(result, index) {
    const item = document.createElement("li");
    item.id = `${this.list.id}-${index}`;
    item.dataset.index = index;
    item.setAttribute("role", "option");
    item.setAttribute("aria-selected", String(result.label === this.shown));
    const label = document.createElement("span");
    label.textContent = result.label;
    item.append(label);
    if (result.detail) {
      const detail = document.createElement("small");
      detail.textContent = result.detail;
      item.append(" ", detail);
    }
    return item;
  }

  point(index) {
    this.list.querySelector(".active")?.classList.remove("active");
    this.active = index;
    const item = this.list.querySelector(`[data-index="${index}"]`);
    if (!item) {
      this.input.removeAttribute("aria-activedescendant");
      return;
    }
    item.classList.add("active");
    item.scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", item.id);
    if (this.more && index >= this.results.length - 2) this.load(true);
  }

  key(event) {
    const open = !this.list.hidden;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!open) this.open("");
      else if (this.results.length) {
        const step = event.key === "ArrowDown" ? 1 : -1;
        const from = this.active < 0 && step < 0 ? 0 : this.active;
        this.point((from + step + this.results.length) % this.results.length);
      }
    } else if (event.key === "Enter" && open) {
      event.preventDefault();
      if (this.active >= 0) this.take(this.active);
    } else if (event.key === "Escape" && open) {
      event.preventDefault();
      this.input.value = this.shown;
      this.close();
    }
  }

  take(index) {
    this.set(this.results[index]);
    this.input.focus();
  }

  set(choice) {
    this.shown = choice ? choice.label : "";
    this.input.value = this.shown;
    this.choose(choice);
    this.refreshClear();
    this.close();
    // Others hear of it as of any field that is edited.
    this.input.dispatchEvent(new Event("change", { bubbles: true }));
  }

  // Left with an emptied text, the choice is given up; with any other text it stays as it was.
  left() {
    if (this.input.value.trim() === "" && this.shown) this.set(null);
    this.input.value = this.shown;
    this.close();
  }

  refreshClear() {
    this.clear.hidden = !this.shown || this.input.disabled;
  }

  close() {
    clearTimeout(this.delay);
    this.request?.abort();
    this.list.hidden = true;
    this.active = -1;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }
}
