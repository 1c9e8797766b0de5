"""Print the state of a stage: recordings by status, and failures by reason.

This reads the whole table, 100 recordings at a time.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from chalicelib.config import Settings
from chalicelib.core.recording import Branch, Recording, Status
from chalicelib.services import connect
from scripts.stage import enter

SHOWN = 20
"""Number of reasons that are printed; with --json, all of them are."""


@dataclass(slots=True)
class Counts:
    """Numbers of a stage's recordings."""

    recordings: int = 0
    hours: float = 0.0
    statuses: Counter[str] = field(default_factory=Counter)
    branches: dict[str, Counter[str]] = field(
        default_factory=lambda: {branch.value: Counter() for branch in Branch}
    )
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)

    def count(self, recording: Recording) -> None:
        """Count a recording."""
        self.recordings += 1
        self.hours += (recording.duration_s or 0.0) / 3600
        self.statuses[recording.status.value] += 1
        for branch in Branch:
            state = recording.state(branch)
            self.branches[branch.value][state.status.value] += 1
            if state.status == Status.FAILED:
                self.reasons[branch.value, state.reason or "no reason"] += 1

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers as the object that ``--json`` prints."""
        return {
            "recordings": self.recordings,
            "hours": round(self.hours, 3),
            "statuses": dict(self.statuses),
            "branches": {name: dict(counted) for name, counted in self.branches.items()},
            "failures": [
                {"branch": branch, "reason": reason, "recordings": n}
                for (branch, reason), n in self.reasons.most_common()
            ],
        }


def lines(counts: Counts) -> Iterator[str]:
    """Yield the numbers as lines for people."""
    yield f"{counts.recordings:,} recordings, {counts.hours:,.1f} hours measured"
    for name, counted in {"together": counts.statuses, **counts.branches}.items():
        told = ", ".join(f"{n:,} {status}" for status, n in sorted(counted.items()))
        yield f"  {name:<14}{told or 'none'}"
    if counts.reasons:
        yield "failures by reason (`make retry REASON=…` tries those again):"
    for (branch, reason), n in counts.reasons.most_common(SHOWN):
        yield f"  {n:>8,}  {branch}: {reason}"
    if len(counts.reasons) > SHOWN:
        yield f"  and {len(counts.reasons) - SHOWN:,} more reasons (--json has all)"


def main(arguments: list[str] | None = None) -> int:
    """Print the numbers of the stage that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m scripts.status", description=__doc__)
    parser.add_argument("stage", help="the stage, or local")
    parser.add_argument("--owner", help="of one owner")
    parser.add_argument("--since", help="created since: 2026-06-30")
    parser.add_argument("--json", action="store_true", help="as one JSON object")
    given = enter(parser, arguments)
    counts = Counts()
    services = connect(Settings.from_env())
    for recording in services.recordings.each(owner=given.owner, since=given.since):
        counts.count(recording)
    print(json.dumps(counts.to_dict()) if given.json else "\n".join(lines(counts)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
