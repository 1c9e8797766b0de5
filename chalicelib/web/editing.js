// Correcting a transcript in place: a word, a speaker's name, the beginning of a segment.

import { ConflictError } from "./corrections.js";
import { button, h, toast } from "./dom.js";
import { clock, speaker } from "./wording.js";

/**
 * The editor of a transcript's text. `onChange` is called when the corrections have changed. It
 * gets all that is needed to continue in the new text: the mode, a time, and an unsaved draft.
 */
export class Editing {
  constructor(text, corrections, { onChange, onOriginal, isOriginal }) {
    this.text = text;
    this.words = text.words;
    this.corrections = corrections;
    this.onChange = onChange;
    this.isOriginal = isOriginal;
    this.isOn = false;
    this.form = null;
    this.toggle = button("Correct", "pencil", () => this.setOn(!this.isOn), {
      class: "toggle",
      "aria-pressed": "false",
      "aria-keyshortcuts": "e",
      disabled: isOriginal,
      title: "Choose a word to correct it",
    });
    this.undoing = button("Undo", null, () => this.undo(corrections.latest), {
      hidden: isOriginal || !corrections.latest,
      title: "Undo your latest correction",
    });
    this.version = button("Original", null, onOriginal, {
      class: "toggle",
      "aria-pressed": String(isOriginal),
      hidden: !isOriginal && !corrections.entries.length,
      title: "Show what was recognised",
    });
    this.tools = h("div", { class: "editing-tools" }, this.toggle, this.undoing, this.version);
  }

  setOn(isOn) {
    this.isOn = isOn && !this.isOriginal;
    this.toggle.setAttribute("aria-pressed", String(this.isOn));
    this.text.element.classList.toggle("editing", this.isOn);
    if (!this.isOn) this.close();
  }

  /** The first and the last word of the correction that wrote a word; else the word itself. */
  unitOf(i) {
    const { correction } = this.words;
    let [first, last] = [i, i];
    if (correction[i] !== null) {
      while (first > 0 && correction[first - 1] === correction[i]) first -= 1;
      while (correction[last + 1] === correction[i]) last += 1;
    }
    return [first, last];
  }

  /** Opens a field in the place of a word. */
  openWord(i, draft, message) {
    if (this.isOriginal || !this.text.spans[i]) return;
    this.setOn(true);
    const [first, last] = this.unitOf(i);
    const said = [];
    for (let n = first; n <= last; n += 1) said.push(this.words.text[n] + (this.words.punctuation[n] ?? ""));
    const before = said.join(" ");
    const begins = this.text.firsts.has(first);
    const boundary = first > 0 && {
      words: begins ? "Join to the segment before" : "New segment from here",
      act: () => this.save({ kind: begins ? "join" : "split" }, first),
    };
    this.open({
      label: "Correct the word",
      before,
      draft: draft ?? before,
      message,
      boundary,
      place: this.text.spans[first],
      hidden: this.text.spans.slice(first, last + 1),
      save: (text) => this.save({ kind: "words", text }, first),
      back: () => this.text.moveCaret(first),
    });
  }

  /** Opens a field for the name of the speaker of a word. */
  openName(i, draft, message) {
    const label = this.words.speaker[i];
    const who = this.text.spans[i].closest(".segment").querySelector(".who");
    this.setOn(true);
    this.open({
      label: "Name of the speaker",
      before: label ? speaker(label) : "",
      draft: draft ?? (label ? speaker(label) : ""),
      message,
      place: who.firstElementChild,
      hidden: [...who.querySelectorAll(".speaker, .rename")],
      save: (text) => (text ? this.save({ kind: "speaker", text }, i) : this.close()),
      back: () => who.querySelector(".rename").focus(),
    });
  }

  open({ label, before, draft, message, boundary = null, place, hidden, save, back }) {
    this.close();
    const input = h("input", {
      type: "text",
      value: draft,
      "aria-label": label,
      maxlength: 500,
      size: Math.max(4, draft.length + 1),
      autocomplete: "off",
      spellcheck: "true",
    });
    this.trouble = h("p", { class: "trouble", role: "alert" }, message ?? "");
    this.form = h(
      "form",
      { class: "editor" },
      input,
      h(
        "span",
        { class: "editor-tools" },
        button("Save", "check", null, { type: "submit", class: "primary" }),
        boundary && button(boundary.words, null, boundary.act),
        button("Cancel", "close", () => leave(), { wordless: true, class: "quiet" }),
      ),
      this.trouble,
    );
    const leave = () => {
      this.close();
      back();
    };
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      const text = input.value.trim();
      if (text === before && !message) leave();
      else save(text);
    });
    this.form.addEventListener("keydown", (event) => {
      event.stopPropagation(); // arrows and letters are for the field
      if (event.key === "Escape") leave();
    });
    this.hidden = hidden;
    for (const one of hidden) one.hidden = true;
    place.before(this.form);
    input.focus();
    input.select();
  }

  close() {
    for (const one of this.hidden ?? []) one.hidden = false;
    this.form?.remove();
    this.form = this.hidden = null;
  }

  /** Splits a segment at a word. If a segment begins there, joins it to the one before. */
  turnBoundary(i) {
    const [first] = this.unitOf(i);
    if (first > 0 && !this.isOriginal)
      this.save({ kind: this.text.firsts.has(first) ? "join" : "split" }, first);
  }

  save(change, i) {
    const place = { isOn: this.isOn, time: this.words.start[i] };
    const entry = { ...change, ...this.corrections.originOf(this.words, i) };
    return this.attempt(() => this.corrections.add(entry), place, change);
  }

  undo(entry) {
    const place = { isOn: this.isOn, time: entry.start_s };
    return this.attempt(() => this.corrections.remove(entry), place, {});
  }

  async attempt(write, place, draft) {
    for (const one of this.form?.querySelectorAll("button") ?? []) one.disabled = true;
    try {
      await write();
      await this.onChange(place);
    } catch (error) {
      if (error instanceof ConflictError) await this.onChange({ ...place, draft, message: error.message });
      else if (this.form) this.trouble.textContent = error.message;
      else toast(error.message);
      for (const one of this.form?.querySelectorAll("button") ?? []) one.disabled = false;
    }
  }

  /** Continues at the place and with the draft of an earlier text. */
  resume({ isOn, time, draft, message }) {
    this.setOn(isOn);
    const i = this.words.nearest(time);
    if (i < 0) return;
    if (draft?.kind === "words") this.openWord(i, draft.text, message);
    else if (draft?.kind === "speaker") this.openName(i, draft.text, message);
    else {
      this.text.moveCaret(i);
      if (message) toast(message);
    }
  }

  /** The button beside a segment's speaker that opens a field for the name. */
  renamer(segment, label) {
    return button(
      `Name ${label ? speaker(label) : "the speaker"}`,
      "pencil",
      () => this.openName(segment.first_word),
      {
        wordless: true,
        class: "rename",
        title: `Name the speaker from ${clock(segment.start_s)}`,
      },
    );
  }
}
