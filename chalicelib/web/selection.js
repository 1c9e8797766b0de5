// A selected part of the time axis: plays, loops, measures and saves it.

import { meanLevel } from "./display.js";
import { button, h, replace, toast } from "./dom.js";
import { clock } from "./wording.js";

const LEAST_S = 0.05;

/**
 * The selection of a timeline. `saves` are pairs of a button's words and a function that saves the
 * part; `onChange` draws it again.
 */
export class Selection {
  constructor(display, { playRange, saves, onChange }) {
    this.display = display;
    this.playRange = playRange;
    this.onChange = onChange;
    this.range = null;
    this.isLooped = false;
    this.words = h("output", { class: "selected", "aria-live": "polite" });
    this.loop = button("Loop", null, () => this.setLooped(!this.isLooped), {
      class: "toggle",
      "aria-pressed": "false",
    });
    this.element = h(
      "div",
      { class: "selection-bar", hidden: true },
      this.words,
      button("Play the selection", "play", () => this.play(), { "aria-keyshortcuts": "p" }),
      this.loop,
      saves.map(([words, save]) => this.saveButton(words, save)),
      button("Clear the selection", "close", () => this.clear(), { wordless: true, class: "quiet" }),
    );
  }

  saveButton(words, save) {
    const element = button(words, "download", async () => {
      element.disabled = true;
      await save(this.range).catch((error) => toast(error.message));
      element.disabled = false;
    });
    return element;
  }

  /** Selects the part between two times, in any order. */
  set(one, other) {
    const [start, end] = one < other ? [one, other] : [other, one];
    this.range = {
      start: Math.max(0, start),
      end: Math.min(this.display.duration, Math.max(end, start + LEAST_S)),
    };
    this.show();
  }

  /** Sets one edge; the other stays, or is the recording's start or end. */
  setEdge(edge, time) {
    const other = edge === "start" ? (this.range?.end ?? this.display.duration) : (this.range?.start ?? 0);
    this.set(time, other);
  }

  setLooped(isLooped) {
    this.isLooped = isLooped;
    this.loop.setAttribute("aria-pressed", String(isLooped));
    if (this.range) this.play();
  }

  play() {
    if (this.range) this.playRange(this.range, this.isLooped);
  }

  clear() {
    this.range = null;
    this.playRange(null);
    this.show();
  }

  show() {
    this.element.hidden = !this.range;
    if (this.range) {
      const { start, end } = this.range;
      const hz = meanPitch(this.display, this.range);
      const level = meanLevel(this.display, this.range);
      replace(
        this.words,
        h("span", { class: "stamp" }, `${clock(start, 2)} – ${clock(end, 2)}`),
        h("span", {}, `${(end - start).toFixed(2)} s`),
        this.display.pitch && h("span", {}, hz ? `mean ${hz.toFixed(1)} Hz` : "unvoiced"),
        level !== null && h("span", {}, `${level.toFixed(1)} dB`),
      );
    }
    this.onChange();
  }
}

/** The mean f0 in hertz of the voiced columns of a part, or nothing. */
function meanPitch({ pitch }, { start, end }) {
  if (!pitch) return 0;
  const voiced = pitch.f0
    .slice(Math.ceil(start / pitch.column), Math.floor(end / pitch.column) + 1)
    .filter((hz) => hz > 0);
  return voiced.length ? voiced.reduce((a, b) => a + b) / voiced.length : 0;
}
