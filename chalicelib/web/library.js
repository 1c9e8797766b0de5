// The list of recordings: filtered, sorted, in pages; it updates itself, and rows can be selected.

import { removalOfMany, reprocessDialog } from "./actions.js";
import { call } from "./api.js";
import { button, h, replace, state, toast } from "./dom.js";
import { poll } from "./polling.js";
import { go } from "./routes.js";
import { LENGTHS, ORDERS, hasLength, rowOf } from "./rows.js";
import { saveTable, saveZip, savingButton } from "./saving.js";
import { progressOfAll } from "./standin.js";
import { troubleState } from "./trouble.js";
import { FORMATS, dropPlace, sendSample } from "./uploads.js";
import { OVERALL, UNFINISHED, nameOf, plural, visible } from "./wording.js";

const PAGE = 50;
const ALL = 1000; // the most recordings that are loaded to sort them or filter them by name

/** Shows the list; `caller` says whether a filter by owner is possible. */
export function libraryView(parameters, caller) {
  return new LibraryView(parameters, caller);
}

class LibraryView {
  constructor({ status = "", owner = "", named = "", from = "", to = "", length = "", sort = "" }, caller) {
    this.title = "Recordings";
    this.caller = caller;
    const known = { length: LENGTHS[length] ? length : "", sort: ORDERS[sort] ? sort : "" };
    this.asked = { status, owner, named, from, to, ...known };
    this.recordings = new Map(); // in the order of the API
    this.rows = new Map();
    this.chosen = new Set();
    this.progress = {};
    this.cursor = null;
    this.hasOlderPages = false;
    this.abort = new AbortController();
    this.list = h("ol", { class: "rows", "aria-label": "Recordings" });
    this.body = h("div", { class: "library" }, loading());
    this.more = button("Show more", "down", () => this.loadMore(), { class: "more", hidden: true });
    this.count = h("p", { class: "soft counted", role: "status" });
    this.chosenBar = h("div", { class: "chosen-bar", hidden: true });
    this.element = h(
      "div",
      { class: "page" },
      dropPlace(() => this.polling.hurry()),
      h(
        "div",
        { class: "heading" },
        h("div", {}, h("h1", { tabindex: -1 }, "Recordings"), this.count),
        filters(this.asked, caller),
      ),
      this.chosenBar,
      this.body,
      this.more,
    );
    this.polling = poll(() => this.look());
  }

  get parameters() {
    const { status, owner, from, to } = this.asked;
    return { status, owner, from, to, limit: PAGE };
  }

  async look() {
    try {
      const page = await call("recordings", { parameters: this.parameters, signal: this.abort.signal });
      const isBusy = page.recordings.some((one) => UNFINISHED.has(one.status));
      this.progress = isBusy ? await progressOfAll(this.abort.signal) : {};
      if (!this.hasOlderPages) this.cursor = page.cursor;
      this.take(page.recordings, true);
      // Sorting, and filtering by name or length, need all recordings, not only the newest fifty.
      const { sort, named, length } = this.asked;
      if ((sort || named || length) && this.cursor) await this.loadAll();
      return this.draw() ? "changed" : isBusy ? "busy" : "idle";
    } catch (error) {
      if (!this.recordings.size && !this.abort.signal.aborted)
        replace(
          this.body,
          troubleState(error, () => this.polling.hurry()),
        );
      throw error;
    }
  }

  take(recordings, isFirstPage) {
    const known = isFirstPage && !this.hasOlderPages ? [] : [...this.recordings];
    const fresh = recordings.map((one) => [one.recording_id, one]);
    this.recordings = new Map(isFirstPage ? [...fresh, ...known] : [...known, ...fresh]);
    if (isFirstPage) for (const [id, one] of fresh) this.recordings.set(id, one);
  }

  async loadAll() {
    while (this.cursor && this.recordings.size < ALL) await this.loadPage();
  }

  async loadPage() {
    const parameters = { ...this.parameters, cursor: this.cursor };
    const page = await call("recordings", { parameters, signal: this.abort.signal });
    this.cursor = page.cursor;
    this.hasOlderPages = true;
    this.take(page.recordings, false);
  }

  async loadMore() {
    this.more.disabled = true;
    try {
      await this.loadPage();
      this.draw();
    } catch (error) {
      toast(error.message);
    } finally {
      this.more.disabled = false;
    }
  }

  shown() {
    const { named, length, sort } = this.asked;
    const wanted = named.trim().toLowerCase();
    const found = [...this.recordings.values()].filter(
      (one) => nameOf(one).toLowerCase().includes(wanted) && hasLength(one, length),
    );
    return ORDERS[sort].compare ? found.sort(ORDERS[sort].compare) : found;
  }

  /** Updates the rows; unchanged rows stay, so that the focus is kept. */
  draw() {
    const shown = this.shown();
    const ids = new Set(shown.map((one) => one.recording_id));
    let changed = false;
    for (const [id, row] of this.rows) {
      if (ids.has(id)) continue;
      row.element.remove();
      this.rows.delete(id);
      this.chosen.delete(id);
      changed = true;
    }
    let before = null;
    for (const recording of shown) {
      const id = recording.recording_id;
      changed = this.drawRow(id, recording) || changed;
      const { element } = this.rows.get(id);
      const place = before ? before.nextElementSibling : this.list.firstElementChild;
      if (element !== place) this.list.insertBefore(element, place);
      before = element;
    }
    this.more.hidden = !this.cursor;
    if (!shown.length) replace(this.body, this.emptyState());
    else if (this.body.firstElementChild !== this.list) replace(this.body, this.list);
    this.count.textContent = shown.length
      ? plural(shown.length, "recording") + (this.cursor ? ", and there are more" : "")
      : "";
    this.drawChosen();
    return changed;
  }

