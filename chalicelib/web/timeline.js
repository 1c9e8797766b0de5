// Waveform, words, pitch contour and heat map under one time axis, with a playhead.

import { View, coefficientAt, pitchAt } from "./display.js";
import { button, h, prefersStillness, replace } from "./dom.js";
import { Overview } from "./overview.js";
import * as paint from "./painting.js";
import { Selection } from "./selection.js";
import { clock, spokenTime } from "./wording.js";

const ZOOM = 1.6;
const HEADROOM_PX = 2;
const LONG_S = 90; // a longer recording is not readable as a whole,
const READABLE_S = 30; // so only this much is shown at first

/**
 * The plots of a recording. `seek` is called with the seconds under the pointer, `playRange` with
 * the part to play; `saves` are the ways to save a part, as in `Selection`.
 */
export class Timeline {
  constructor(display, { seek, playRange, saves }) {
    this.display = display;
    this.view = new View(display.duration);
    this.seek = seek;
    this.words = null;
    this.spoken = -1;
    this.time = 0;
    this.pointers = new Map();
    this.selection = new Selection(display, {
      playRange,
      saves,
      onChange: () => this.placeSelection(),
    });
    this.overview = new Overview(display, this.view);
    this.range = display.pitch && paint.pitchRange(display.pitch);
    this.levels = display.level && paint.levelRange(display.level);
    this.picture = display.mfcc && paint.heatPicture(display.mfcc);
    this.build();
    this.view.addEventListener("change", () => this.draw());
    this.resizing = new ResizeObserver(() => this.draw());
    this.resizing.observe(this.lanes);
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.onScheme = () => this.draw();
    this.scheme.addEventListener("change", this.onScheme);
  }

  build() {
    const lane = (name, words, ...gutter) => {
      const canvas = h("canvas", { class: name });
      return [
        canvas,
        h(
          "div",
          { class: `lane ${name}` },
          h("div", { class: "gutter" }, h("span", { class: "lane-name" }, words), gutter),
          canvas,
        ),
      ];
    };
    const { pitch, mfcc, level } = this.display;
    const [wave, waveLane] = lane("wave", "Waveform");
    const [words, wordsLane] = lane("words", "Words");
    const [loudness, levelLane] = lane(
      "level",
      "Level, dB",
      level && h("span", { class: "top" }, String(this.levels.most)),
      level && h("span", { class: "foot" }, String(this.levels.least)),
    );
    const [contour, pitchLane] = lane("pitch", "Pitch, Hz", pitch && this.pitchScale());
    const [sound, soundLane] = lane("sound", "Spectrum", h("span", { class: "foot" }, "low"));
    const [heat, heatLane] = lane(
      "heat",
      "MFCC",
      mfcc && h("span", { class: "top" }, String(mfcc.n)),
      mfcc && h("span", { class: "foot" }, "1"),
    );
    const [axis, axisLane] = lane("axis", "");
    wordsLane.hidden = true;
    this.canvases = { wave, words, loudness, contour, sound, heat, axis };
    this.wordsLane = wordsLane;
    this.playhead = h("div", { class: "playhead" });
    this.hover = h("div", { class: "hover", hidden: true });
    this.selected = h("div", { class: "stretch", hidden: true });
    this.readout = h("output", { class: "readout", "aria-live": "off" });
    this.lanes = h(
      "div",
      {
        class: "lanes",
        role: "slider",
        tabindex: 0,
        "aria-label": "Timeline",
        "aria-valuemin": 0,
        "aria-valuemax": Math.ceil(this.view.duration),
        "aria-describedby": "timeline-keys",
      },
      waveLane,
      wordsLane,
      level && levelLane,
      pitch && pitchLane,
      this.display.hasSpectrogram && soundLane,
      mfcc && heatLane,
      axisLane,
      h("div", { class: "over" }, this.selected, this.hover, this.playhead),
    );
    this.listen();
    const tool = (words, name, act, keys) =>
      button(words, name, act, { wordless: true, class: "quiet", "aria-keyshortcuts": keys });
    this.element = h(
      "section",
      { class: "timeline", "aria-label": "Waveform, level, pitch, spectrum and MFCC" },
      h(
        "div",
        { class: "timeline-bar" },
        this.readout,
        tool("Zoom out", "minus", () => this.view.zoom(ZOOM), "-"),
        tool("Zoom in", "plus", () => this.zoomIn(), "+"),
        tool("Show the whole recording", "fit", () => this.view.set(0, this.view.duration), "0"),
      ),
      this.overview.element,
      this.lanes,
      this.display.mfcc && paint.heatScale(),
      this.selection.element,
      h(
        "p",
        { class: "unseen", id: "timeline-keys" },
        "Arrow keys move by a second, with Shift by ten. Plus and minus zoom, 0 shows everything. I and O select from and to the playhead, P plays it.",
      ),
    );
  }

