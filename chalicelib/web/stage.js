// The picture of a video: a click plays or pauses, and captions show the transcript's words.

import { button, h, replace } from "./dom.js";

const CAPTION_CHARACTERS = 84; // two lines, as subtitles have
const CAPTION_PAUSE_S = 1.5;

/** A player's picture with its captions; hidden if there is no picture. */
export class Stage {
  constructor(player, { isUnfinished }) {
    this.player = player;
    this.isBroken = false;
    /** @type {TextTrack | null} */
    this.track = null;
    this.captions = button("Captions", null, () => this.showCaptions(!this.areShown), {
      class: "toggle",
      "aria-pressed": "false",
      hidden: true,
    });
    const full = button("Full screen", "fit", () => this.frame.requestFullscreen?.());
    this.tools = h("div", { class: "stage-tools" }, this.captions, full);
    this.frame = h("div", { class: "frame" }, player.media);
    this.element = h("div", { class: "video", hidden: player.media.hidden }, this.frame, this.tools);
    player.media.addEventListener("click", () => player.toggle());
    player.media.addEventListener("loadedmetadata", () => {
      this.element.hidden = player.media.hidden;
    });
    player.addEventListener("broken", () => {
      this.isBroken = true;
      const words = isUnfinished()
        ? "This browser cannot play the upload. A version that it can play is being made."
        : "This browser cannot play the upload. It can be downloaded.";
      this.element.hidden = false;
      replace(this.element, h("p", { class: "notice" }, words));
    });
  }

  get areShown() {
    return this.track?.mode === "showing";
  }

  /** Makes captions from a transcript's words. They replace those of an earlier transcript. */
  setWords(words, language) {
    if (!words.length || this.isBroken) return;
    this.track ??= this.player.media.addTextTrack("captions", "Transcript", language?.split("-")[0] ?? "");
    const wasShown = this.areShown;
    this.track.mode = "hidden"; // a track that is off has no list of cues
    for (const cue of [...this.track.cues]) this.track.removeCue(cue);
    for (const { start, end, text } of captionsOf(words)) this.track.addCue(new VTTCue(start, end, text));
    this.captions.hidden = false;
    this.showCaptions(wasShown);
  }

  showCaptions(areShown) {
    this.track.mode = areShown ? "showing" : "hidden";
    this.captions.setAttribute("aria-pressed", String(areShown));
  }

  close() {
    if (this.track) this.track.mode = "disabled";
  }
}

/** Words in runs that fit under a picture: a pause, another speaker or a full line ends a run. */
export function captionsOf(words) {
  const captions = [];
  for (const i of words.order) {
    const text = words.text[i] + (words.punctuation[i] ?? "");
    const last = captions.at(-1);
    const goesOn =
      last &&
      last.speaker === words.speaker[i] &&
      words.start[i] - last.end < CAPTION_PAUSE_S &&
      last.text.length + text.length < CAPTION_CHARACTERS;
    if (goesOn) {
      last.text += ` ${text}`;
      last.end = Math.max(last.end, words.end[i]);
    } else captions.push({ start: words.start[i], end: words.end[i], text, speaker: words.speaker[i] });
  }
  return captions;
}