  drawRow(id, recording) {
    const written = JSON.stringify([recording, this.progress[id]]);
    const known = this.rows.get(id);
    if (known?.written === written) return false;
    const element = known?.element ?? h("li");
    const focused = element.contains(document.activeElement) ? document.activeElement.tagName : null;
    replace(
      element,
      rowOf(recording, {
        isAdministrator: this.caller.is_administrator,
        isChosen: this.chosen.has(id),
        progress: this.progress[id],
        onChoose: (isChosen) => this.choose(id, isChosen),
      }),
    );
    if (focused) element.querySelector(focused)?.focus();
    this.rows.set(id, { written, element });
    return true;
  }

  choose(id, isChosen) {
    if (isChosen) this.chosen.add(id);
    else this.chosen.delete(id);
    this.drawChosen();
  }

  chooseAll(isChosen) {
    this.chosen = new Set(isChosen ? this.rows.keys() : []);
    for (const { element } of this.rows.values()) element.querySelector(".choose").checked = isChosen;
    this.drawChosen();
  }

  drawChosen() {
    const n = this.chosen.size;
    this.chosenBar.hidden = !n;
    if (this.chosenBar.dataset.n === String(n)) return;
    this.chosenBar.dataset.n = String(n);
    const chosen = () => [...this.chosen].map((id) => this.recordings.get(id));
    const done = () => {
      this.chooseAll(false);
      this.polling.hurry();
    };
    replace(
      this.chosenBar,
      h("span", { role: "status" }, `${n} selected`),
      n < this.rows.size && button(`Select all ${this.rows.size}`, "check", () => this.chooseAll(true)),
      savingButton("Words as one table", saveTable, chosen),
      savingButton("Texts as ZIP", saveZip, chosen),
      button("Process again", "again", () => reprocessDialog(chosen(), done)),
      button("Delete", "bin", () => removalOfMany(chosen(), done), { class: "danger" }),
      button("Clear the selection", "close", () => this.chooseAll(false), { wordless: true, class: "quiet" }),
    );
  }

  /** Arrow keys move from row to row; without a focus, they move into the list. */
  onKey(key) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[key];
    const links = [...this.list.querySelectorAll("a.row")];
    if (!step || !links.length) return false;
    const place = links.indexOf(document.activeElement);
    const target = place >= 0 ? links[place + step] : links.at(step > 0 ? 0 : -1);
    target?.focus();
    return Boolean(target);
  }

  emptyState() {
    const { status, owner, named, from, to, length } = this.asked;
    if (status || owner || named || from || to || length) {
      const words = [
        "No recording",
        owner && ` of ${visible(owner)}`,
        named && ` named “${visible(named)}”`,
        (from || to) && " of these days",
        length && " of this length",
        ` is ${status ? OVERALL[status].toLowerCase() : "here"}.`,
      ];
      return state(
        "empty",
        "Nothing matches",
        words.filter(Boolean).join(""),
        h("p", {}, h("a", { href: "#/" }, "Show all recordings")),
      );
    }
    const sample = button("Try the sample", "play", async () => {
      sample.disabled = true;
      await sendSample().catch((error) => toast(error.message));
      sample.disabled = false;
    });
    return state(
      "empty",
      "Nothing here yet",
      `Drop a recording on this page, or choose one: ${FORMATS}. Its transcript, pitch and MFCC appear here as they are made.`,
      sample,
    );
  }

  close() {
    this.abort.abort();
    this.polling.stop();
  }
}

function filters({ status, owner, named, from, to, length, sort }, caller) {
  const field = (words, input) => h("label", {}, h("span", {}, words), input);
  const select = (parameter, choices, chosen) =>
    h(
      "select",
      { name: parameter },
      choices.map(([value, words]) => h("option", { value, selected: value === chosen }, words)),
    );
  const labelled = (choices) => Object.entries(choices).map(([value, { words }]) => [value, words]);
  const plain = { spellcheck: "false", autocapitalize: "off", autocomplete: "off" };
  const form = h(
    "form",
    { class: "filters", "aria-label": "Filters" },
    field("Name", h("input", { name: "named", value: named, type: "search", size: 12, ...plain })),
    field("Status", select("status", [["", "All"], ...Object.entries(OVERALL)], status)),
    field("From", h("input", { name: "from", value: from, type: "date" })),
    field("To", h("input", { name: "to", value: to, type: "date" })),
    field("Length", select("length", labelled(LENGTHS), length)),
    caller.is_administrator &&
      field(
        "Owner",
        h("input", { name: "owner", value: owner, placeholder: "Whole name", size: 10, ...plain }),
      ),
    field("Order", select("sort", labelled(ORDERS), sort)),
  );
  const apply = (event) => {
    event.preventDefault();
    go("", Object.fromEntries(new FormData(form)));
  };
  form.addEventListener("change", apply);
  form.addEventListener("submit", apply);
  // On a phone the form fills the screen, so it is closed there until it is needed.
  const isUsed = [status, owner, named, from, to, length, sort].some(Boolean);
  const open = isUsed || matchMedia("(min-width: 621px)").matches;
  return h("details", { class: "filtering", open }, h("summary", {}, "Filter and sort"), form);
}

function loading() {
  const ghost = () => h("li", { class: "ghost" }, h("span"), h("span"));
  return h(
    "ol",
    { class: "rows", "aria-label": "Loading", "aria-busy": "true" },
    Array.from({ length: 5 }, ghost),
  );
}
