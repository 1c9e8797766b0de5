// The downloads of a recording.

import { address, ask, call, link, recordingPath } from "./api.js";
import { h } from "./dom.js";
import { size } from "./wording.js";

const FORMATS = [
  ["text", "Plain text", ".txt"],
  ["srt", "SubRip subtitles", ".srt"],
  ["vtt", "WebVTT subtitles", ".vtt"],
  ["textgrid", "Praat TextGrid", ".TextGrid"],
  ["elan", "ELAN table", ".tsv"],
  ["ctm", "CTM, a line a word", ".ctm"],
  ["audacity", "Audacity labels, segments", ".txt"],
  ["audacity-words", "Audacity labels, words", ".txt"],
  ["json", "JSON", ".json"],
];
const TABLES = {
  words: "Words and their sound",
  segments: "Segments and their sound",
  speakers: "Speakers and their sound",
  summary: "The recording in numbers",
  mfcc: "MFCC",
  pitch: "Pitch",
  energy: "Energy",
};
const RENDITIONS = {
  web: "Video for the web",
  phone: "Video for phones",
  audio: "Sound alone",
  preview: "Preview",
  poster: "Poster",
};

/** Groups of [words, note, address] for the download menu, for the existing outputs. */
export function downloadsOf(recording) {
  const path = (...rest) => recordingPath(recording.recording_id, ...rest);
  const tables = { ...recording.word_table_keys, ...recording.feature_keys };
  const transcripts = FORMATS.map(([format, words, suffix]) => [
    words,
    suffix,
    link(path("transcript"), { format }),
  ]);
  const measured = Object.keys(tables).map((name) => [
    TABLES[name] ?? name,
    suffixOf(tables[name]),
    link(path("features", name)),
  ]);
  const renditions = Object.values(recording.rendition_files ?? {}).map((file) => {
    const rendition = file.key.replace(/^.*\/|\.[^.]*$/g, "");
    const href = link(path("media"), { rendition, attachment: "yes" });
    return [RENDITIONS[rendition] ?? rendition, size(file.size), href];
  });
  const upload = link(path("media"), { attachment: "yes" });
  return [
    ["Transcript", recording.transcription === "COMPLETED" ? transcripts : []],
    [
      "Tables",
      recording.features === "COMPLETED"
        ? [...measured, ["How they were made", ".json", link(path("features", "features"))]]
        : [],
    ],
    ["Media", [["The upload", size(recording.size), upload], ...renditions]],
  ].filter(([, entries]) => entries.length);
}

/** Downloads a file with a signed request, because a plain link has no token. */
export async function take(href) {
  if (!new URL(href).pathname.endsWith("/transcript")) {
    location.assign(await address(href));
    return;
  }
  // If a transcript is too large for an answer, the answer contains its address.
  const response = await ask(href, { parameters: { redirect: "no" } });
  if (!response.headers.has("Content-Disposition")) {
    location.assign((await response.json()).url);
    return;
  }
  const name = /filename\*=UTF-8''(.+)/.exec(response.headers.get("Content-Disposition"))?.[1];
  const url = URL.createObjectURL(await response.blob());
  h("a", { href: url, download: decodeURIComponent(name ?? "transcript") }).click();
}

/** Downloads a part of a recording's sound as WAV. */
export async function saveClip(id, range) {
  await savePart(recordingPath(id, "clip"), range);
}

/** Downloads the rows of the words that are said in a part of a recording. */
export async function saveWords(id, range) {
  await savePart(recordingPath(id, "features", "words"), range);
}

async function savePart(path, { start, end }) {
  const parameters = { from: start.toFixed(3), to: end.toFixed(3), redirect: "no" };
  const { url } = await call(path, { parameters });
  location.assign(url);
}

function suffixOf(key) {
  return /(\.csv|\.npz)(\.gz)?$/.exec(key)?.[0] ?? "";
}
