// A recording's facts and messages above its plots, and its parameters below them.

import { h } from "./dom.js";
import { chips } from "./status.js";
import {
  BRANCHES,
  date,
  duration,
  isUnfinished,
  language,
  percent,
  plural,
  size,
  visible,
} from "./wording.js";

/** The line below a recording's name. */
export function factsLine(recording) {
  const facts = [
    recording.duration_s && duration(recording.duration_s),
    recording.language_code && language(recording.language_code),
    recording.word_count > 0 && plural(recording.word_count, "word"),
    recording.mean_confidence && `${percent(recording.mean_confidence)} sure`,
    date(recording.created_at),
    visible(recording.owner),
  ].filter(Boolean);
  return h("p", { class: "soft" }, h("bdi", {}, facts.join("  ·  ")));
}

/** The messages of the branches: each reason that the recording's own has, once. */
export function noticesOf(recording, progress) {
  const settled = !isUnfinished(recording) && !recording.reason;
  const reasons = new Map();
  for (const branch of BRANCHES) {
    const reason = recording[`${branch}_reason`];
    if (!reason || recording[branch] === "SKIPPED" || !recording.reason?.includes(reason)) continue;
    reasons.set(reason, reasons.get(reason) || recording[branch] === "FAILED");
  }
  return [
    settled ? [] : h("p", { class: "branches" }, chips(recording, progress)),
    [...reasons].map(([reason, isBad]) => h("p", { class: isBad ? "notice bad" : "notice" }, reason)),
  ];
}

/** The parameters of the measurement, collapsed. */
export function detailsOf(recording, isOpen) {
  const parameters = Object.entries(recording.feature_parameters ?? {}).filter(([, value]) => value !== null);
  const rows = [
    ["Recording", recording.recording_id],
    ["Upload", visible(recording.source_key)],
    ["Heard by", recording.heard_by],
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
  return h(
    "details",
    { open: isOpen },
    h("summary", {}, "Details"),
    h(
      "dl",
      {},
      rows.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, h("bdi", {}, String(value)))]),
    ),
  );
}
