// Search in transcripts; every match links to its time.

import { call, recordingPath } from "./api.js";
import { button, h, replace, state } from "./dom.js";
import { fragment } from "./routes.js";
import { troubleState } from "./trouble.js";
import { clock, visible, when } from "./wording.js";

/** Shows the recordings that contain the words or the "phrase in quotes". */
export function searchView({ q = "", owner = "" }) {
  const list = h("ol", { class: "results", "aria-label": "Results" });
  const body = h(
    "div",
    { class: "library", "aria-live": "polite" },
    h("p", { class: "soft" }, "Searching …"),
  );
  const more = button("Show more", "down", () => load(), { class: "more", hidden: true });
  const early = h("p", { class: "soft", role: "status" });
  const abort = new AbortController();
  let cursor;

  async function load() {
    more.disabled = true;
    try {
      const page = await call("search", { parameters: { q, owner, cursor }, signal: abort.signal });
      cursor = page.cursor;
      list.append(...page.results.map(resultOf));
      more.hidden = !cursor;
      early.textContent = page.complete
        ? ""
        : `Searched back to ${when(page.back_to)}. “Show more” continues with older recordings.`;
      const nothing = () =>
        state(
          "empty",
          "Nobody said that",
          "Every word must occur. Put a phrase in “quotes” to find its words in this order; case and accents do not matter.",
        );
      if (list.children.length) replace(body, list);
      else if (cursor) replace(body);
      else replace(body, nothing());
    } catch (error) {
      if (!abort.signal.aborted) replace(body, troubleState(error, load));
    } finally {
      more.disabled = false;
    }
  }

  if (q.trim()) load();
  else
    replace(body, state("empty", "Search what was said", "Type a word, several, or a phrase in “quotes”."));
  return {
    title: q ? `Search: ${visible(q)}` : "Search",
    element: h(
      "div",
      { class: "page" },
      h("p", { class: "trail" }, h("a", { href: "#/" }, "All recordings")),
      h("h1", { tabindex: -1 }, "Results", q && [" for ", h("q", { dir: "auto" }, visible(q))]),
      body,
      early,
      more,
    ),
    close: () => abort.abort(),
  };
}

function resultOf(result) {
  const path = recordingPath(result.recording_id);
  const name = String(result.source_key).split("/").slice(2).join("/") || result.source_key;
  return h(
    "li",
    { class: "result" },
    h(
      "p",
      { class: "result-name" },
      h("a", { href: `#/${path}` }, h("bdi", {}, visible(name))),
      h("span", { class: "soft" }, ` ${visible(result.owner)} · ${when(result.created_at)}`),
    ),
    result.matches.map((match) =>
      h(
        "a",
        { class: "match", href: fragment(path, { t: match.start_s }) },
        h("span", { class: "stamp" }, clock(match.start_s)),
        h("span", { class: "snippet", dir: "auto" }, highlighted(match.snippet, match.highlights)),
      ),
    ),
  );
}

/** Marks the spans of a snippet; spans count characters, not JavaScript's UTF-16 units. */
function highlighted(snippet, spans) {
  const characters = Array.from(snippet);
  const parts = [];
  let last = 0;
  for (const [from, to] of spans) {
    parts.push(characters.slice(last, from).join(""), h("mark", {}, characters.slice(from, to).join("")));
    last = to;
  }
  return [...parts, characters.slice(last).join("")];
}
