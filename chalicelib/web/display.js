// The arrays of display.json, and the visible part of a recording.

const UINT8_MAX = 255;
const STEPS_IN_A_HERTZ = 10;
const STEPS_IN_A_DECIBEL = 2;
const LEAST_VIEW_S = 0.5;

function bytes(text) {
  const binary = atob(text);
  const array = new Uint8Array(binary.length);
  for (let i = 0; i < array.length; i += 1) array[i] = binary.charCodeAt(i);
  return array;
}

/**
 * Reads display.json. Units of its columns: peaks -1 to 1, pitch hertz or 0, MFCC 0 to 255, level
 * decibels of full scale. A recording that an early version measured has no level.
 */
export function readDisplay({ duration_s, peaks, pitch, mfcc, level, spectrogram }) {
  return {
    hasSpectrogram: Boolean(spectrogram),
    duration: duration_s,
    peaks: {
      column: peaks.column_s,
      low: new Int8Array(bytes(peaks.min).buffer),
      high: new Int8Array(bytes(peaks.max).buffer),
    },
    pitch: pitch && {
      column: pitch.column_s,
      f0: Float32Array.from(new Uint16Array(bytes(pitch.f0).buffer), (n) => n / STEPS_IN_A_HERTZ),
    },
    mfcc: mfcc && {
      column: mfcc.column_s,
      n: mfcc.n,
      low: mfcc.low,
      high: mfcc.high,
      values: bytes(mfcc.values),
    },
    level: level && {
      column: level.column_s,
      db: Float32Array.from(bytes(level.db), (n) => (n - UINT8_MAX) / STEPS_IN_A_DECIBEL),
    },
  };
}

/** Reads spectrogram.json: bands from low to high, 0 to 255, column by column. */
export function readSpectrogram({ column_s, n, values }) {
  return { column: column_s, n, values: bytes(values) };
}

/** The level of a part's mean energy, in decibels of full scale; null if there is no level. */
export function meanLevel({ level }, { start, end }) {
  if (!level) return null;
  const first = Math.min(level.db.length - 1, Math.round(start / level.column));
  const part = level.db.subarray(first, Math.max(first, Math.floor(end / level.column)) + 1);
  return 10 * Math.log10(part.reduce((sum, db) => sum + 10 ** (db / 10), 0) / part.length);
}

/** The pitch at a time in hertz, or 0. Frames are centred on their times. */
export function pitchAt({ pitch }, time) {
  return pitch?.f0[Math.round(time / pitch.column)] ?? 0;
}

/** One coefficient at a time. */
export function coefficientAt({ mfcc }, time, number) {
  const columns = mfcc.values.length / mfcc.n;
  const column = Math.min(columns - 1, Math.max(0, Math.round(time / mfcc.column)));
  const share = mfcc.values[column * mfcc.n + number] / UINT8_MAX;
  return mfcc.low[number] + share * (mfcc.high[number] - mfcc.low[number]);
}

/** The visible span of a recording in seconds; each change fires an event. */
export class View extends EventTarget {
  constructor(duration) {
    super();
    this.duration = Math.max(duration, 0.01);
    this.start = 0;
    this.end = this.duration;
  }

  get span() {
    return this.end - this.start;
  }

  get isWhole() {
    return this.span >= this.duration - 1e-6;
  }

  set(start, span = this.span) {
    const width = Math.min(this.duration, Math.max(Math.min(LEAST_VIEW_S, this.duration), span));
    this.start = Math.min(this.duration - width, Math.max(0, start));
    this.end = this.start + width;
    this.dispatchEvent(new Event("change"));
  }

  /** Changes the visible span by `factor`; the time `around` keeps its place on the screen. */
  zoom(factor, around = (this.start + this.end) / 2) {
    const share = (around - this.start) / this.span;
    const span = Math.min(this.duration, Math.max(LEAST_VIEW_S, this.span * factor));
    this.set(around - share * span, span);
  }

  /** Moves the view to a time that is outside it. */
  follow(time) {
    if (time < this.start || time > this.end) this.set(time - this.span * 0.08);
  }
}
