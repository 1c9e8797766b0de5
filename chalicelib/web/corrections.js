// The corrections of a transcript: reads, writes, undoes and lists them. A write fails if somebody
// else has written first.

import { ask, recordingPath } from "./api.js";
import { button, h } from "./dom.js";
import { clock, plural, visible, when } from "./wording.js";

/** Somebody else has written first. Nothing was written, and their corrections are loaded now. */
export class ConflictError extends Error {}

/** The corrections of a recording, and the ETag of this version of them. */
export class Corrections {
  constructor(id, owner) {
    this.path = recordingPath(id, "corrections");
    this.owner = owner;
    this.entries = [];
    this.etag = "";
  }

  async load(signal) {
    const response = await ask(this.path, { signal });
    this.take(response.headers.get("ETag"), await response.json());
  }

  take(etag, { corrections }) {
    this.etag = etag;
    this.entries = corrections;
  }

  /** Whether a transcript has exactly these corrections. */
  areIn({ corrections_etag: etag }) {
    return this.etag === `"${etag ?? "none"}"`;
  }

  /** The recognised form of a word. A correction finds its word by this form. */
  originOf(words, i) {
    const writer = this.entries[words.correction[i]];
    if (writer) return { words: writer.words, start_s: writer.start_s, channel: writer.channel };
    return { words: [words.text[i]], start_s: words.start[i], channel: words.channel[i] ?? null };
  }

  /** The newest correction that the caller has made, or nothing. */
  get latest() {
    return this.entries.findLast((one) => one.by === this.owner);
  }

  add(entry) {
    return this.write([...this.entries, entry]);
  }

  remove(entry) {
    return this.write(this.entries.filter((one) => one !== entry));
  }

  async write(corrections) {
    try {
      const headers = { "If-Match": this.etag };
      const response = await ask(this.path, { method: "PUT", body: { corrections }, headers });
      this.take(response.headers.get("ETag"), await response.json());
    } catch (error) {
      if (error.status !== 412) throw error;
      this.take(error.etag, error.answer);
      const others = this.entries.findLast((one) => one.by !== this.owner)?.by;
      throw new ConflictError(
        `${visible(others ?? "Somebody")} has changed the corrections in the meantime. You see them now; yours is not saved yet.`,
      );
    }
  }

  /** A collapsed list of all corrections, each with an undo button; null if there are none. */
  list(onUndo, isOpen) {
    if (!this.entries.length) return null;
    const lost = this.entries.filter((one) => !one.matches).length;
    return h(
      "details",
      { class: "corrections", open: isOpen },
      h(
        "summary",
        {},
        plural(this.entries.length, "correction"),
        lost > 0 && ` · ${lost} without ${lost === 1 ? "its" : "their"} words`,
      ),
      h(
        "ul",
        {},
        this.entries.map((one) =>
          h(
            "li",
            {},
            h(
              "div",
              {},
              h("p", {}, h("bdi", {}, told(one))),
              h("p", { class: "soft" }, h("bdi", {}, visible(one.by)), `, ${when(one.at)}`),
              !one.matches &&
                h(
                  "p",
                  { class: "lost" },
                  `Not applied: at ${clock(one.start_s)} these words are not in the transcript any more.`,
                ),
            ),
            button("Undo", null, () => onUndo(one), { "aria-label": `Undo: ${told(one)}` }),
          ),
        ),
      ),
    );
  }
}

function told({ kind, words, text }) {
  const heard = `“${visible(words.join(" "))}”`;
  if (kind === "speaker") return `The speaker of ${heard} is ${visible(text)}`;
  if (kind === "split") return `A segment begins at ${heard}`;
  if (kind === "join") return `${heard} continues the segment before`;
  return text ? `${heard} is “${visible(text)}”` : `${heard} is taken out`;
}
