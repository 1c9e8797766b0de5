// Builds elements. Text is never parsed as HTML, here or in any other module.

const SVG = "http://www.w3.org/2000/svg";

const ICONS = {
  play: "M8 5v14l11-7z",
  pause: "M7 5h4v14H7zM13 5h4v14h-4z",
  back: "M15 5l-7 7 7 7",
  down: "M6 9l6 6 6-6",
  upload: "M12 16V4M7 9l5-5 5 5M4 20h16",
  download: "M12 4v12M7 11l5 5 5-5M4 20h16",
  again: "M20 11a8 8 0 1 0-2.3 6M20 5v6h-6",
  bin: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5",
  link: "M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  fit: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  pencil: "M4 20l4-1L19 8l-3-3L5 16zM14 7l3 3",
  close: "M6 6l12 12M18 6L6 18",
  check: "M5 12.5l4.5 4.5L19 7.5",
  clock: "M12 7v5l3 2M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z",
  warning: "M12 4L2.5 20h19zM12 10v5M12 17.5v.5",
  dash: "M7 12h10",
};
const FILLED = new Set(["play", "pause"]);

/**
 * Makes an element: attributes by name, listeners as `onclick`, children as nodes or text.
 *
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {...any} children
 * @returns {any} an element; its properties depend on the tag
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

/** An icon, hidden from screen readers; the element around it has the words. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", FILLED.has(name) ? "icon filled" : "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/**
 * Makes a button with an icon and words; `wordless` hides the words, except from screen readers.
 *
 * @param {string} words
 * @param {string | null} name name of the icon
 * @param {((event: Event) => unknown) | null} onclick
 * @param {{wordless?: boolean, [attribute: string]: any}} [options]
 */
export function button(words, name, onclick, { wordless = false, ...attributes } = {}) {
  return h(
    "button",
    { type: "button", onclick, ...(wordless && { "aria-label": words, title: words }), ...attributes },
    name && icon(name),
    !wordless && h("span", {}, words),
  );
}

export function replace(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter(Boolean));
  return element;
}

/** Shows a short message for a moment, and tells it to screen readers. */
export function toast(words) {
  const note = h("p", { class: "toast" }, words);
  document.getElementById("toasts").append(note);
  setTimeout(() => note.remove(), 6000);
}

/** Returns whether the user prefers less motion. */
export function prefersStillness() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** A panel with a message in place of content. */
export function state(kind, title, words, ...more) {
  return h(
    "section",
    { class: `state ${kind}`, role: kind === "failed" ? "alert" : null },
    h("h2", {}, title),
    words && h("p", {}, words),
    ...more,
  );
}
