// Draws on canvases: waveform, words, pitch contour, heat map, time axis.

import { h } from "./dom.js";
import { clock } from "./wording.js";

const STEPS_S = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
const LEAST_TICK_PX = 72;
const WORD_GAP_PX = 4;
const LONGEST_WORD_S = 5;
const LEAP = 1.3; // a larger step between two columns is two voices or an error, not a glide
const PITCH_AIR = 1.08;
const FULL_SCALE = 127;
const LEVEL_RANGE_DB = 60;
const QUIETEST = 4; // a quieter recording is not enlarged further
// From dark to light in equal steps of lightness; readable in both colour schemes.
const HEAT = [
  [18, 16, 38],
  [56, 34, 98],
  [112, 44, 122],
  [176, 62, 110],
  [228, 108, 82],
  [248, 176, 96],
  [252, 240, 196],
];

/**
 * The style sheet's colours, by their use.
 *
 * @typedef {{text: string, soft: string, grid: string, accent: string, accentSoft: string,
 *   tones: string[]}} Colours
 */

/** Fits a canvas to its size on the screen and clears it; null if it is not shown. */
export function prepare(canvas) {
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  if (!width || !height) return null;
  const ratio = Math.min(devicePixelRatio || 1, 2);
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height, ratio };
}

export function drawWaveform(canvas, { column, low, high }, { start, span }, colour) {
  const area = prepare(canvas);
  if (!area) return;
  const { context, width, height, ratio } = area;
  const loudest = loudestOf({ low, high });
  const middle = height / 2;
  const scale = (middle - 1) / loudest;
  context.fillStyle = colour;
  const pixels = Math.round(width * ratio);
  for (let x = 0; x < pixels; x += 1) {
    const from = Math.floor((start + (x / pixels) * span) / column);
    const to = Math.max(from + 1, Math.ceil((start + ((x + 1) / pixels) * span) / column));
    let [least, most] = [FULL_SCALE, -FULL_SCALE];
    for (let i = from; i < to && i < low.length; i += 1) {
      if (low[i] < least) least = low[i];
      if (high[i] > most) most = high[i];
    }
    if (most < least) continue;
    const top = middle - most * scale;
    context.fillRect(x / ratio, top, 1 / ratio, Math.max(1 / ratio, (most - least) * scale));
  }
}

const loudest = new WeakMap();

function loudestOf({ low, high }) {
  if (!loudest.has(low)) {
    let most = QUIETEST;
    for (let i = 0; i < low.length; i += 1) most = Math.max(most, high[i], -low[i]);
    loudest.set(low, most);
  }
  return loudest.get(low);
}

/** The range of a pitch axis: all values with a margin, and at least an octave. */
export function pitchRange({ f0 }) {
  let [lowest, highest] = [Infinity, 0];
  for (const hz of f0) {
    if (!hz) continue;
    lowest = Math.min(lowest, hz);
    highest = Math.max(highest, hz);
  }
  if (!highest) return { least: 75, most: 300 };
  // The range has a margin, because a contour that is cut off would look like data.
  const least = lowest / PITCH_AIR;
  return { least, most: Math.max(highest * PITCH_AIR, least * 2) };
}

// Half of the line's width, and one empty row of pixels.
const EDGE = 2;

export function pitchHeight(hz, { least, most }, height) {
  const share = Math.log(hz / least) / Math.log(most / least);
  return height - EDGE - share * (height - 2 * EDGE);
}

export function pitchTicks({ least, most }) {
  return [50, 75, 100, 150, 200, 300, 400, 600, 800].filter((hz) => hz >= least * 1.04 && hz <= most / 1.04);
}

export function drawPitch(canvas, { column, f0 }, range, { start, span }, { line, grid }) {
  const area = prepare(canvas);
  if (!area) return;
  const { context, width, height } = area;
  context.fillStyle = grid;
  for (const hz of pitchTicks(range))
    context.fillRect(0, Math.round(pitchHeight(hz, range, height)), width, 1);
  const first = Math.max(0, Math.floor(start / column) - 1);
  const last = Math.min(f0.length - 1, Math.ceil((start + span) / column) + 1);
  const step = (column / span) * width;
  const x = (i) => ((i * column - start) / span) * width;
  const y = (i) => pitchHeight(f0[i], range, height);
  context.fillStyle = line;
  const dot = Math.max(1.6, Math.min(3, step));
  context.beginPath();
  for (let i = first; i <= last; i += 1) {
    if (!f0[i]) continue;
    // If columns are narrower than a point, lines between them cannot be read.
    const glides = i > first && Math.max(f0[i] / f0[i - 1], f0[i - 1] / f0[i]) < LEAP;
    if (step >= 1 && glides) context.lineTo(x(i), y(i));
    else if (step >= 1) context.moveTo(x(i), y(i));
    if (step < 1 || (!glides && !f0[i + 1])) context.fillRect(x(i) - dot / 2, y(i) - dot / 2, dot, dot);
  }
  context.strokeStyle = line;
  context.lineWidth = 2;
  context.lineJoin = "round";
  context.lineCap = "round";
  context.stroke();
}

/** The range of a level axis: from the loudest value down to the quietest that speech has. */
export function levelRange({ db }) {
  const most = Math.min(0, Math.ceil(db.reduce((a, b) => Math.max(a, b), -LEVEL_RANGE_DB) / 10) * 10);
  return { least: most - LEVEL_RANGE_DB, most };
}