  pitchScale() {
    return paint.pitchTicks(this.range).map((hz) => {
      const mark = h("span", { class: "mark" }, String(hz));
      mark.style.top = `${paint.pitchHeight(hz, this.range, 100)}%`;
      return mark;
    });
  }

  listen() {
    const { lanes } = this;
    lanes.addEventListener("pointerdown", (event) => this.onDown(event));
    lanes.addEventListener("pointermove", (event) => this.onMove(event));
    for (const name of ["pointerup", "pointercancel"])
      lanes.addEventListener(name, (event) => {
        this.pointers.delete(event.pointerId);
        this.selectedFrom = null;
      });
    lanes.addEventListener("pointerleave", () => this.read(null));
    lanes.addEventListener("wheel", (event) => this.onWheel(event), { passive: false });
    lanes.addEventListener("keydown", (event) => this.onKey(event));
  }

  /** The time under a pointer, in seconds. */
  at(event) {
    const box = this.canvases.wave.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    return this.view.start + share * this.view.span;
  }

  onDown(event) {
    if (event.button) return;
    this.pointers.set(event.pointerId, event.clientX);
    this.lanes.setPointerCapture(event.pointerId);
    // A drag on the axis, or with Shift anywhere, selects.
    const selects = event.shiftKey || event.target === this.canvases.axis;
    this.selectedFrom = selects && this.pointers.size === 1 ? this.at(event) : null;
    if (this.pointers.size === 1) this.seek(this.at(event));
  }

  onMove(event) {
    this.read(event);
    if (!this.pointers.has(event.pointerId)) return;
    if (this.pointers.size === 2) {
      const spread = () => Math.abs([...this.pointers.values()].reduce((a, b) => a - b)) || 1;
      const before = spread();
      this.pointers.set(event.pointerId, event.clientX);
      this.view.zoom(before / spread(), this.at(event));
    } else {
      this.pointers.set(event.pointerId, event.clientX);
      if (this.selectedFrom === null) this.seek(this.at(event));
      else this.selection.set(this.selectedFrom, this.at(event));
    }
  }

  onWheel(event) {
    const sideways =
      Math.abs(event.deltaX) > Math.abs(event.deltaY) ? event.deltaX : event.shiftKey ? event.deltaY : 0;
    if (event.ctrlKey || event.metaKey) this.view.zoom(Math.exp(event.deltaY * 0.006), this.at(event));
    else if (sideways && !this.view.isWhole)
      this.view.set(this.view.start + (sideways / this.canvases.wave.clientWidth) * this.view.span);
    else return; // the page scrolls
    event.preventDefault();
  }

