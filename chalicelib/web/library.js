// The list of recordings: live, filtered, by page.

import { call, recordingPath } from "./api.js";
import { button, h, icon, replace, state } from "./dom.js";
import { poll } from "./polling.js";
import { go } from "./routes.js";
import { troubleState } from "./trouble.js";
import { FORMATS, dropPlace } from "./uploads.js";
import { BRANCHES, OVERALL, UNFINISHED, date, duration, nameOf, statusWords, visible, when } from "./wording.js";

const PAGE = 50;
const SIGNS = {
  PENDING: "clock",
  IN_PROGRESS: "clock",
  COMPLETED: "check",
  FAILED: "warning",
  SKIPPED: "dash",
};

/** Shows the list; `caller` says whether owners can be chosen. */
export function libraryView({ status = "", owner = "" }, caller) {
  const list = h("ol", { class: "rows", "aria-label": "Recordings" });
  const body = h("div", { class: "library" }, loading());
  const more = button("Show more", "down", showMore, { class: "more", hidden: true });
  const rows = new Map();
  let cursor = null;
  let olderPages = 0;

  const polling = poll(async () => {
    try {
      const page = await call("recordings", { parameters: { status, owner, limit: PAGE } });
      if (!olderPages) cursor = page.cursor;
      const changed = show(page.recordings, true);
      const busy = page.recordings.some((recording) => UNFINISHED.has(recording.status));
      return changed ? "changed" : busy ? "busy" : "idle";
    } catch (error) {
      if (!rows.size)
        replace(
          body,
          troubleState(error, () => polling.hurry()),
        );
      throw error;
    }
  });

  /** Brings the rows up to date, and keeps those that are as they were: focus stays where it is. */
  function show(recordings, isFirstPage) {
    let changed = false;
    if (isFirstPage && !olderPages) {
      const ids = new Set(recordings.map((recording) => recording.recording_id));
      for (const [id, row] of rows) {
        if (ids.has(id)) continue;
        row.element.remove();
        rows.delete(id);
        changed = true;
      }
    }
    let before = isFirstPage ? null : list.lastElementChild;
    for (const recording of recordings) {
      const written = JSON.stringify(recording);
      const known = rows.get(recording.recording_id);
      if (known?.written !== written) {
        changed = true;
        const element = known?.element ?? h("li");
        const hadFocus = element.contains(document.activeElement);
        replace(element, rowOf(recording, caller));
        if (hadFocus) element.querySelector("a").focus();
        rows.set(recording.recording_id, { written, element });
      }
      const { element } = rows.get(recording.recording_id);
      const place = before ? before.nextElementSibling : list.firstElementChild;
      if (element !== place) list.insertBefore(element, place);
      before = element;
    }
    more.hidden = !cursor;
    const content = rows.size ? list : emptyState(status, owner);
    if (body.firstElementChild !== list || !rows.size) replace(body, content);
    return changed;
  }

  async function showMore() {
    more.disabled = true;
    try {
      const page = await call("recordings", { parameters: { status, owner, limit: PAGE, cursor } });
      cursor = page.cursor;
      olderPages += 1;
      show(page.recordings, false);
    } finally {
      more.disabled = false;
    }
  }

  list.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const links = [...list.querySelectorAll("a.row")];
    const target = links[links.indexOf(document.activeElement) + step];
    if (!step || !target) return;
    event.preventDefault();
    target.focus();
  });

  return {
    title: "Recordings",
    element: h(
      "div",
      { class: "page" },
      dropPlace(() => polling.hurry()),
      h(
        "div",
        { class: "heading" },
        h("h1", { tabindex: -1 }, "Recordings"),
        filters({ status, owner }, caller),
      ),
      body,
      more,
    ),
    close: () => polling.stop(),
  };
}

function rowOf(recording, caller) {
  const name = nameOf(recording);
  const remark = recording.reason || recording.excerpt;
  return h(
    "a",
    { class: "row", href: `#/${recordingPath(recording.recording_id)}` },
    h("span", { class: "row-name" }, h("bdi", {}, name)),
    h(
      "span",
      { class: recording.status === "FAILED" ? "row-text bad" : "row-text", dir: "auto" },
      remark ?? (UNFINISHED.has(recording.status) ? "" : "No words were recognised."),
    ),
    h("span", { class: "row-branches" }, chips(recording)),
    h("span", { class: "row-length" }, recording.duration_s ? duration(recording.duration_s) : "–"),
    h(
      "span",
      { class: "row-when" },
      caller.is_administrator && h("bdi", { class: "row-owner" }, visible(recording.owner)),
      h(
        "time",
        { datetime: recording.created_at, title: date(recording.created_at) },
        when(recording.created_at),
      ),
    ),
  );
}

/** A chip for each branch that there is something to say of. */
export function chips(recording) {
  return BRANCHES.filter((branch) => !(branch === "renditions" && recording[branch] === "SKIPPED")).map(
    (branch) =>
      h(
        "span",
        { class: `chip ${String(recording[branch]).toLowerCase()}` },
        icon(SIGNS[recording[branch]] ?? "dash"),
        statusWords(branch, recording[branch]),
      ),
  );
}

function filters({ status, owner }, caller) {
  const form = h(
    "form",
    { class: "filters", "aria-label": "Filters" },
    h(
      "label",
      {},
      h("span", {}, "Status"),
      h(
        "select",
        { name: "status" },
        h("option", { value: "" }, "All"),
        Object.entries(OVERALL).map(([value, words]) =>
          h("option", { value, selected: value === status }, words),
        ),
      ),
    ),
    caller.is_administrator &&
      h(
        "label",
        {},
        h("span", {}, "Owner"),
        h("input", {
          name: "owner",
          value: owner,
          placeholder: "Everybody",
          spellcheck: "false",
          autocapitalize: "off",
          size: 12,
        }),
      ),
  );
  const apply = (event) => {
    event.preventDefault();
    go("", Object.fromEntries(new FormData(form)));
  };
  form.addEventListener("change", apply);
  form.addEventListener("submit", apply);
  return form;
}

function emptyState(status, owner) {
  if (status || owner) {
    const words = `No recording${owner ? ` of ${visible(owner)}` : ""} is ${status ? OVERALL[status].toLowerCase() : "here"}.`;
    return state(
      "empty",
      "Nothing matches",
      words,
      h("p", {}, h("a", { href: "#/" }, "Show all recordings")),
    );
  }
  return state(
    "empty",
    "Nothing here yet",
    `Drop a recording on this page, or choose one: ${FORMATS}. Its transcript, pitch and MFCC appear here as they are made.`,
  );
}

function loading() {
  const ghost = () => h("li", { class: "ghost" }, h("span"), h("span"));
  return h(
    "ol",
    { class: "rows", "aria-label": "Loading", "aria-busy": "true" },
    Array.from({ length: 5 }, ghost),
  );
}
