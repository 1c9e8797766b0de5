// A button that opens a list of links. Escape or a click elsewhere closes it; arrow keys move in it.

import { button, h, toast } from "./dom.js";
import { take } from "./downloads.js";
import { signsIn } from "./identity.js";

/** Groups are [title, [[words, note, href], …]]. */
export function downloadMenu(groups) {
  const list = h(
    "div",
    { class: "menu-list", hidden: true, id: "downloads", role: "group", "aria-label": "Downloads" },
    groups.map(([title, entries]) =>
      h(
        "section",
        {},
        h("h2", {}, title),
        h(
          "ul",
          {},
          entries.map(([words, note, href]) =>
            h(
              "li",
              {},
              h(
                "a",
                { href, download: "", onclick: signsIn && onTake },
                words,
                note && h("span", { class: "note" }, note),
              ),
            ),
          ),
        ),
      ),
    ),
  );
  const opener = button("Download", "download", () => toggle(list.hidden), {
    "aria-expanded": "false",
    "aria-controls": "downloads",
    "aria-keyshortcuts": "d",
  });
  const element = h("div", { class: "menu" }, opener, list);

  function onTake(event) {
    event.preventDefault();
    take(event.currentTarget.href).catch((error) => toast(error.message));
  }

  function toggle(isOpen) {
    list.hidden = !isOpen;
    opener.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) {
      addEventListener("pointerdown", onElsewhere);
      list.querySelector("a")?.focus();
    } else removeEventListener("pointerdown", onElsewhere);
  }

  function onElsewhere(event) {
    if (!element.contains(event.target)) toggle(false);
  }

  element.addEventListener("keydown", (event) => {
    if (list.hidden) return;
    const links = [...list.querySelectorAll("a")];
    const place = links.indexOf(document.activeElement);
    const target = {
      ArrowDown: links[place + 1],
      ArrowUp: links[place - 1],
      Home: links[0],
      End: links.at(-1),
    }[event.key];
    if (event.key === "Escape") {
      toggle(false);
      opener.focus();
    } else if (target) target.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  element.addEventListener(
    "focusout",
    (event) => event.relatedTarget && !element.contains(event.relatedTarget) && toggle(false),
  );
  return { element, close: () => removeEventListener("pointerdown", onElsewhere), open: () => toggle(true) };
}