  onKey(event) {
    const step = event.shiftKey ? 10 : 1;
    const { duration } = this.view;
    const moves = {
      ArrowLeft: this.time - step,
      ArrowRight: this.time + step,
      PageUp: this.time - duration / 10,
      PageDown: this.time + duration / 10,
      Home: 0,
      End: duration,
    };
    if (!(event.key in moves) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    this.seek(moves[event.key]);
    this.view.follow(Math.min(duration, Math.max(0, moves[event.key])));
  }

  zoomIn() {
    const { start, end } = this.view;
    this.view.zoom(1 / ZOOM, this.time >= start && this.time <= end ? this.time : undefined);
  }

  /** Shows the values under the pointer, or at the playhead. */
  read(event) {
    this.hover.hidden = !event;
    const time = event ? this.at(event) : this.time;
    if (event) this.hover.style.transform = `translateX(${this.x(time)}px)`;
    const { mfcc } = this.display;
    const hz = pitchAt(this.display, time);
    const facts = [h("span", { class: "stamp" }, clock(time, 2))];
    if (this.display.pitch) facts.push(h("span", {}, hz ? `${hz.toFixed(1)} Hz` : "unvoiced"));
    if (event && mfcc && event.target === this.canvases.heat) {
      const box = this.canvases.heat.getBoundingClientRect();
      const number = Math.min(
        mfcc.n - 1,
        Math.max(0, Math.floor((1 - (event.clientY - box.top) / box.height) * mfcc.n)),
      );
      facts.push(
        h("span", {}, `MFCC ${number + 1}: ${coefficientAt(this.display, time, number).toFixed(1)}`),
      );
    }
    const word = this.words?.at(time) ?? -1;
    if (word >= 0) facts.push(h("bdi", { class: "read-word" }, this.words.text[word]));
    replace(this.readout, facts);
  }

  x(time) {
    return ((time - this.view.start) / this.view.span) * this.canvases.wave.clientWidth;
  }

  placeSelection() {
    const { range } = this.selection;
    this.selected.hidden = !range;
    if (!range) return;
    this.selected.style.left = `${this.x(range.start)}px`;
    this.selected.style.width = `${this.x(range.end) - this.x(range.start)}px`;
  }

  /** Shows a readable part of a long recording that contains a time. */
  open(time) {
    if (this.view.duration > LONG_S) this.view.set(time - READABLE_S / 4, READABLE_S);
  }

  setWords(words) {
    this.words = words;
    this.wordsLane.hidden = words.length === 0;
    this.draw();
  }

  /** Draws the spectrogram, which arrives after the other data. */
  setSpectrogram(spectrogram) {
    this.spectrum = { column: spectrogram.column, picture: paint.heatPicture(spectrogram) };
    this.draw();
  }

  /** Moves the playhead, and the view with it during playback. */
  show(time, { isPlaying }) {
    this.time = time;
    if (isPlaying && !this.pointers.size && !prefersStillness()) this.view.follow(time);
    const spoken = this.words?.at(time) ?? -1;
    if (spoken !== this.spoken) {
      this.spoken = spoken;
      this.drawWords();
    }
    this.place();
    this.lanes.setAttribute("aria-valuenow", Math.round(time));
    this.lanes.setAttribute("aria-valuetext", spokenTime(time));
    if (this.hover.hidden) this.read(null);
  }

  place() {
    const x = this.x(this.time);
    this.playhead.hidden = x < -HEADROOM_PX || x > this.canvases.wave.clientWidth + HEADROOM_PX;
    this.playhead.style.transform = `translateX(${x}px)`;
    this.placeSelection();
  }

  /** Draws everything once before the next frame, for any number of changes. */
  draw() {
    this.pending ??= requestAnimationFrame(() => {
      this.pending = null;
      if (!this.element.isConnected) return;
      const { wave, loudness, contour, sound, heat, axis } = this.canvases;
      const { peaks, pitch, mfcc, level } = this.display;
      const colours = this.colours();
      paint.drawWaveform(wave, peaks, this.view, colours.wave);
      if (level)
        paint.drawLevel(loudness, level, this.levels, this.view, { line: colours.wave, grid: colours.grid });
      if (pitch)
        paint.drawPitch(contour, pitch, this.range, this.view, { line: colours.pitch, grid: colours.grid });
      if (this.spectrum) paint.drawHeat(sound, this.spectrum.picture, this.spectrum.column, this.view);
      if (mfcc) paint.drawHeat(heat, this.picture, mfcc.column, this.view);
      this.overview.draw(colours.whole);
      paint.drawAxis(axis, this.view, colours, this.font);
      this.drawWords();
      this.place();
    });
  }

  drawWords() {
    if (this.words && !this.wordsLane.hidden)
      paint.drawWords(this.canvases.words, this.words, this.view, this.spoken, this.colours(), this.font);
  }

  /** @returns {Record<string, string> & paint.Colours} */
  colours() {
    const style = getComputedStyle(this.lanes);
    this.font = `500 11px ${style.fontFamily}`;
    const names = {
      wave: "--wave",
      whole: "--wave-soft",
      pitch: "--pitch",
      grid: "--line",
      text: "--ink",
      soft: "--line-strong",
      accent: "--accent",
      accentSoft: "--accent-soft",
    };
    const colours = Object.entries(names).map(([name, property]) => [name, style.getPropertyValue(property)]);
    const tones = [0, 1, 2, 3, 4, 5].map((number) => style.getPropertyValue(`--tone-${number}`));
    return /** @type {any} */ ({ ...Object.fromEntries(colours), tones });
  }

  close() {
    this.resizing.disconnect();
    this.scheme.removeEventListener("change", this.onScheme);
    cancelAnimationFrame(this.pending);
  }
}
