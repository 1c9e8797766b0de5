// The bar below a recording: play, skip, overview, speed.

import { button, h, icon, replace, toast } from "./dom.js";
import { drawWaveform } from "./painting.js";
import { RATES } from "./player.js";
import { clock, spokenTime } from "./wording.js";

const SKIP_S = 5;

/** The controls of a player. With a display, they have the overview and the view's window. */
export class Transport {
  constructor(player, { linkTo }) {
    this.player = player;
    this.display = null;
    this.view = null;
    this.toggle = button("Play", "play", () => player.toggle(), {
      wordless: true,
      class: "play",
      "aria-keyshortcuts": "Space",
    });
    this.clock = h("span", { class: "clock" });
    this.rate = h(
      "select",
      { "aria-label": "Speed", title: "Speed" },
      RATES.map((rate) => h("option", { value: rate, selected: rate === 1 }, `${rate}×`)),
    );
    this.rate.addEventListener("change", () => {
      player.rate = Number(this.rate.value);
    });
    this.volume = h("input", {
      type: "range",
      class: "volume",
      min: 0,
      max: 1,
      step: 0.05,
      value: 1,
      "aria-label": "Volume",
      title: "Volume",
      "aria-keyshortcuts": "m",
    });
    this.volume.addEventListener("input", () => {
      player.volume = Number(this.volume.value);
    });
    this.canvas = h("canvas");
    this.window = h("div", { class: "window", hidden: true });
    this.played = h("div", { class: "played" });
    this.overview = h(
      "div",
      { class: "overview", role: "slider", tabindex: 0, "aria-label": "Position", "aria-valuemin": 0 },
      this.played,
      this.canvas,
      this.window,
      h("div", { class: "knob" }),
    );
    this.copy = button("Copy a link to this moment", "link", () => this.copyLink(linkTo), {
      wordless: true,
      class: "quiet",
    });
    const skip = (seconds, words) =>
      h(
        "button",
        {
          type: "button",
          class: "quiet skip",
          "aria-label": words,
          title: words,
          onclick: () => player.seek(player.time + seconds),
        },
        seconds < 0 ? `−${-seconds}` : `+${seconds}`,
      );
    this.element = h(
      "section",
      { class: "transport", "aria-label": "Player" },
      skip(-SKIP_S, "Back 5 seconds"),
      this.toggle,
      skip(SKIP_S, "Forward 5 seconds"),
      this.clock,
      this.overview,
      this.rate,
      this.volume,
      this.copy,
    );
    this.listen();
    this.update();
  }

  listen() {
    const seek = (event) => {
      const box = this.overview.getBoundingClientRect();
      this.player.seek(((event.clientX - box.left) / box.width) * this.duration);
    };
    this.overview.addEventListener("pointerdown", (event) => {
      this.overview.setPointerCapture(event.pointerId);
      seek(event);
    });
    this.overview.addEventListener(
      "pointermove",
      (event) => this.overview.hasPointerCapture(event.pointerId) && seek(event),
    );
    this.overview.addEventListener("keydown", (event) => {
      const step = {
        ArrowLeft: -SKIP_S,
        ArrowDown: -SKIP_S,
        ArrowRight: SKIP_S,
        ArrowUp: SKIP_S,
        PageUp: this.duration / 10,
        PageDown: -this.duration / 10,
        Home: -Infinity,
        End: Infinity,
      }[event.key];
      if (!step) return;
      event.preventDefault();
      event.stopPropagation();
      this.player.seek(Math.min(this.duration, Math.max(0, this.player.time + step)));
    });
    this.resizing = new ResizeObserver(() => this.draw());
    this.resizing.observe(this.overview);
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.onScheme = () => this.draw();
    this.scheme.addEventListener("change", this.onScheme);
  }

  get duration() {
    return this.display?.duration || this.player.duration || 0;
  }

  setDisplay(display, view) {
    this.display = display;
    this.view = view;
    view.addEventListener("change", () => this.placeWindow());
    this.draw();
    this.update();
  }

  draw() {
    if (!this.display) return;
    const colour = getComputedStyle(this.overview).getPropertyValue("--wave-soft");
    drawWaveform(this.canvas, this.display.peaks, { start: 0, span: this.display.duration }, colour);
    this.placeWindow();
  }

  placeWindow() {
    this.window.hidden = this.view.isWhole;
    this.window.style.left = `${(100 * this.view.start) / this.view.duration}%`;
    this.window.style.width = `${(100 * this.view.span) / this.view.duration}%`;
  }

  /** Shows the player's state. */
  update() {
    const { time, isPlaying, rate } = this.player;
    if (this.shownPlaying !== isPlaying) {
      this.shownPlaying = isPlaying;
      replace(this.toggle, icon(isPlaying ? "pause" : "play"));
      this.toggle.setAttribute("aria-label", isPlaying ? "Pause" : "Play");
      this.toggle.title = isPlaying ? "Pause" : "Play";
    }
    const words = `${clock(time)} / ${clock(this.duration)}`;
    if (this.clock.textContent !== words) {
      this.clock.textContent = words;
      this.overview.setAttribute("aria-valuemax", Math.ceil(this.duration));
      this.overview.setAttribute("aria-valuenow", Math.round(time));
      this.overview.setAttribute("aria-valuetext", `${spokenTime(time)} of ${spokenTime(this.duration)}`);
    }
    if (Number(this.volume.value) !== this.player.volume) this.volume.value = String(this.player.volume);
    if (Number(this.rate.value) !== rate) this.rate.value = String(rate);
    this.overview.style.setProperty("--share", this.duration ? Math.min(1, time / this.duration) : 0);
  }

  async copyLink(linkTo) {
    const address = linkTo(this.player.time);
    try {
      await navigator.clipboard.writeText(address);
      toast(`Link to ${clock(this.player.time)} copied`);
    } catch {
      toast(address); // no permission: at least it can be selected
    }
  }

  close() {
    this.resizing.disconnect();
    this.scheme.removeEventListener("change", this.onScheme);
  }
}
