// Local mode: the recogniser that replaces Amazon Transcribe, and its progress.

import { call } from "./api.js";
import { h } from "./dom.js";

const told = /** @type {HTMLMetaElement} */ (document.querySelector('meta[name="stand-in"]'));

/** The recogniser's name in local mode; null on a deployed page. */
export const standIn = told.content || null;

/** A line that says that the words are not from Amazon Transcribe. */
export function standInBanner() {
  return h(
    "aside",
    { class: "banner stand-in", "aria-label": "Local mode" },
    `Local mode: ${standIn} stands in for Amazon Transcribe`,
    standIn === "pocketsphinx" &&
      ", and mishears much that is not read aloud. EARSHOT_RECOGNISER names a better one",
    ".",
  );
}

/** The progress by recording and branch; empty if it is not known. */
export async function progressOfAll(signal) {
  return standIn ? (await call("progress", { signal })).recordings : {};
}
