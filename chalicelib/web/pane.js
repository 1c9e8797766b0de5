// A place on a recording's page for something that is loaded, and loaded again when it was made anew.

import { replace } from "./dom.js";
import { troubleState } from "./trouble.js";

/** Shows how things stand until there is something to load, and then what was loaded. */
export class Pane {
  /**
   * `versionOf` gives a mark of what there is of a recording, or nothing; `load` gives the part to
   * show, which has an `element` and is closed when it is replaced; `stateOf` gives the panel that
   * stands there meanwhile. `onLoaded` is called with each part.
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

  /** Brings the pane up to date with a recording. */
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
