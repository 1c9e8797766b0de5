// The keyboard shortcuts, and the dialog that lists them.

import { button, h } from "./dom.js";

/** @type {[string, [string, string][]][]} */
const KEYS = [
  [
    "Everywhere",
    [
      ["/", "Search every transcript"],
      ["?", "This list"],
    ],
  ],
  ["In the list", [["↑ ↓", "From recording to recording"]]],
  [
    "In a recording",
    [
      ["Space or K", "Play or pause"],
      ["J L or ← →", "Back or forward by 5 seconds"],
      ["[ ]", "Slower or faster"],
      ["M", "Sound off or on"],
      ["+ − 0", "Zoom in, out, show everything"],
      ["I, O, P", "Select from here, to here, play it"],
      ["F, N, Shift N", "Find, next, previous"],
      ["D", "Downloads"],
    ],
  ],
  [
    "With the focus on",
    [
      ["the timeline", "← → by a second, with Shift by ten; drag with Shift to select"],
      ["the words", "← → from word to word, Enter plays from there, E corrects, S splits or joins"],
    ],
  ],
];

/** Shows the list. */
export function shortcutsDialog() {
  const close = button("Close", null, () => dialog.close(), { class: "primary" });
  const dialog = h(
    "dialog",
    { class: "dialog", "aria-labelledby": "keys-title" },
    h("h2", { id: "keys-title" }, "Keyboard"),
    KEYS.map(([title, rows]) =>
      h(
        "section",
        {},
        h("h3", {}, title),
        h(
          "dl",
          { class: "keys" },
          rows.map(([keys, words]) => h("div", {}, h("dt", {}, keys), h("dd", {}, words))),
        ),
      ),
    ),
    h("div", { class: "actions" }, close),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
