// One recording: heard, seen and read at the same time.

import { address, call, recordingPath } from "./api.js";
import { removalDialog, reprocess } from "./actions.js";
import { readDisplay } from "./display.js";
import { downloadsOf } from "./downloads.js";
import { button, h, replace, state } from "./dom.js";
import { chips } from "./library.js";
import { downloadMenu } from "./menu.js";
import { Player } from "./player.js";
import { poll } from "./polling.js";
import { fragment } from "./routes.js";
import { Timeline } from "./timeline.js";
import { TranscriptText, unsureLegend } from "./transcript.js";
import { Transport } from "./transport.js";
import { troubleState } from "./trouble.js";
import {
  BRANCHES,
  UNFINISHED,
  date,
  duration,
  language,
  nameOf,
  percent,
  plural,
  size,
  visible,
} from "./wording.js";
import { Words } from "./words.js";

/** Shows a recording, at a moment if the address names one. */
export function recordingView({ id, t }) {
  return new RecordingView(id, Number(t) || 0);
}

class RecordingView {
  constructor(id, time) {
    this.path = recordingPath(id);
    this.id = id;
    this.startTime = time;
    this.title = "Recording";
    this.parts = {};
    this.abort = new AbortController();
    this.heading = h("div", { class: "recording-heading" });
    this.notices = h("div", { class: "notices", "aria-live": "polite" });
    this.stage = h("div", { class: "stage" });
    this.plots = h("div", { class: "plots" }, h("div", { class: "ghost tall" }, h("span")));
    this.reading = h("div", { class: "reading" }, h("div", { class: "ghost tall" }, h("span")));
    this.facts = h("div", { class: "facts" });
    this.element = h(
      "div",
      { class: "page recording", "aria-busy": "true" },
      h("p", { class: "trail" }, h("a", { href: "#/" }, "All recordings")),
      this.heading,
      this.notices,
      h(
        "div",
        { class: "columns" },
        h("div", { class: "seen" }, this.stage, this.plots, this.facts),
        this.reading,
      ),
    );
    this.polling = poll(() => this.look());
  }

  async look() {
    let recording;
    try {
      recording = await call(this.path, { signal: this.abort.signal });
    } catch (error) {
      if (!this.abort.signal.aborted && (!this.recording || error.status === 404)) this.fail(error);
      throw error;
    }
    const changed = JSON.stringify(recording) !== JSON.stringify(this.recording);
    if (changed) this.show(recording);
    return changed ? "changed" : isUnfinished(recording) ? "busy" : "idle";
  }

  fail(error) {
    this.close();
    replace(
      this.element,
      troubleState(error, () => location.reload()),
    );
  }

  show(recording) {
    const isFirst = !this.recording;
    this.recording = recording;
    this.title = nameOf(recording);
    document.title = `${this.title} · Earshot`;
    this.element.removeAttribute("aria-busy");
    this.showHeading();
    this.showFacts();
    if (isFirst) this.showPlayer();
    else if (this.isBroken && recording.renditions === "COMPLETED") this.showPlayer();
    this.showPlots();
    this.showTranscript();
  }

