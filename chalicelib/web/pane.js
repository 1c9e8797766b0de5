// A part of a recording's page. It loads its content, and loads it again after a change.

import { replace } from "./dom.js";
import { troubleState } from "./trouble.js";

/** Shows the status until there is content to load, and then the content. */
export class Pane {
  /**
   * `versionOf` returns a version of a recording's content, or nothing. `load` returns the content,
   * which has an `element` and is closed when it is replaced. `stateOf` returns the panel shown until
   * then. `onLoaded` is called with each content.
   */
  constructor(element, { versionOf, load, stateOf, onLoaded }) {
    this.element = element;
    this.versionOf = versionOf;
    this.load = load;
    this.stateOf = stateOf;
    this.onLoaded = onLoaded;
    this.part = null;
    this.version = null;
    this.abort = new AbortController();
  }

  /** Updates the pane for a recording's new state. */
  async update(recording) {
    const version = this.versionOf(recording);
    if (!version) {
      this.clear();
      replace(this.element, this.stateOf(recording));
      return;
    }
    if (version === this.version) return;
    this.version = version;
    this.abort.abort();
    const abort = new AbortController();
    this.abort = abort;
    try {
      const part = await this.load(recording, abort.signal);
      if (abort.signal.aborted) return;
      this.part?.close();
      this.part = part;
      replace(this.element, part.element);
      this.onLoaded(part);
    } catch (error) {
      if (abort.signal.aborted) return;
      this.clear();
      replace(
        this.element,
        troubleState(error, () => this.update(recording)),
      );
    }
  }

  /** Loads the part anew, although the recording's version is the same. */
  again(recording) {
    this.version = null;
    return this.update(recording);
  }

  clear() {
    this.abort.abort();
    this.part?.close();
    this.part = null;
    this.version = null;
  }

  close() {
    this.clear();
  }
}
