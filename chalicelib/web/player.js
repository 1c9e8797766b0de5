// The player of video or audio, with a smooth time while it plays.

import { address, recordingPath } from "./api.js";
import { h } from "./dom.js";
import { nameOf } from "./wording.js";

const RATES = [0.5, 0.75, 1, 1.25, 1.5, 2];

/** Plays a recording. Its events are "time", "state" and "broken". */
export class Player extends EventTarget {
  constructor(recording) {
    super();
    this.duration = recording.duration_s ?? 0;
    // A video element also plays sound; without a picture it is hidden.
    this.media = h("video", {
      preload: "metadata",
      playsinline: true,
      hidden: !recording.poster_key,
      "aria-label": `Video of ${nameOf(recording)}`,
    });
    this.path = recordingPath(recording.recording_id, "media");
    this.sources = sources(recording);
    this.tries = 0;
    this.wanted = 0;
    this.frame = 0;
    this.listen();
    this.load();
  }

  listen() {
    const { media } = this;
    const tell = (name) => () => this.dispatchEvent(new Event(name));
    const play = () => {
      cancelAnimationFrame(this.frame);
      const step = () => {
        this.keepInRange();
        this.dispatchEvent(new Event("time"));
        if (!media.paused) this.frame = requestAnimationFrame(step);
      };
      step();
      tell("state")();
    };
    media.addEventListener("play", play);
    for (const name of ["pause", "ended", "ratechange", "volumechange", "durationchange"])
      media.addEventListener(name, tell("state"));
    media.addEventListener("timeupdate", () => this.keepInRange()); // frames rest in a hidden tab
    for (const name of ["seeking", "seeked", "timeupdate"]) media.addEventListener(name, tell("time"));
    media.addEventListener("loadedmetadata", () => {
      this.isReady = true;
      if (Number.isFinite(media.duration)) this.duration = media.duration;
      media.hidden = !media.videoWidth;
      if (this.wanted) media.currentTime = this.wanted;
      this.wanted = 0;
    });
    media.addEventListener("error", () => this.onError());
  }

  async load() {
    // The browser loads the media before this event; until then `wanted` is the time.
    this.isReady = false;
    const { rendition, poster } = this.sources[0];
    const find = (name) => address(this.path, { rendition: name });
    try {
      const [url, picture] = await Promise.all([find(rendition), poster && find(poster)]);
      if (this.isClosed) return;
      if (picture) this.media.poster = picture;
      const isPlaying = this.isPlaying; // a new source resets this
      this.media.src = url;
      if (isPlaying) this.play();
    } catch {
      if (!this.isClosed) this.onError(); // if nothing can be loaded, the view says why
    }
  }

  /** A link to media expires; then a new one is requested, and play continues at the same time. */
  onError() {
    const played = this.media.currentTime;
    this.wanted = played || this.wanted;
    if (played && this.tries < 3) this.tries += 1;
    else if (this.sources.length > 1) this.sources.shift();
    else {
      this.dispatchEvent(new Event("broken"));
      return;
    }
    this.load();
  }

  get time() {
    return this.isReady ? this.media.currentTime : this.wanted;
  }

  get isPlaying() {
    return !this.media.paused;
  }

  seek(seconds) {
    const time = Math.min(Math.max(0, seconds), this.duration || Infinity);
    if (this.isReady) this.media.currentTime = time;
    else this.wanted = time;
    this.dispatchEvent(new Event("time"));
  }

  toggle() {
    if (this.isPlaying) this.media.pause();
    else this.play();
  }

  play() {
    this.media.play().catch(() => this.dispatchEvent(new Event("state")));
  }

  /** Plays a selection to its end, or in a loop; null ends the selection. */
  playRange(range, isLooped = false) {
    this.range = range && { ...range, isLooped };
    if (!range) return;
    this.seek(range.start);
    this.play();
  }

  /** Stops or goes back at the end of a selection. */
  keepInRange() {
    const { range, media } = this;
    if (!range || media.paused) return;
    const { currentTime } = media;
    // Seeking to another place ends the selection.
    if (currentTime < range.start - 1 || currentTime > range.end + 1) this.range = null;
    else if (currentTime >= range.end && range.isLooped) media.currentTime = range.start;
    else if (currentTime >= range.end) {
      this.range = null;
      media.pause();
    }
  }

  get volume() {
    return this.media.muted ? 0 : this.media.volume;
  }

  set volume(volume) {
    this.media.volume = volume;
    this.media.muted = volume === 0;
  }

  toggleSound() {
    this.media.muted = !this.media.muted;
  }

  get rate() {
    return this.media.playbackRate;
  }

  set rate(rate) {
    this.media.defaultPlaybackRate = rate; // for media that are loaded later
    this.media.playbackRate = rate;
  }

  /** The next faster or slower rate. */
  changeRate(step) {
    const place = RATES.indexOf(this.rate) + step;
    if (RATES[place]) this.rate = RATES[place];
  }

  close() {
    this.isClosed = true;
    cancelAnimationFrame(this.frame);
    this.media.pause();
    this.media.removeAttribute("src");
    this.media.load();
  }
}

export { RATES };

/** The media to play, best first: a rendition for the web, and always the upload itself. */
function sources(recording) {
  const files = recording.rendition_files ?? {};
  return [
    ...(files.web ? [{ rendition: "web", poster: files.poster && "poster" }] : []),
    { rendition: null },
    ...(files.audio ? [{ rendition: "audio" }] : []),
  ];
}
