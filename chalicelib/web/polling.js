// Polling: often while something changes, rarely otherwise, never on a hidden page.

const SOONEST_MS = 1000;
const BUSY_MS = 8000;
const IDLE_MS = 30_000;
const SLOWDOWN = 1.4;

/**
 * Calls `look` until it is stopped. `look` returns "changed", "busy" or "idle"; an error counts as
 * idle, and `look` itself must show it.
 */
export function poll(look) {
  let wait = SOONEST_MS;
  let timer = 0;
  let stopped = false;
  let paused = false;
  let looking = null;

  async function once() {
    clearTimeout(timer);
    if (stopped || paused || looking || document.hidden) return;
    looking = look().catch(() => "idle");
    const found = await looking;
    looking = null;
    if (found === "changed") wait = SOONEST_MS;
    else wait = Math.min(wait * SLOWDOWN, found === "busy" ? BUSY_MS : IDLE_MS);
    if (!stopped && !paused) timer = setTimeout(once, wait);
  }

  function onVisible() {
    if (document.hidden) return;
    wait = SOONEST_MS;
    once();
  }

  document.addEventListener("visibilitychange", onVisible);
  addEventListener("online", onVisible);
  once();
  return {
    /** Waits until the current look has ended. No other look begins before `hurry`. */
    async pause() {
      paused = true;
      clearTimeout(timer);
      await looking;
    },
    /** Polls now, and again after a short time. */
    hurry() {
      paused = false;
      wait = SOONEST_MS;
      once();
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", onVisible);
      removeEventListener("online", onVisible);
    },
  };
}
