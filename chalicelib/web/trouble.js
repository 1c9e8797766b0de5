// Panels for errors of the API, with the next step for the user.

import { button, h, state } from "./dom.js";
import { signIn, signsIn } from "./identity.js";

/** A panel for an error: what happened, and the next step. */
export function troubleState(error, retry) {
  const again = button("Try again", "again", retry);
  if (error.isUnsigned && signsIn)
    return state(
      "empty",
      "Sign in to see your recordings",
      null,
      button("Sign in", null, signIn, { class: "primary" }),
    );
  if (error.isUnsigned) {
    return state(
      "failed",
      "Sign in to see your recordings",
      "This deployment accepts only signed requests. On your own machine, with your AWS credentials, run",
      h("pre", {}, h("code", {}, "make page STAGE=dev")),
      h("p", {}, "and open the address that it prints. There the page's requests are signed for you."),
      again,
    );
  }
  if (error.status === 404) {
    return state(
      "failed",
      "There is no such recording",
      "It was deleted or replaced by another upload, or it belongs to somebody else.",
      h("p", {}, h("a", { href: "#/" }, "All recordings")),
    );
  }
  if (error.status === 0)
    return state("failed", "Earshot cannot be reached", "The page keeps trying.", again);
  return state("failed", "That did not work", error.message, again);
}
