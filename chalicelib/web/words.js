// The words of a transcript, in the API's columns.

const LINGER_S = 0.25; // a word stays highlighted in the short pause after it
const TONES = 6; // as many as in page.css
const UNSURE = 0.6;
const VERY_UNSURE = 0.4;
const MARKED = 0.25; // the largest share of words to mark, because too many marks say nothing
const MARKED_MOST = 0.08;

/** The words of a recording. */
export class Words {
  constructor({ words }) {
    this.text = words.text;
    this.start = words.start_s;
    this.end = words.end_s;
    this.confidence = words.confidence;
    this.speaker = words.speaker;
    this.punctuation = words.punctuation;
    this.channel = words.channel ?? [];
    /** The index of the correction that wrote each word, or null. */
    this.correction = words.correction ?? words.text.map(() => null);
    this.length = words.text.length;
    /** The number of each voice's colour, in the order of their first words. */
    this.tones = new Map();
    for (const label of this.speaker)
      if (label && !this.tones.has(label)) this.tones.set(label, this.tones.size % TONES);
    this.plain = words.text.map(plain);
    // Words are in the order of their segments, and two channels may overlap.
    const known = this.confidence.filter((one) => one !== null).sort((a, b) => a - b);
    const quantile = (share) => known[Math.floor(share * (known.length - 1))] ?? 0;
    /** Confidences below which a word is marked: those of the recording's most doubtful words. */
    this.bounds = [Math.min(UNSURE, quantile(MARKED)), Math.min(VERY_UNSURE, quantile(MARKED_MOST))];
    this.meanConfidence = known.length ? known.reduce((a, b) => a + b) / known.length : null;
    this.order = Array.from(this.start.keys()).sort((a, b) => this.start[a] - this.start[b]);
  }

  /** The index in `order` of the first word that starts after a time. */
  firstAfter(time) {
    let [low, high] = [0, this.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.start[this.order[middle]] > time) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** The word that begins nearest to a time, or -1 where there are no words. */
  nearest(time) {
    const place = this.firstAfter(time);
    const [before, after] = [this.order[place - 1] ?? -1, this.order[place] ?? -1];
    if (before < 0 || after < 0) return Math.max(before, after);
    return time - this.start[before] <= this.start[after] - time ? before : after;
  }

  /** The word that is spoken at a time, or -1. */
  at(time) {
    const i = this.order[this.firstAfter(time + 1e-4) - 1] ?? -1;
    return i >= 0 && time <= this.end[i] + LINGER_S ? i : -1;
  }

  /** The doubt about a word: 0 none, 1 some, 2 most. */
  doubt(i) {
    const confidence = this.confidence[i];
    if (confidence === null || confidence >= this.bounds[0]) return 0;
    return confidence < this.bounds[1] ? 2 : 1;
  }

  /** The runs of words that match a phrase, as [first, last]; its last word may be incomplete. */
  find(phrase) {
    const wanted = phrase.split(/\s+/).map(plain).filter(Boolean);
    if (!wanted.length) return [];
    const found = [];
    const last = wanted.length - 1;
    for (let i = 0; i + last < this.length; i += 1) {
      const matches = wanted.every((part, n) =>
        n === last
          ? last
            ? this.plain[i + n].startsWith(part)
            : this.plain[i].includes(part)
          : this.plain[i + n] === part,
      );
      if (matches) found.push([i, i + last]);
    }
    return found;
  }
}

/** A word without case, accents and punctuation. */
function plain(text) {
  return text
    .normalize("NFKD")
    .replace(/[^\p{L}\p{N}]/gu, "")
    .toLowerCase();
}
