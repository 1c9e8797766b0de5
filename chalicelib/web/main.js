// Starts the page: views, keys, and the connection to Earshot.
//
// Where things are:
//   main, routes, shortcuts        which view, which keys
//   saving, zip                    many recordings in one file
//   library, rows, uploads         the list, its rows and what is dropped on it
//   recording, pane, summary       one recording, and the panes for its parts as they are done
//   stage, player, transport       its picture, its sound, and the bar that controls both
//   timeline, overview, selection  its pictures over time; painting draws, display holds the numbers
//   corrections, editing           people's corrections, and the field to write them
//   transcript, words, conversation  its text, and the talk time; search looks in all texts
//   actions, downloads, menu       deletion, processing again, downloads
//   status, wording, dom, trouble  chips, sentences, elements, messages after errors
//   api, identity, polling         requests to Earshot, sign-in, repeated requests
//   standin                        local mode: the recogniser in use, and its progress
//
// There is no build step: api/page.py joins these files into the one that is served.

import { call, connection } from "./api.js";
import { replace, toast } from "./dom.js";
import { finishSigningIn, isSignedIn, signOut } from "./identity.js";
import { libraryView } from "./library.js";
import { recordingView } from "./recording.js";
import { go, parse } from "./routes.js";
import { searchView } from "./search.js";
import { shortcutsDialog } from "./shortcuts.js";
import { standIn, standInBanner } from "./standin.js";
import { acceptDrops } from "./uploads.js";
import { visible } from "./wording.js";

const VIEWS = { library: libraryView, recording: recordingView, search: searchView };
const main = document.getElementById("main");
const search = /** @type {HTMLInputElement} */ (document.getElementById("search"));
let caller = { owner: "", is_administrator: false };
let shown = null;

function show() {
  const route = parse(location.hash);
  // The address names another time of the same recording: the player goes there.
  if (shown?.revisit && shown.id === route.id) {
    shown.revisit(route);
    return;
  }
  const isFirst = !shown;
  shown?.close();
  shown = VIEWS[route.name](route, caller);
  document.title = shown.title === "Recordings" ? "Earshot" : `${shown.title} · Earshot`;
  replace(main, shown.element);
  search.value = route.name === "search" ? (route.q ?? "") : "";
  if (isFirst) return;
  scrollTo(0, 0);
  (main.querySelector("h1") ?? main).focus({ preventScroll: true });
}

search.form.addEventListener("submit", (event) => {
  event.preventDefault();
  go("search", { q: search.value.trim() });
});

function isTyping(event) {
  return event.target.closest?.("input, select, textarea, dialog");
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (isTyping(event)) {
    if (event.key === "Escape") /** @type {HTMLElement} */ (event.target).blur();
    return;
  }
  // A focused button or link keeps the keys that press it.
  if (
    (event.key === " " || event.key === "Enter") &&
    /** @type {HTMLElement} */ (event.target).closest?.("button, a, summary")
  )
    return;
  if (event.key === "/") search.focus();
  else if (event.key === "?") shortcutsDialog();
  else if (!shown?.onKey?.(event.key)) return;
  event.preventDefault();
});

const banner = document.getElementById("offline");
connection.addEventListener("lost", () => {
  banner.textContent = navigator.onLine
    ? "Earshot cannot be reached. The page keeps trying."
    : "You are offline. The page continues when you are back.";
  banner.hidden = false;
});
connection.addEventListener("found", () => {
  banner.hidden = true;
});

if (standIn) document.getElementById("offline").before(standInBanner());
document.getElementById("help").addEventListener("click", shortcutsDialog);
acceptDrops(() => go(""));
addEventListener("hashchange", show);

await finishSigningIn().catch((error) => toast(`Signing in did not work: ${error.message}`));
const leave = document.getElementById("sign-out");
leave.hidden = !isSignedIn();
leave.addEventListener("click", signOut);
try {
  caller = await call("caller");
  document.getElementById("caller").textContent = visible(caller.owner);
} catch {
  // The caller's name is optional; the view itself shows errors.
}
show();
