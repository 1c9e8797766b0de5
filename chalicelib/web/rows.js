// A recording's row in the list, and the orders and lengths by which rows are shown.

import { recordingPath } from "./api.js";
import { h } from "./dom.js";
import { chips } from "./status.js";
import { UNFINISHED, date, duration, nameOf, visible, when } from "./wording.js";

const byText = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" }).compare;

/** The sort orders: a label and a comparison; the API's own order needs none. */
export const ORDERS = {
  "": { words: "Newest first" },
  oldest: { words: "Oldest first", compare: (a, b) => byText(a.created_at, b.created_at) },
  name: { words: "Name", compare: (a, b) => byText(nameOf(a), nameOf(b)) },
  longest: { words: "Longest first", compare: (a, b) => (b.duration_s ?? 0) - (a.duration_s ?? 0) },
  shortest: {
    words: "Shortest first",
    compare: (a, b) => (a.duration_s ?? Infinity) - (b.duration_s ?? Infinity),
  },
  status: { words: "Status", compare: (a, b) => byText(b.status, a.status) },
};

/** The lengths to filter by: a label, and the limits in seconds: `from` or more, and `below`. */
export const LENGTHS = {
  "": { words: "All" },
  short: { words: "Under a minute", from: 0, below: 60 },
  middle: { words: "1 to 10 minutes", from: 60, below: 600 },
  long: { words: "10 minutes to an hour", from: 600, below: 3600 },
  longest: { words: "Over an hour", from: 3600, below: Infinity },
};

/** Whether a recording has a length; false if its duration is not known. */
export function hasLength({ duration_s: seconds }, length) {
  const { from, below } = LENGTHS[length];
  return from === undefined || (seconds >= from && seconds < below && seconds !== null);
}

/** A row: a checkbox, and a link with the recording's facts. */
export function rowOf(recording, { isAdministrator, isChosen, progress, onChoose }) {
  const name = nameOf(recording);
  const remark = recording.reason || recording.excerpt;
  const box = h("input", {
    type: "checkbox",
    class: "choose",
    "aria-label": `Select ${name}`,
    checked: isChosen,
  });
  box.addEventListener("change", () => onChoose(box.checked));
  return [
    box,
    h(
      "a",
      { class: "row", href: `#/${recordingPath(recording.recording_id)}` },
      h("span", { class: "row-name" }, h("bdi", {}, name)),
      h(
        "span",
        { class: recording.status === "FAILED" ? "row-text bad" : "row-text", dir: "auto" },
        remark ?? (UNFINISHED.has(recording.status) ? "" : "No words were recognised."),
      ),
      h("span", { class: "row-branches" }, chips(recording, progress)),
      h("span", { class: "row-length" }, recording.duration_s ? duration(recording.duration_s) : "–"),
      h(
        "span",
        { class: "row-when" },
        isAdministrator && h("bdi", { class: "row-owner" }, visible(recording.owner)),
        h(
          "time",
          { datetime: recording.created_at, title: date(recording.created_at) },
          when(recording.created_at),
        ),
      ),
    ),
  ];
}
