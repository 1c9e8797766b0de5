// Turns, talk time, pauses and overlap in a conversation.

import { h } from "./dom.js";
import { clock, percent, plural, speaker } from "./wording.js";

const PAUSE_S = 1; // shorter ones are a part of normal speech

/**
 * The figures of a conversation, or null if there are fewer than two voices.
 *
 * A turn is a run of words of one voice. Overlap is time in which two or more voices talk. A pause
 * is a second or more in which nobody talks.
 */
export function conversationOf(words) {
  const voices = new Map([...words.tones.keys()].map((label) => [label, { seconds: 0, turns: 0, until: 0 }]));
  if (voices.size < 2) return null;
  let [overlap, pauses, longest, until, last] = [0, 0, 0, null, null];
  for (const i of words.order) {
    const [label, start, end] = [words.speaker[i], words.start[i], words.end[i]];
    const voice = voices.get(label);
    if (!voice) continue;
    voice.seconds += end - start;
    if (label !== last) voice.turns += 1;
    last = label;
    if (until !== null) {
      const gap = start - until;
      if (gap >= PAUSE_S) pauses += gap;
      longest = Math.max(longest, gap);
    }
    const others = [...voices.values()].filter((other) => other !== voice).map((other) => other.until);
    overlap += Math.max(0, Math.min(end, Math.max(...others)) - start);
    voice.until = Math.max(voice.until, end);
    until = Math.max(until ?? 0, end);
  }
  return { voices, overlap, pauses, longest };
}

/** A panel with each voice's talk time in its colour; null if there is only one voice. */
export function conversationPanel(words) {
  const found = conversationOf(words);
  if (!found) return null;
  const total = [...found.voices.values()].reduce((sum, { seconds }) => sum + seconds, 0) || 1;
  const rows = [...found.voices].map(([label, { seconds, turns }]) => {
    const bar = h("span", { class: "talk-bar", "aria-hidden": "true" });
    bar.style.width = `${(100 * seconds) / total}%`;
    return h(
      "li",
      { class: `tone-${words.tones.get(label)}` },
      h("bdi", { class: "speaker" }, speaker(label)),
      h("span", { class: "talk-track" }, bar),
      h(
        "span",
        { class: "talk-facts" },
        `${clock(seconds)}, ${percent(seconds / total)}, ${plural(turns, "turn")}`,
      ),
    );
  });
  return h(
    "section",
    { class: "talk", "aria-label": "Who talks how much" },
    h("ul", {}, rows),
    h(
      "p",
      {},
      `Overlap ${clock(found.overlap)} · pauses of a second or longer ${clock(found.pauses)} · longest ${found.longest.toFixed(1)} s`,
    ),
  );
}
