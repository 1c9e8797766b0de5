// The dialogs that delete recordings or process them again.

import { call, recordingPath } from "./api.js";
import { button, h, replace, toast } from "./dom.js";
import { go } from "./routes.js";
import { standIn } from "./standin.js";
import { clock, nameOf, plural, visible } from "./wording.js";

/**
 * Asks the user, deletes a recording, and lists the removed objects. `onRemoved` is called before
 * the list is shown. The page does not poll during the deletion, because it would find nothing.
 */
export function removalDialog(recording, polling, onRemoved) {
  const { dialog } = question({
    title: ["Delete ", h("bdi", {}, nameOf(recording)), "?"],
    words:
      "This deletes the upload and all its results: transcript, corrections, subtitles, tables, renditions, search entries and the transcription job. It cannot be undone.",
    yes: "Delete for good",
    sign: "bin",
    onYes: async () => {
      await polling.pause();
      const report = await call(recordingPath(recording.recording_id), { method: "DELETE" }).catch(
        (error) => {
          polling.hurry();
          throw error;
        },
      );
      onRemoved();
      showReport(dialog, nameOf(recording), report.removed);
    },
  });
}

/** Asks the user, deletes several recordings, and names those that could not be deleted. */
export function removalOfMany(recordings, onDone) {
  const { dialog } = question({
    title: `Delete ${plural(recordings.length, "recording")}?`,
    words: "This deletes the uploads and all their results. It cannot be undone.",
    names: recordings,
    yes: "Delete for good",
    sign: "bin",
    onYes: async () => {
      await each(recordings, (one) => call(recordingPath(one.recording_id), { method: "DELETE" }));
      dialog.close();
      onDone();
      toast(`${plural(recordings.length, "recording")} deleted.`);
    },
  });
}

/** Asks the user, shows the cost, and processes recordings again. */
export function reprocessDialog(recordings, onStarted) {
  const seconds = recordings.reduce((sum, one) => sum + (one.duration_s ?? 0), 0);
  const cost = standIn
    ? "On this machine it is free, but takes time."
    : `Amazon Transcribe charges for ${clock(seconds)} once more, and MediaConvert for video.`;
  const { dialog } = question({
    title:
      recordings.length === 1
        ? ["Process ", h("bdi", {}, nameOf(recordings[0])), " again?"]
        : `Process ${plural(recordings.length, "recording")} again?`,
    words: `Transcript, tables and renditions are deleted and made again from the upload, which is kept. Corrections are kept where the same words are heard again. ${cost}`,
    names: recordings.length > 1 ? recordings : [],
    yes: "Process again",
    no: "Not now",
    sign: "again",
    onYes: async () => {
      await each(recordings, (one) => call(recordingPath(one.recording_id, "reprocess"), { method: "POST" }));
      dialog.close();
      toast("Everything is being made again.");
      onStarted();
    },
  });
}

/** Calls a function for each recording in turn; after an error it continues with the next. */
async function each(recordings, act) {
  const troubles = [];
  for (const one of recordings) {
    try {
      await act(one);
    } catch (error) {
      const words = error.status === 404 ? "It has already been deleted." : error.message;
      troubles.push(recordings.length > 1 ? `${nameOf(one)}: ${words}` : words);
    }
  }
  if (troubles.length) throw new Error(troubles.join(" "));
}

function question({ title, words, names = [], yes, no = "Keep it", sign, onYes }) {
  const dialog = h("dialog", { class: "dialog", "aria-labelledby": "dialog-title" });
  const trouble = h("p", { class: "bad", role: "alert" });
  const agree = button(yes, sign, act, { class: sign === "bin" ? "danger solid" : "primary" });
  const cancel = button(no, null, () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  replace(
    dialog,
    h("h2", { id: "dialog-title" }, title),
    h("p", {}, words),
    names.length > 0 &&
      h(
        "ul",
        { class: "names" },
        names.map((one) => h("li", {}, h("bdi", {}, nameOf(one)))),
      ),
    trouble,
    h("div", { class: "actions" }, cancel, agree),
  );
  document.body.append(dialog);
  dialog.showModal();
  cancel.focus();

  async function act() {
    agree.disabled = true;
    trouble.textContent = "";
    try {
      await onYes();
    } catch (error) {
      trouble.textContent = error.status === 404 ? "It has already been deleted." : error.message;
      agree.disabled = false;
    }
  }
  return { dialog };
}

function showReport(dialog, name, removed) {
  const objects = removed.objects ?? [];
  const facts = [
    removed.upload && "the upload",
    objects.length && plural(objects.length, "object"),
    removed.search_entries && plural(removed.search_entries, "search entry", "search entries"),
    removed.transcription_job && "the transcription job",
    removed.item && "the table's item",
  ].filter(Boolean);
  const close = button("All recordings", null, () => dialog.close(), { class: "primary" });
  dialog.addEventListener("close", () => go(""));
  replace(
    dialog,
    h("h2", { id: "dialog-title" }, h("bdi", {}, name), " is deleted"),
    h("p", {}, facts.length ? `Removed: ${facts.join(", ")}.` : "There was nothing to remove."),
    objects.length > 0 &&
      h(
        "details",
        {},
        h("summary", {}, "Every object"),
        h(
          "ul",
          { class: "keys" },
          objects.map((key) => h("li", {}, h("code", {}, visible(key)))),
        ),
      ),
    h("div", { class: "actions" }, close),
  );
  close.focus();
}
