// Uploads files by drag and drop or with a button, a few at the same time.

import { call, sendForm } from "./api.js";
import { button, h, icon, toast } from "./dom.js";
import { percent, plural, size, visible } from "./wording.js";

const AT_ONCE = 3;
const EXTENSIONS = ["wav", "mp3", "flac", "ogg", "m4a", "mp4", "webm", "amr", "mov", "mkv"];
const ACCEPTED = `audio/*,video/*,${EXTENSIONS.map((one) => `.${one}`).join(",")}`;
export const FORMATS = `${EXTENSIONS.slice(0, -1).join(", ")} or ${EXTENSIONS.at(-1)}`;

const waiting = [];
const active = new Set();
const queue = h("ul", { class: "uploads", "aria-label": "Files being uploaded" });
/** @type {(key: string) => void} */
let onSent = () => {};

/** An error of the file itself. Another try would not help. */
class RefusedError extends Error {}

/** The drop zone and the list of uploads. `listener` is called with each uploaded file's key. */
export function dropPlace(listener) {
  onSent = listener;
  const input = h("input", {
    type: "file",
    multiple: true,
    accept: ACCEPTED,
    class: "unseen",
    id: "files",
    "aria-label": "Choose recordings to upload",
  });
  input.addEventListener("change", () => {
    send([...input.files]);
    input.value = "";
  });
  return h(
    "section",
    { class: "drop", "aria-label": "Upload" },
    h(
      "div",
      { class: "drop-row" },
      icon("upload"),
      h(
        "p",
        {},
        h("strong", { class: "by-pointer" }, "Drop recordings anywhere on this page"),
        h("strong", { class: "by-touch" }, "Add recordings"),
        h("span", {}, ` ${FORMATS}, up to 4 hours and 2 GB each`),
      ),
      input,
      h("label", { for: "files", class: "button primary" }, "Choose files"),
    ),
    queue,
  );
}

/** Makes the whole window accept files, in every view. */
export function acceptDrops(onAccepted) {
  let depth = 0;
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
  const show = () => document.body.classList.toggle("dropping", depth > 0);
  addEventListener("dragenter", (event) => {
    if (!carriesFiles(event)) return;
    depth += 1;
    show();
  });
  addEventListener("dragleave", (event) => {
    if (!carriesFiles(event)) return;
    depth = Math.max(0, depth - 1);
    show();
  });
  addEventListener("dragover", (event) => {
    if (carriesFiles(event)) event.preventDefault();
  });
  addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    depth = 0;
    show();
    // A dropped folder looks like a file that cannot be read.
    const items = [...event.dataTransfer.items];
    const files = items
      .filter((item) => !item.webkitGetAsEntry?.()?.isDirectory)
      .map((item) => item.getAsFile())
      .filter(Boolean);
    if (files.length < items.length) toast("Folders cannot be uploaded. Drop the files in them instead.");
    if (files.length) {
      onAccepted();
      send(files);
      // A user far down the list sees that the upload has begun.
      toast(`Uploading ${plural(files.length, "file")}`);
      queue.scrollIntoView({ block: "center" });
    }
  });
  addEventListener("beforeunload", (event) => {
    if (active.size || waiting.length) event.preventDefault();
  });
}

/** Uploads the sample recording that comes with the page. */
export async function sendSample() {
  // API Gateway sends a binary answer only if the Accept header asks for it.
  const response = await fetch(new URL("sample.mp3", import.meta.url), { headers: { Accept: "audio/mpeg" } });
  if (!response.ok) throw new Error(`The sample could not be loaded (${response.status}).`);
  send([new File([await response.blob()], "sample.mp3", { type: "audio/mpeg" })]);
}

function send(files) {
  for (const file of files) waiting.push(row(file));
  next();
}

function next() {
  while (active.size < AT_ONCE && waiting.length) {
    const upload = waiting.shift();
    active.add(upload);
    run(upload).finally(() => {
      active.delete(upload);
      next();
    });
  }
}

function row(file) {
  const name = visible(file.name);
  const upload = { file, abort: new AbortController() };
  upload.bar = h("progress", { max: 1, value: 0, "aria-label": `Sending ${name}` });
  upload.note = h("span", { class: "note" }, `${size(file.size)}, waiting`);
  upload.actions = h("span", { class: "actions" });
  upload.element = h("li", {}, h("bdi", { class: "name" }, name), upload.note, upload.bar, upload.actions);
  upload.stop = button(`Stop sending ${name}`, "close", () => upload.abort.abort(), {
    wordless: true,
    class: "quiet",
  });
  upload.actions.append(upload.stop);
  upload.abort.signal.addEventListener("abort", () => {
    const place = waiting.indexOf(upload);
    if (place >= 0) waiting.splice(place, 1);
    upload.element.remove();
  });
  queue.append(upload.element);
  return upload;
}

async function run(upload) {
  const { file, abort } = upload;
  try {
    const name = visible(file.name);
    if (!EXTENSIONS.includes(file.name.split(".").at(-1).toLowerCase()))
      throw new RefusedError(`${name} is not a recording. Use ${FORMATS}.`);
    if (!file.size) throw new RefusedError(`${name} is empty.`);
    const body = { name: file.name, ...(file.type && { content_type: file.type }) };
    const grant = await call("uploads", { method: "POST", body, signal: abort.signal });
    if (file.size > grant.max_bytes)
      throw new RefusedError(
        `${name} is too large: it has ${size(file.size)}, and the limit is ${size(grant.max_bytes)}.`,
      );
    const onProgress = (share) => {
      upload.bar.value = share;
      upload.note.textContent = share < 1 ? `${percent(share)} of ${size(file.size)}` : "arriving";
    };
    await sendForm(grant, file, { onProgress, signal: abort.signal });
    upload.element.remove();
    onSent(grant.key);
  } catch (error) {
    if (!abort.signal.aborted) fail(upload, error);
  }
}

function fail(upload, error) {
  upload.element.classList.add("failed");
  const told = h("span", { class: "note", role: "alert" }, error.message);
  upload.note.replaceWith(told);
  upload.bar.remove();
  const words = `Remove ${visible(upload.file.name)} from this list`;
  upload.stop.setAttribute("aria-label", words);
  upload.stop.title = words;
  // The API would refuse with 400 again.
  if (error instanceof RefusedError || error.status === 400) return;
  upload.actions.prepend(
    button("Try again", "again", () => {
      upload.element.remove();
      send([upload.file]);
    }),
  );
}
