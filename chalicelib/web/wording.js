// Statuses, times and sizes in words for users.

const STATUS_WORDS = {
  transcription: {
    PENDING: "Waiting to be transcribed",
    IN_PROGRESS: "Transcribing",
    COMPLETED: "Transcribed",
    FAILED: "Not transcribed",
    SKIPPED: "Nothing to transcribe",
  },
  features: {
    PENDING: "Waiting to be measured",
    IN_PROGRESS: "Measuring",
    COMPLETED: "Measured",
    FAILED: "Not measured",
    SKIPPED: "Nothing to measure",
  },
  renditions: {
    PENDING: "Video is waiting",
    IN_PROGRESS: "Preparing the video",
    COMPLETED: "Video is ready",
    FAILED: "Video failed",
    SKIPPED: "No video",
  },
};
export const BRANCHES = Object.keys(STATUS_WORDS);
export const UNFINISHED = new Set(["PENDING", "IN_PROGRESS"]);

/** Whether any branch of a recording is unfinished. */
export function isUnfinished(recording) {
  return BRANCHES.some((branch) => UNFINISHED.has(recording[branch]));
}

export const OVERALL = {
  PENDING: "Waiting",
  IN_PROGRESS: "In progress",
  COMPLETED: "Ready",
  FAILED: "Needs attention",
};

// Control characters and marks of text direction can make one name look like another.
// biome-ignore lint/suspicious/noControlCharactersInRegex: the expression is meant to find them
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

const ordinary = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });

export function statusWords(branch, status) {
  return STATUS_WORDS[branch][status] ?? String(status);
}

/** Returns a name with a visible sign in place of each invisible character. */
export function visible(name) {
  return String(name ?? "").replace(UNSEEN, "\u25a1");
}

/** The file's own name: an upload key without `uploads/` and the owner. */
export function nameOf(recording) {
  const path = String(recording.source_key ?? recording.recording_id).replace(/^uploads\//, "");
  const prefix = `${recording.owner}/`;
  return visible(path.startsWith(prefix) ? path.slice(prefix.length) : path);
}

/** 83.5 is 1:23, or 1:23.50 with two decimals; hours appear only if there are any. */
export function clock(seconds, decimals = 0) {
  const scale = 10 ** decimals;
  const units = Math.floor(Math.max(0, seconds || 0) * scale + 1e-6);
  const whole = Math.floor(units / scale);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const fraction = decimals ? `.${String(units % scale).padStart(decimals, "0")}` : "";
  const minutes = h ? `${h}:${String(m).padStart(2, "0")}` : String(m);
  return `${minutes}:${String(s).padStart(2, "0")}${fraction}`;
}

/** A time for screen readers: "1 minute 23 seconds". */
export function spokenTime(seconds) {
  const whole = Math.floor(Math.max(0, seconds || 0));
  const parts = [
    [Math.floor(whole / 3600), "hour"],
    [Math.floor(whole / 60) % 60, "minute"],
    [whole % 60, "second"],
  ];
  const said = parts.filter(([n]) => n).map(([n, unit]) => `${n} ${unit}${n === 1 ? "" : "s"}`);
  return said.join(" ") || "0 seconds";
}

/** The duration of a recording, in the same form as the player's clock. */
export function duration(seconds) {
  return seconds < 1 ? "< 0:01" : clock(seconds);
}

export function size(bytes) {
  const units = ["B", "kB", "MB", "GB"];
  let power = 0;
  let n = bytes;
  while (n >= 1000 && power < units.length - 1) {
    n /= 1000;
    power += 1;
  }
  return `${n >= 10 || power === 0 ? Math.round(n) : n.toFixed(1)} ${units[power]}`;
}

export function when(iso) {
  const time = new Date(iso);
  if (Number.isNaN(time.getTime())) return "";
  const minutes = (time.getTime() - Date.now()) / 60000;
  if (minutes > -1) return "just now";
  if (minutes > -60) return relative.format(Math.round(minutes), "minute");
  if (minutes > -24 * 60) return relative.format(Math.round(minutes / 60), "hour");
  if (minutes > -7 * 24 * 60) return relative.format(Math.round(minutes / 1440), "day");
  return ordinary.format(time);
}

export function date(iso) {
  const time = new Date(iso);
  return Number.isNaN(time.getTime()) ? "" : ordinary.format(time);
}

export function percent(share) {
  return `${Math.round(share * 100)} %`;
}

/** How much is done and how long the rest takes: "34 %, about 0:40 left". */
export function done({ share, left_s: left }) {
  return left === null ? percent(share) : `${percent(share)}, about ${clock(left)} left`;
}

export function plural(n, one, many = `${one}s`) {
  return `${n.toLocaleString()} ${n === 1 ? one : many}`;
}

export function language(code) {
  try {
    return new Intl.DisplayNames(undefined, { type: "language" }).of(code);
  } catch {
    return code;
  }
}

/** "spk_0" is Speaker 1, "ch_1" is Channel 2; any other label stays as it is. */
export function speaker(label) {
  const found = /^(spk|ch)_(\d{1,3})$/.exec(label);
  if (!found) return visible(label);
  return `${found[1] === "spk" ? "Speaker" : "Channel"} ${Number(found[2]) + 1}`;
}
