// What changes a recording: deleting it, and making everything anew.

import { call, recordingPath } from "./api.js";
import { button, h, replace, toast } from "./dom.js";
import { go } from "./routes.js";
import { nameOf, plural, visible } from "./wording.js";

/** Asks, deletes, and shows what was removed. `onRemoved` is called before the report is shown. */
export function removalDialog(recording, onRemoved) {
  const name = nameOf(recording);
  const dialog = h("dialog", { class: "dialog", "aria-labelledby": "dialog-title" });
  const trouble = h("p", { class: "bad", role: "alert" });
  const remove = button("Delete for good", "bin", act, { class: "danger solid" });
  const cancel = button("Keep it", null, () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  replace(
    dialog,
    h("h2", { id: "dialog-title" }, "Delete ", h("bdi", {}, name), "?"),
    h(
      "p",
      {},
      "The upload goes, and everything made of it: transcript, subtitles, tables, renditions, what search knows, and the transcription job. It cannot be undone.",
    ),
    trouble,
    h("div", { class: "actions" }, cancel, remove),
  );
  document.body.append(dialog);
  dialog.showModal();
  cancel.focus();

  async function act() {
    remove.disabled = true;
    trouble.textContent = "";
    try {
      const report = await call(recordingPath(recording.recording_id), { method: "DELETE" });
      onRemoved();
      showReport(report.removed);
    } catch (error) {
      trouble.textContent = error.status === 404 ? "It is gone already." : error.message;
      remove.disabled = false;
    }
  }

  function showReport(removed) {
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
      h("p", {}, facts.length ? `Removed: ${facts.join(", ")}.` : "There was nothing left to remove."),
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
}

/** Has everything made anew. */
export async function reprocess(recording, onStarted) {
  try {
    await call(recordingPath(recording.recording_id, "reprocess"), { method: "POST" });
    toast("Everything is being made anew.");
    onStarted();
  } catch (error) {
    toast(error.message);
  }
}
