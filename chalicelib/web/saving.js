// Tables in one file: the words of many recordings, or the frames of a part of one.

import { address, ask, recordingPath } from "./api.js";
import { button, h, toast } from "./dom.js";
import { nameOf, plural } from "./wording.js";
import { zip } from "./zip.js";

// The tables whose frames are those of the recipe, of the mix or of one channel.
const OF_FRAMES = /^(mfcc|pitch|energy)(\.ch\d+)?$/;

/** A button that saves recordings as one file, and shows how many of them it has read. */
export function savingButton(words, save, chosen) {
  const element = button(words, "download", async () => {
    const label = element.querySelector("span");
    const recordings = chosen();
    let n = 0;
    element.disabled = true;
    try {
      const onRead = () => {
        n += 1;
        label.textContent = `${n} of ${recordings.length}`;
      };
      await save(recordings, onRead);
    } catch (error) {
      toast(error.message);
    }
    label.textContent = words;
    element.disabled = false;
  });
  return element;
}

/** Saves the words of recordings as one table; its last column is the recording. */
export async function saveTable(recordings, onRead) {
  const tables = [];
  const left = [];
  for (const one of recordings) {
    const table = await wordsOf(one);
    onRead();
    if (!table) left.push(nameOf(one));
    else tables.push(table);
  }
  const [first] = tables;
  if (!first) throw new Error("No selected recording has a table of words.");
  const same = tables.filter((one) => one.header === first.header);
  keep(new Blob([`${first.header}\n`, ...same.map((one) => one.rows)], { type: "text/csv" }), "words.csv");
  if (left.length) toast(`Without a table of words: ${left.join(", ")}.`);
  if (same.length < tables.length)
    toast(
      `${plural(tables.length - same.length, "table was", "tables were")} left out, because of other columns.`,
    );
}

/** Saves the text and the table of words of each recording in a ZIP. */
export async function saveZip(recordings, onRead) {
  /** @type {[string, Uint8Array<ArrayBuffer>][]} */
  const files = [];
  const encode = (text) => new TextEncoder().encode(text);
  for (const one of recordings) {
    const id = one.recording_id;
    if (one.transcription === "COMPLETED") {
      const response = await ask(recordingPath(id, "transcript"), { parameters: { format: "text" } });
      files.push([`${id}.txt`, encode(await response.text())]);
    }
    const table = await wordsOf(one);
    if (table) files.push([`${id}.words.csv`, encode(`${table.header}\n${table.rows}`)]);
    onRead();
  }
  if (!files.length) throw new Error("No selected recording has a transcript.");
  keep(zip(files), "recordings.zip");
}

/** Saves the frames of a part of a recording: one row for each, with the columns of all tables. */
export async function saveFrames(recording, { start, end }) {
  const parameters = { from: start.toFixed(3), to: end.toFixed(3) };
  const names = Object.keys(recording.feature_keys ?? {}).filter((name) => OF_FRAMES.test(name));
  if (!names.length) throw new Error("This recording has no tables of frames.");
  const tables = await Promise.all(
    names.map(async (name) => {
      const path = recordingPath(recording.recording_id, "features", name);
      const response = await ask(await address(path, parameters));
      const [header, ...rows] = (await response.text()).trimEnd().split("\n").map(splitTime);
      const channel = /\.(ch\d+)$/.exec(name)?.[1];
      const columns = channel ? header.rest.replace(/(^|,)/g, `$1${channel}_`) : header.rest;
      return { columns, rows };
    }),
  );
  const [first] = tables;
  const lines = first.rows.map(({ time }, i) => [time, ...tables.map(({ rows }) => rows[i].rest)].join(","));
  const header = ["time_s", ...tables.map(({ columns }) => columns)].join(",");
  const name = `${stem(nameOf(recording))}.${start.toFixed(2)}-${end.toFixed(2)}.frames.csv`;
  keep(new Blob([`${[header, ...lines].join("\n")}\n`], { type: "text/csv" }), name);
}

function splitTime(line) {
  const comma = line.indexOf(",");
  return { time: line.slice(0, comma), rest: line.slice(comma + 1) };
}

function stem(name) {
  return name.replace(/^.*\/|\.[^.]*$/g, "");
}

/** Reads a recording's table of words; null if there is none. */
async function wordsOf({ recording_id: id, word_table_keys: tables }) {
  const key = tables?.words;
  if (!key) return null;
  const { body } = await ask(await address(recordingPath(id, "features", "words")));
  const plain = key.endsWith(".gz") ? body.pipeThrough(new DecompressionStream("gzip")) : body;
  const text = await new Response(plain).text();
  const end = text.indexOf("\n");
  return { header: text.slice(0, end), rows: text.slice(end + 1) };
}

function keep(blob, name) {
  const url = URL.createObjectURL(blob);
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // a browser may ask before it saves
}