export function drawLevel(canvas, { column, db }, { least, most }, { start, span }, { line, grid }) {
  const area = prepare(canvas);
  if (!area) return;
  const { context, width, height } = area;
  const y = (one) => (1 - (Math.max(least, one) - least) / (most - least)) * (height - 2) + 1;
  context.fillStyle = grid;
  context.fillRect(0, Math.round(y((least + most) / 2)), width, 1);
  const first = Math.max(0, Math.floor(start / column) - 1);
  const last = Math.min(db.length - 1, Math.ceil((start + span) / column) + 1);
  context.beginPath();
  for (let i = first; i <= last; i += 1) context.lineTo(((i * column - start) / span) * width, y(db[i]));
  context.strokeStyle = line;
  context.lineWidth = 1.5;
  context.lineJoin = "round";
  context.stroke();
}

/** A legend of the heat maps' colours. */
export function heatScale() {
  const bar = h("span", { class: "scale-bar", "aria-hidden": "true" });
  bar.style.background = `linear-gradient(90deg, ${HEAT.map((rgb) => `rgb(${rgb.join(" ")})`).join(", ")})`;
  return h("p", { class: "scale soft" }, bar, "Dark is low, light is high. The spectrum spans 80 dB.");
}

/** Makes a heat map's source image: one pixel for each column and coefficient. */
export function heatPicture({ n, values }) {
  const width = values.length / n;
  const image = new ImageData(width, n);
  for (let x = 0; x < width; x += 1) {
    for (let i = 0; i < n; i += 1) {
      const place = 4 * ((n - 1 - i) * width + x);
      image.data.set(heat(values[x * n + i] / 255), place);
      image.data[place + 3] = 255;
    }
  }
  const picture = document.createElement("canvas");
  Object.assign(picture, { width, height: n });
  picture.getContext("2d").putImageData(image, 0, 0);
  return picture;
}

function heat(share) {
  const place = share * (HEAT.length - 1);
  const i = Math.min(HEAT.length - 2, Math.floor(place));
  return HEAT[i].map((from, channel) => from + (HEAT[i + 1][channel] - from) * (place - i));
}

export function drawHeat(canvas, picture, column, { start, span }) {
  const area = prepare(canvas);
  if (!area) return;
  const { context, width, height } = area;
  // Frames are centred: the first column begins half a column before the recording.
  const from = start / column + 0.5;
  const columns = span / column;
  context.imageSmoothingEnabled = columns > width;
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, from, 0, columns, picture.height, 0, 0, width, height);
}

/** The times of an axis's ticks. */
export function ticks({ start, span }, width) {
  const step = STEPS_S.find((seconds) => (seconds / span) * width >= LEAST_TICK_PX) ?? STEPS_S.at(-1);
  const decimals = step >= 1 ? 0 : step >= 0.1 ? 1 : 2;
  const marks = [];
  for (let i = Math.ceil(start / step - 1e-6); i * step <= start + span + 1e-6; i += 1) {
    marks.push({ x: ((i * step - start) / span) * width, words: clock(i * step, decimals) });
  }
  return marks;
}

export function drawAxis(canvas, view, { text, grid }, font) {
  const area = prepare(canvas);
  if (!area) return;
  const { context, width } = area;
  context.font = font;
  context.textBaseline = "top";
  for (const { x, words } of ticks(view, width)) {
    context.fillStyle = grid;
    context.fillRect(Math.round(x), 0, 1, 5);
    context.fillStyle = text;
    const wide = context.measureText(words).width;
    context.fillText(words, Math.min(width - wide, Math.max(0, x - wide / 2)), 8);
  }
}

/** Writes words at their times, if there is room. */
export function drawWords(canvas, words, view, spoken, { text, soft, accent, accentSoft, tones }, font) {
  const area = prepare(canvas);
  if (!area) return;
  const { context, width, height } = area;
  context.font = font;
  context.textBaseline = "middle";
  const { start, span } = view;
  const x = (seconds) => ((seconds - start) / span) * width;
  const colour = (i) => (words.tones.size > 1 ? tones[words.tones.get(words.speaker[i])] : null) ?? soft;
  let free = -Infinity;
  let underlined = -Infinity;
  const last = words.firstAfter(start + span);
  for (let place = words.firstAfter(start - LONGEST_WORD_S); place < last; place += 1) {
    const i = words.order[place];
    const [left, right] = [x(words.start[i]), x(words.end[i])];
    if (right < 0) continue;
    if (i === spoken) {
      context.fillStyle = accentSoft;
      context.fillRect(left, 0, right - left, height);
    }
    // An hour has thousands of words on a few hundred pixels, so one line for each pixel is enough.
    if (Math.floor(left) > underlined || right - left > 1) {
      underlined = Math.floor(left);
      context.fillStyle = colour(i);
      context.fillRect(left, height - 2, Math.max(1, right - left - 1), 2);
    }
    if ((left + right) / 2 < free) continue; // skips a word that has no room
    const wide = context.measureText(words.text[i]).width;
    const textLeft = Math.max(0, (left + right - wide) / 2);
    if (textLeft < free) continue;
    context.fillStyle = i === spoken ? accent : text;
    context.fillText(words.text[i], textLeft, height / 2 - 1);
    free = textLeft + wide + WORD_GAP_PX;
  }
}
