// The transcript by speaker: the spoken word is highlighted, and a click goes to a word's time.

import { button, h, prefersStillness } from "./dom.js";
import { Editing } from "./editing.js";
import { clock, percent, speaker, visible } from "./wording.js";

const HANDS_OFF_MS = 4000;

/**
 * A transcript's text. `seek` and `playFrom` are called with the seconds at which a word begins;
 * `corrections` and `changing` are for its editor.
 */
export class TranscriptText {
  constructor(transcript, words, { seek, playFrom, corrections, changing }) {
    this.words = words;
    /** The words at which segments begin. */
    this.firsts = new Set(transcript.segments.map((segment) => segment.first_word));
    this.corrections = corrections;
    this.editing = new Editing(this, corrections, changing);
    this.seek = seek;
    this.playFrom = playFrom;
    this.spans = new Array(words.length);
    this.lit = null;
    this.caret = -1;
    this.found = [];
    this.place = -1;
    this.scrolledAt = -Infinity;
    this.follows = true;
    const segments = transcript.segments.map((segment) => {
      const label = segment.speaker;
      return this.paragraph(segment, label, words.tones.get(label));
    });
    this.text = h(
      "div",
      {
        class: "text",
        tabindex: 0,
        role: "group",
        "aria-label":
          "Words: arrow keys go from word to word, Enter plays from there, E corrects, S splits or joins",
      },
      segments,
    );
    this.element = h("section", { class: "transcript", "aria-label": "Transcript" }, this.bar(), this.text);
    this.listen();
  }

  paragraph(segment, label, tone) {
    const stamp = h(
      "button",
      { type: "button", class: "stamp", "aria-label": `Play from ${clock(segment.start_s)}` },
      clock(segment.start_s),
    );
    stamp.addEventListener("click", () => this.playFrom(segment.start_s));
    const text = h("p", { dir: "auto", lang: segment.language_code ?? null });
    let rest = segment.text;
    for (let i = segment.first_word; i < segment.first_word + segment.n_words; i += 1) {
      // The text between two words is the segment's: a space, a comma, or nothing in Japanese.
      const place = rest.indexOf(this.words.text[i]);
      text.append(place >= 0 ? rest.slice(0, place) : " ", this.span(i));
      if (place >= 0) rest = rest.slice(place + this.words.text[i].length);
    }
    text.append(rest);
    return h(
      "div",
      { class: label ? `segment tone-${tone}` : "segment" },
      h(
        "div",
        { class: "who" },
        label && h("bdi", { class: "speaker" }, speaker(label)),
        h("div", { class: "moment" }, stamp, this.editing.renamer(segment, label)),
      ),
      text,
    );
  }

  span(i) {
    const doubt = this.words.doubt(i);
    const correction = this.corrections.entries[this.words.correction[i]];
    const span = h(
      "span",
      {
        class: correction ? "word corrected" : ["word", "word unsure", "word unsure very"][doubt],
        title: correction
          ? `Corrected by ${visible(correction.by)}: was “${visible(correction.words.join(" "))}”`
          : doubt
            ? `${percent(this.words.confidence[i])} sure`
            : null,
      },
      this.words.text[i],
    );
    span.index = i;
    this.spans[i] = span;
    return span;
  }

  bar() {
    this.query = h("input", {
      type: "search",
      id: "find",
      placeholder: "Find",
      autocomplete: "off",
      spellcheck: "false",
      "aria-keyshortcuts": "f",
    });
    this.count = h("span", { class: "count", role: "status" });
    this.following = button("Follow", null, () => this.setFollowing(!this.follows), {
      class: "toggle",
      "aria-pressed": "true",
      title: "Keep the spoken word in view",
    });
    return h(
      "div",
      { class: "transcript-bar" },
      h("h2", {}, "Transcript"),
      h(
        "div",
        { class: "find" },
        h("label", { class: "unseen", for: "find" }, "Find in transcript"),
        this.query,
        this.count,
      ),
      this.following,
      this.editing.tools,
    );
  }

