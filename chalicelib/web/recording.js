// The page of one recording: player, plots and transcript.

import { address, call, recordingPath } from "./api.js";
import { removalDialog, reprocessDialog } from "./actions.js";
import { conversationPanel } from "./conversation.js";
import { Corrections } from "./corrections.js";
import { readDisplay, readSpectrogram } from "./display.js";
import { downloadsOf, saveClip, saveWords } from "./downloads.js";
import { button, h, replace, state, toast } from "./dom.js";
import { downloadMenu } from "./menu.js";
import { Pane } from "./pane.js";
import { Player } from "./player.js";
import { poll } from "./polling.js";
import { fragment } from "./routes.js";
import { saveFrames } from "./saving.js";
import { Stage } from "./stage.js";
import { progressOfAll } from "./standin.js";
import { detailsOf, factsLine, noticesOf } from "./summary.js";
import { Timeline } from "./timeline.js";
import { TranscriptText, doubtLegend } from "./transcript.js";
import { Transport } from "./transport.js";
import { troubleState } from "./trouble.js";
import { done, isUnfinished, nameOf } from "./wording.js";
import { Words } from "./words.js";

/** Shows a recording, at the time in the address if there is one. */
export function recordingView({ id, t }, caller) {
  return new RecordingView(id, Number(t) || 0, caller);
}

