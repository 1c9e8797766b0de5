// The progress of a recording's branches, as chips.

import { h, icon } from "./dom.js";
import { BRANCHES, done, statusWords } from "./wording.js";

const SIGNS = {
  PENDING: "clock",
  IN_PROGRESS: "clock",
  COMPLETED: "check",
  FAILED: "warning",
  SKIPPED: "dash",
};

/** A chip for each branch with a status to show; `progress` is the recording's, by branch. */
export function chips(recording, progress = {}) {
  return BRANCHES.filter((branch) => !(branch === "renditions" && recording[branch] === "SKIPPED")).map(
    (branch) => {
      const status = recording[branch];
      const told = status === "IN_PROGRESS" ? progress?.[branch] : undefined;
      return h(
        "span",
        { class: `chip ${String(status).toLowerCase()}` },
        icon(SIGNS[status] ?? "dash"),
        statusWords(branch, status),
        told && ` ${done(told)}`,
      );
    },
  );
}