  listen() {
    const chosen = (event) => event.target.closest?.(".word")?.index;
    this.text.addEventListener("click", (event) => {
      const i = chosen(event);
      if (i === undefined || !getSelection().isCollapsed) return;
      if (this.editing.isOn) this.editing.openWord(i);
      else this.choose(i);
    });
    this.text.addEventListener("keydown", (event) => this.onKey(event));
    this.query.addEventListener("input", () => this.find(this.query.value));
    this.query.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.step(event.shiftKey ? -1 : 1);
      if (event.key === "Escape") {
        this.query.value = "";
        this.find("");
        this.query.blur();
      }
    });
    this.onScroll = () => {
      this.scrolledAt = performance.now();
    };
    for (const name of ["wheel", "touchmove"]) addEventListener(name, this.onScroll, { passive: true });
  }

  onKey(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (event.target.tagName === "BUTTON" || event.altKey || event.ctrlKey || event.metaKey) return;
    if (step) {
      const from = this.caret >= 0 ? this.caret : (this.lit?.index ?? -1);
      this.moveCaret(Math.min(this.words.length - 1, Math.max(0, from + step)));
    } else if (event.key === "Enter" && this.caret >= 0) this.playFrom(this.words.start[this.caret]);
    else if (event.key === "e" && this.caret >= 0) this.editing.openWord(this.caret);
    else if (event.key === "s" && this.caret >= 0) this.editing.turnBoundary(this.caret);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  moveCaret(i) {
    if (!this.spans[i]) return;
    this.spans[this.caret]?.removeAttribute("tabindex");
    this.caret = i;
    this.spans[i].tabIndex = -1;
    this.spans[i].focus({ preventScroll: true });
    this.reveal(i);
  }

  choose(i) {
    this.caret = i;
    this.seek(this.words.start[i]);
  }

  /** Highlights the spoken word, and keeps it in view unless the user has scrolled away. */
  light(time, { isPlaying }) {
    const span = this.spans[this.words.at(time)] ?? null;
    if (span === this.lit) return;
    this.lit?.classList.remove("spoken");
    span?.classList.add("spoken");
    this.lit = span;
    if (span && isPlaying && this.follows && performance.now() - this.scrolledAt > HANDS_OFF_MS)
      this.reveal(span.index);
  }

  setFollowing(follows) {
    this.follows = follows;
    this.following.setAttribute("aria-pressed", String(follows));
    this.scrolledAt = -Infinity;
    if (follows && this.lit) this.reveal(this.lit.index);
  }

  reveal(i) {
    const box = this.spans[i].getBoundingClientRect();
    const isInView = box.top > innerHeight * 0.15 && box.bottom < innerHeight * 0.78;
    // A long distance is not scrolled smoothly.
    const isFar = Math.abs(box.top) > innerHeight * 3;
    if (!isInView)
      this.spans[i].scrollIntoView({
        block: "center",
        behavior: prefersStillness() || isFar ? "auto" : "smooth",
      });
  }

  find(phrase) {
    for (const [first, last] of this.found) this.mark(first, last, false);
    this.found = this.words.find(phrase).filter(([first, last]) => this.spans[first] && this.spans[last]);
    for (const [first, last] of this.found) this.mark(first, last, true);
    this.place = -1;
    if (this.found.length) this.step(1);
    else this.count.textContent = phrase.trim() ? "None" : "";
  }

  mark(first, last, isFound) {
    for (let i = first; i <= last; i += 1) {
      this.spans[i]?.classList.toggle("found", isFound);
      if (!isFound) this.spans[i]?.classList.remove("here");
    }
  }

  /** Goes to the next or the previous match. */
  step(direction) {
    if (!this.found.length) return;
    const shift = (isHere) => {
      const [first, last] = this.found[this.place] ?? [0, -1];
      for (let i = first; i <= last; i += 1) this.spans[i]?.classList.toggle("here", isHere);
    };
    shift(false);
    this.place = (this.place + direction + this.found.length) % this.found.length;
    shift(true);
    this.count.textContent = `${this.place + 1} of ${this.found.length}`;
    this.reveal(this.found[this.place][0]);
  }

  close() {
    for (const name of ["wheel", "touchmove"]) removeEventListener(name, this.onScroll);
  }
}

/** A legend of the dotted lines, if there are any. */
export function doubtLegend(words) {
  let n = 0;
  for (let i = 0; i < words.length; i += 1) n += words.doubt(i) ? 1 : 0;
  const isPoor = words.meanConfidence !== null && words.meanConfidence < 0.6;
  if (!n && !isPoor) return null;
  return h(
    "p",
    { class: "legend" },
    n > 0 && [
      h("span", { class: "unsure" }, "Dotted words"),
      ` are less than ${percent(words.bounds[0])} sure`,
    ],
    n > 0 &&
      words.bounds[1] > 0 && [
        ", ",
        h("span", { class: "unsure very" }, "bold dots"),
        ` less than ${percent(words.bounds[1])}`,
      ],
    n > 0 && ". ",
    isPoor && `The recording was hard to hear: ${percent(words.meanConfidence)} sure on average.`,
  );
}
