// Local mode: which recogniser stands in for Amazon Transcribe, and how far it is.

import { call } from "./api.js";
import { h } from "./dom.js";

const told = /** @type {HTMLMetaElement} */ (document.querySelector('meta[name="stand-in"]'));

/** The recogniser's name on one's own machine; nothing where the page is deployed. */
export const standIn = told.content || null;

/** A line that keeps a visitor from taking the stand-in's words for Amazon Transcribe's. */
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