  showHeading() {
    const { recording } = this;
    const facts = [
      recording.duration_s && duration(recording.duration_s),
      recording.language_code && language(recording.language_code),
      recording.word_count > 0 && plural(recording.word_count, "word"),
      recording.mean_confidence && `${percent(recording.mean_confidence)} sure`,
      date(recording.created_at),
      visible(recording.owner),
    ].filter(Boolean);
    const wasOpen = this.parts.menu?.element.querySelector(".menu-list:not([hidden])");
    if (!wasOpen) {
      this.parts.menu?.close();
      this.parts.menu = downloadMenu(downloadsOf(recording));
    }
    const hadFocus = this.heading.contains(document.activeElement) && document.activeElement.textContent;
    replace(
      this.heading,
      h(
        "div",
        {},
        h("h1", { tabindex: -1 }, h("bdi", {}, this.title)),
        h("p", { class: "soft" }, h("bdi", {}, facts.join("  ·  "))),
      ),
      h(
        "div",
        { class: "actions" },
        this.parts.menu.element,
        button("Process again", "again", () => reprocess(recording, () => this.polling.hurry())),
        button("Delete", "bin", () => removalDialog(recording, () => this.close()), { class: "danger" }),
      ),
    );
    if (hadFocus)
      [...this.heading.querySelectorAll("button, h1")]
        .find((found) => found.textContent === hadFocus)
        ?.focus();
    const settled = !isUnfinished(recording) && !recording.reason;
    replace(
      this.notices,
      settled ? [] : h("p", { class: "branches" }, chips(recording)),
      BRANCHES.filter((branch) => recording[`${branch}_reason`] && recording[branch] !== "SKIPPED").map(
        (branch) =>
          h(
            "p",
            { class: recording[branch] === "FAILED" ? "notice bad" : "notice" },
            recording[`${branch}_reason`],
          ),
      ),
    );
  }

