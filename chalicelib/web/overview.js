// The overview of a long recording, with a window around the visible part that can be dragged.

import { h } from "./dom.js";
import { drawWaveform } from "./painting.js";
import { spokenTime } from "./wording.js";

/** Draws the whole waveform and the view's window; hidden while everything is visible. */
export class Overview {
  constructor(display, view) {
    this.display = display;
    this.view = view;
    this.grip = 0;
    this.drawn = "";
    this.canvas = h("canvas");
    this.window = h("div", { class: "window" });
    this.element = h(
      "div",
      {
        class: "whole",
        role: "slider",
        tabindex: 0,
        hidden: true,
        "aria-label": "Part in view",
        "aria-valuemin": 0,
        "aria-valuemax": Math.ceil(view.duration),
      },
      this.canvas,
      this.window,
    );
    this.element.addEventListener("pointerdown", (event) => this.onDown(event));
    this.element.addEventListener("pointermove", (event) => {
      if (this.element.hasPointerCapture(event.pointerId)) this.moveTo(this.at(event) - this.grip);
    });
    this.element.addEventListener("keydown", (event) => this.onKey(event));
    view.addEventListener("change", () => this.place());
    this.place();
  }

  at(event) {
    const box = this.element.getBoundingClientRect();
    return ((event.clientX - box.left) / box.width) * this.view.duration;
  }

  onDown(event) {
    if (event.button) return;
    const time = this.at(event);
    const { start, end, span } = this.view;
    // A drag that begins on the window moves it; elsewhere the window jumps to the pointer.
    this.grip = time >= start && time <= end ? time - start : span / 2;
    this.element.setPointerCapture(event.pointerId);
    this.moveTo(time - this.grip);
  }

  moveTo(start) {
    this.view.set(start);
  }

  onKey(event) {
    const step = { ArrowLeft: -0.25, ArrowRight: 0.25, PageUp: -1, PageDown: 1 }[event.key];
    const start = { Home: 0, End: this.view.duration }[event.key];
    if (step === undefined && start === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    this.view.set(start ?? this.view.start + step * this.view.span);
  }

  place() {
    const { start, span, duration, isWhole } = this.view;
    this.element.hidden = isWhole;
    this.window.style.left = `${(100 * start) / duration}%`;
    this.window.style.width = `${(100 * span) / duration}%`;
    this.element.setAttribute("aria-valuenow", String(Math.round(start)));
    this.element.setAttribute("aria-valuetext", `${spokenTime(start)} to ${spokenTime(start + span)}`);
  }

  /** Draws the waveform once; after that, only the window moves with the view. */
  draw(colour) {
    const drawn = `${this.canvas.clientWidth} ${devicePixelRatio} ${colour}`;
    if (drawn === this.drawn || !this.canvas.clientWidth) return;
    this.drawn = drawn;
    drawWaveform(this.canvas, this.display.peaks, { start: 0, span: this.view.duration }, colour);
  }
}