class RecordingView {
  constructor(id, time, caller) {
    this.corrections = new Corrections(id, caller.owner);
    this.isOriginal = false;
    this.path = recordingPath(id);
    this.id = id;
    this.startTime = time;
    this.title = "Recording";
    this.progress = {};
    this.abort = new AbortController();
    this.heading = h("div", { class: "recording-heading" });
    this.notices = h("div", { class: "notices", "aria-live": "polite" });
    this.stagePlace = h("div", { class: "stage" });
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
        h("div", { class: "seen" }, this.stagePlace, this.plots, this.facts),
        this.reading,
      ),
    );
    this.plotsPane = new Pane(this.plots, {
      versionOf: (one) =>
        one.display_key && one.features === "COMPLETED" && (one.features_at ?? one.display_key),
      load: (_, signal) => this.loadTimeline(signal),
      stateOf: (one) => plotsState(one),
      onLoaded: (timeline) => this.onTimeline(timeline),
    });
    this.textPane = new Pane(this.reading, {
      versionOf: (one) => one.transcription === "COMPLETED" && (one.transcription_at ?? "once"),
      load: (_, signal) => this.loadText(signal),
      stateOf: (one) => readingState(one, this.progress.transcription),
      onLoaded: (text) => this.onText(text),
    });
    this.polling = poll(() => this.look());
  }

  get timeline() {
    return this.plotsPane.part;
  }

  get text() {
    return this.textPane.part;
  }

  async look() {
    let recording;
    let progress;
    try {
      recording = await call(this.path, { signal: this.abort.signal });
      progress = isUnfinished(recording) ? (await progressOfAll(this.abort.signal))[this.id] : {};
    } catch (error) {
      if (!this.abort.signal.aborted && (!this.recording || error.status === 404)) this.fail(error);
      throw error;
    }
    const written = JSON.stringify([recording, progress]);
    const changed = written !== this.written;
    this.written = written;
    this.progress = progress ?? {};
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
    replace(this.facts, detailsOf(recording, this.facts.querySelector("details")?.open));
    if (isFirst || (this.stage.isBroken && recording.renditions === "COMPLETED")) this.showPlayer();
    this.plotsPane.update(recording);
    this.textPane.update(recording);
  }

  showHeading() {
    const { recording } = this;
    const wasOpen = this.menu?.element.querySelector(".menu-list:not([hidden])");
    if (!wasOpen) {
      this.menu?.close();
      this.menu = downloadMenu(downloadsOf(recording));
    }
    const hadFocus = this.heading.contains(document.activeElement) && document.activeElement.textContent;
    replace(
      this.heading,
      h("div", {}, h("h1", { tabindex: -1 }, h("bdi", {}, this.title)), factsLine(recording)),
      h(
        "div",
        { class: "actions" },
        this.menu.element,
        button("Process again", "again", () => reprocessDialog([recording], () => this.polling.hurry())),
        button("Delete", "bin", () => removalDialog(recording, this.polling, () => this.close()), {
          class: "danger",
        }),
      ),
    );
    if (hadFocus)
      [...this.heading.querySelectorAll("button, h1")]
        .find((found) => found.textContent === hadFocus)
        ?.focus();
    replace(this.notices, noticesOf(recording, this.progress));
  }

  showPlayer() {
    this.stage?.close();
    this.player?.close();
    this.transport?.close();
    const player = new Player(this.recording);
    const linkTo = (time) => location.href.replace(/#.*$/, fragment(this.path, { t: time.toFixed(2) }));
    this.player = player;
    this.stage = new Stage(player, { isUnfinished: () => isUnfinished(this.recording) });
    replace(this.stagePlace, this.stage.element);
    const transport = new Transport(player, { linkTo });
    this.transport?.element.remove();
    this.transport = transport;
    this.element.append(transport.element);
    const update = () => this.update();
    player.addEventListener("time", update);
    player.addEventListener("state", update);
    // No controls for media that cannot be played; a rendition in progress may be played later.
    player.addEventListener("broken", () => {
      transport.element.hidden = true;
    });
    if (this.startTime) player.seek(this.startTime);
    if (this.timeline) transport.setDisplay(this.timeline.display, this.timeline.view);
    if (this.text) this.stage.setWords(this.text.words, this.recording.language_code);
  }

  update() {
    const { player, transport, timeline, text } = this;
    if (!transport) return; // a closed player also sends events
    transport.update();
    timeline?.show(player.time, player);
    text?.light(player.time, player);
  }

  seek(seconds) {
    this.player.seek(seconds);
    this.timeline?.view.follow(seconds);
  }

  playFrom(seconds) {
    this.seek(seconds);
    this.player.play();
  }

  /** Goes to another time of this recording, when the address changes. */
  revisit({ t }) {
    if (t !== undefined && this.player) this.seek(Number(t) || 0);
  }

  async loadTimeline(signal) {
    const url = await address(`${this.path}/features/display`);
    const display = readDisplay(await call(url, { signal }));
    return new Timeline(display, {
      seek: (time) => this.seek(time),
      playRange: (range, isLooped) => this.player.playRange(range, isLooped),
      saves: [
        ["Save as WAV", (range) => saveClip(this.id, range)],
        ["Save words", (range) => saveWords(this.id, range)],
        ["Save frames", (range) => saveFrames(this.recording, range)],
      ],
    });
  }

  onTimeline(timeline) {
    if (this.text) timeline.setWords(this.text.words);
    this.transport.setDisplay(timeline.display, timeline.view);
    timeline.open(this.player.time);
    if (timeline.display.hasSpectrogram) this.loadSpectrogram(timeline);
    this.update();
  }

  /** The page also works without the spectrogram, so a failure is only shown as a message. */
  async loadSpectrogram(timeline) {
    try {
      const url = await address(`${this.path}/features/spectrogram`);
      timeline.setSpectrogram(readSpectrogram(await call(url, { signal: this.abort.signal })));
    } catch (error) {
      if (!this.abort.signal.aborted) toast(`The spectrogram cannot be shown: ${error.message}`);
    }
  }

  async loadText(signal) {
    const transcript = await this.loadTranscript(signal);
    const words = new Words(transcript);
    const text = new TranscriptText(transcript, words, {
      seek: (time) => this.seek(time),
      playFrom: (time) => this.playFrom(time),
      corrections: this.corrections,
      changing: {
        isOriginal: this.isOriginal,
        onChange: (place) => this.showCorrected(place),
        onOriginal: () => {
          this.isOriginal = !this.isOriginal;
          this.showCorrected({});
        },
      },
    });
    if (!words.length)
      replace(
        text.element,
        state("empty", "No speech was recognised", "There are no words in this recording."),
      );
    const talk = conversationPanel(words);
    if (talk) text.text.before(talk);
    const legend = doubtLegend(words);
    if (legend) text.element.append(legend);
    const list = this.corrections.list((entry) => text.editing.undo(entry), this.listIsOpen);
    if (list) {
      text.element.append(list);
      list.addEventListener("toggle", () => {
        this.listIsOpen = list.open;
      });
    }
    return text;
  }

  /** Reads the transcript, then its corrections; reads both again if they do not belong together. */
  async loadTranscript(signal) {
    const parameters = { version: this.isOriginal ? "original" : null, redirect: "no" };
    for (let tries = 3; ; tries -= 1) {
      let transcript = await call(`${this.path}/transcript`, { signal, parameters });
      // If the transcript is too large for an answer, the answer contains its address.
      if (transcript.url) transcript = await call(transcript.url, { signal });
      await this.corrections.load(signal);
      if (this.isOriginal || this.corrections.areIn(transcript) || tries === 1) return transcript;
    }
  }

  /** Shows the new text at the same place, and continues with the text that the user was typing. */
  async showCorrected(place) {
    const top = scrollY;
    await this.textPane.again(this.recording);
    scrollTo(0, top);
    if (place.time !== undefined) this.text?.editing.resume(place);
    else this.text?.editing.version.focus();
  }

  onText(text) {
    this.timeline?.setWords(text.words);
    this.stage.setWords(text.words, this.recording.language_code);
    this.update();
    if (this.startTime && text.lit) text.lit.scrollIntoView({ block: "nearest" });
  }

  /** Handles a key of this view; returns whether it had an effect. */
  onKey(key) {
    const { player, timeline, text, menu } = this;
    const acts = {
      " ": () => player.toggle(),
      k: () => player.toggle(),
      j: () => this.seek(player.time - 5),
      l: () => this.seek(player.time + 5),
      ArrowLeft: () => this.seek(player.time - 5),
      ArrowRight: () => this.seek(player.time + 5),
      "[": () => player.changeRate(-1),
      "]": () => player.changeRate(1),
      m: () => player.toggleSound(),
      "+": () => timeline?.zoomIn(),
      "=": () => timeline?.zoomIn(),
      "-": () => timeline?.view.zoom(1.6),
      0: () => timeline?.view.set(0, timeline.view.duration),
      i: () => timeline?.selection.setEdge("start", player.time),
      o: () => timeline?.selection.setEdge("end", player.time),
      p: () => timeline?.selection.play(),
      Escape: () => timeline?.selection.clear(),
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
    for (const part of [this.plotsPane, this.textPane, this.stage, this.player, this.transport, this.menu])
      part?.close();
    this.player = this.transport = null;
  }
}

// The reason of a failed branch is shown above, among the messages.

function plotsState(recording) {
  switch (recording.features) {
    case "FAILED":
      return state("failed", "Not measured");
    case "SKIPPED":
      return state("empty", "Nothing to measure", recording.features_reason);
    case "COMPLETED":
      return state(
        "empty",
        "Nothing to draw",
        "This recording has no plots, because an earlier version measured it. Process it again to see them.",
      );
    default:
      return state("busy", "Measuring", "Waveform, pitch and MFCC appear here in a moment.");
  }
}

function readingState(recording, told) {
  switch (recording.transcription) {
    case "FAILED":
      return state("failed", "Not transcribed");
    case "SKIPPED":
      return state("empty", "Nothing to transcribe", recording.transcription_reason);
    default:
      return state(
        "busy",
        told ? `Transcribing: ${done(told)}` : "Transcribing",
        "The words appear here as soon as they are recognised. The page updates itself.",
        told && h("progress", { max: 1, value: told.share, "aria-label": "Transcribed" }),
      );
  }
}