  showPlayer() {
    this.parts.player?.close();
    this.parts.transport?.close();
    this.isBroken = false;
    const player = new Player(this.recording);
    const linkTo = (time) => location.href.replace(/#.*$/, fragment(this.path, { t: time.toFixed(2) }));
    const transport = new Transport(player, { linkTo });
    Object.assign(this.parts, { player, transport });
    replace(this.stage, player.media);
    this.transportPlace?.remove();
    this.transportPlace = transport.element;
    this.element.append(transport.element);
    const update = () => this.update();
    player.addEventListener("time", update);
    player.addEventListener("state", update);
    player.addEventListener("broken", () => {
      this.isBroken = true;
      const words = isUnfinished(this.recording)
        ? "This browser cannot play the upload; what it can play is being made."
        : "This browser cannot play the upload. It can be downloaded.";
      replace(this.stage, h("p", { class: "notice" }, words));
    });
    if (this.startTime) player.seek(this.startTime);
    if (this.display) transport.setDisplay(this.display, this.parts.timeline.view);
  }

  update() {
    const { player, transport, timeline, text } = this.parts;
    if (!transport) return; // a player that is closed says so
    transport.update();
    timeline?.show(player.time, player);
    text?.light(player.time, player);
  }

  seek(seconds) {
    this.parts.player.seek(seconds);
    this.parts.timeline?.view.follow(seconds);
  }

  /** Goes to a moment, when the address names another one of this recording. */
  revisit({ t }) {
    if (t !== undefined && this.parts.player) this.seek(Number(t) || 0);
  }

  async showPlots() {
    const { recording } = this;
    const version = recording.display_key && recording.features === "COMPLETED" && recording.updated_at;
    if (!version) {
      if (!this.parts.timeline) replace(this.plots, this.plotsState());
      return;
    }
    if (this.parts.timeline || this.loadingPlots) return;
    this.loadingPlots = true;
    try {
      const url = await address(`${this.path}/features/display`);
      const display = readDisplay(await call(url, { signal: this.abort.signal }));
      const timeline = new Timeline(display, { seek: (time) => this.seek(time) });
      this.parts.timeline = timeline;
      this.display = display;
      replace(this.plots, timeline.element);
      if (this.words) timeline.setWords(this.words);
      this.parts.transport.setDisplay(display, timeline.view);
      if (this.startTime) timeline.view.follow(this.startTime);
      this.update();
    } catch (error) {
      if (!this.abort.signal.aborted)
        replace(
          this.plots,
          troubleState(error, () => this.showPlots()),
        );
    } finally {
      this.loadingPlots = false;
    }
  }

  plotsState() {
    switch (this.recording.features) {
      case "FAILED":
        return state("failed", "Not measured", this.recording.features_reason);
      case "SKIPPED":
        return state("empty", "Nothing to measure", this.recording.features_reason);
      case "COMPLETED":
        return state(
          "empty",
          "Nothing to draw",
          "This recording was measured before pictures were. Process it again to see it.",
        );
      default:
        return state("busy", "Measuring", "Waveform, pitch and MFCC appear here in a moment.");
    }
  }

  async showTranscript() {
    const { recording } = this;
    if (this.parts.text || this.loadingText) return;
    if (recording.transcription !== "COMPLETED") {
      replace(this.reading, this.readingState());
      return;
    }
    this.loadingText = true;
    try {
      const transcript = await call(`${this.path}/transcript`, { signal: this.abort.signal });
      this.words = new Words(transcript);
      const text = new TranscriptText(transcript, this.words, { seek: (time) => this.seek(time) });
      this.parts.text = text;
      const nothing =
        !this.words.length &&
        state("empty", "No speech was recognised", "There are no words in this recording.");
      replace(this.reading, nothing || text.element, unsureLegend(this.words));
      this.parts.timeline?.setWords(this.words);
      this.update();
      if (this.startTime && text.lit) text.lit.scrollIntoView({ block: "nearest" });
    } catch (error) {
      if (!this.abort.signal.aborted)
        replace(
          this.reading,
          troubleState(error, () => this.showTranscript()),
        );
    } finally {
      this.loadingText = false;
    }
  }

  readingState() {
    switch (this.recording.transcription) {
      case "FAILED":
        return state("failed", "Not transcribed", this.recording.transcription_reason);
      case "SKIPPED":
        return state("empty", "Nothing to transcribe", this.recording.transcription_reason);
      default:
        return state(
          "busy",
          "Transcribing",
          "The words appear here as soon as they are recognised. This page looks by itself.",
        );
    }
  }

  showFacts() {
    const { recording } = this;
    const parameters = Object.entries(recording.feature_parameters ?? {}).filter(
      ([, value]) => value !== null,
    );
    const rows = [
      ["Recording", recording.recording_id],
      ["Upload", visible(recording.source_key)],
      ["Size", size(recording.size)],
      ["ETag", recording.etag],
      [
        "Measured at",
        recording.sample_rate_hz &&
          `${recording.sample_rate_hz.toLocaleString()} Hz, ${plural(recording.n_frames, "frame")}`,
      ],
      [
        "Parameters",
        parameters
          .map(([name, value]) => `${name} ${Array.isArray(value) ? value.join(", ") : value}`)
          .join(" · "),
      ],
    ].filter(([, value]) => value);
    const wasOpen = this.facts.querySelector("details")?.open;
    replace(
      this.facts,
      h(
        "details",
        { open: wasOpen },
        h("summary", {}, "Details"),
        h(
          "dl",
          {},
          rows.map(([name, value]) => [h("dt", {}, name), h("dd", {}, h("bdi", {}, String(value)))]).flat(),
        ),
      ),
    );
  }

  /** What the keys of this view do; true if one did something. */
  onKey(key) {
    const { player, timeline, text, menu } = this.parts;
    const acts = {
      " ": () => player.toggle(),
      k: () => player.toggle(),
      j: () => this.seek(player.time - 5),
      l: () => this.seek(player.time + 5),
      ArrowLeft: () => this.seek(player.time - 5),
      ArrowRight: () => this.seek(player.time + 5),
      "[": () => player.changeRate(-1),
      "]": () => player.changeRate(1),
      "+": () => timeline?.zoomIn(),
      "=": () => timeline?.zoomIn(),
      "-": () => timeline?.view.zoom(1.6),
      0: () => timeline?.view.set(0, timeline.view.duration),
      f: () => text?.query.focus(),
      n: () => text?.step(1),
      N: () => text?.step(-1),
      d: () => menu?.open(),
    };
    if (!acts[key] || !player) return false;
    acts[key]();
    return true;
  }

  close() {
    this.abort.abort();
    this.polling?.stop();
    for (const part of Object.values(this.parts)) part.close();
    this.parts = {};
  }
}

function isUnfinished(recording) {
  return BRANCHES.some((branch) => UNFINISHED.has(recording[branch]));
}
