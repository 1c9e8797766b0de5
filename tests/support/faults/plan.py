"""A plan: the properties of a history's world, and the faults in it."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ReadTimeoutError

from chalicelib.aws.s3 import PART_BYTES
from chalicelib.core.jobs.transcribe import AMAZON, EARSHOT
from support.faults.refusals import cancel, refuse
from support.faults.rules import Rules


class KilledError(BaseException):
    """The function's process has ended. Nothing catches this, and later requests have no effect."""


FAULTS = ("throttled", "fails", "times out", "takes effect unheard", "killed", "asked twice")
PARTIAL = frozenset({"batch_get_item", "batch_write_item", "delete_objects"})
"""Batch requests. A service may do a part of one, and return the rest."""

BUSY = {
    "start_transcription_job": "LimitExceededException",
    "delete_transcription_job": "LimitExceededException",
    "create_job": "TooManyRequestsException",
}
SKEW_S = 30
SMALL_PART_BYTES = 512
"""Bytes of a part in stages that write their tables in parts, so that a table has several."""

PICTURES_FAIL = 1 / 4
"""Share of the worlds in which MediaConvert cannot encode any picture."""


@dataclass
class Plan:
    """A number of faults, each for a request, an event, a message or a job.

    Everything is drawn from the seed. ``rng`` is used while people act and faults happen, ``rest``
    after that. So the end of a history stays the same if moves are left out of the history.
    """

    seed: int
    rules: Rules = field(default_factory=Rules)
    spent: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)  # noqa: S311  # chance that can be had again
        self.rest = random.Random(-self.seed - 1)  # noqa: S311  # chance that can be had again
        self.left = self.rng.choice((0, 1, 2, 4, 8, 16))
        self.rate = self.rng.choice((0.02, 0.05, 0.15))
        self.n_acts = self.rng.choice((1, 2, 4, 6, 9, 12) if self.rules.long else (1, 2, 3, 5))
        self.page = self.rng.choice((2, 1000, 1000))
        self.has_second_bucket = self.rng.random() < 1 / 3
        self.redaction = self.rng.choice(("", "", "redacted", "redacted_and_unredacted"))
        self.subtitles = self.rng.choice(((), (), ("srt", "vtt")))
        self.skew_s = {
            clock: self.rng.choice((0, 0, -SKEW_S, SKEW_S)) for clock in ("s3", "transcribe")
        }
        self.n_reconciles = self.rng.choice((1, 1, 2))
        # Drawn separately, so that a seed still has the history that it had before this rule.
        pictures = random.Random(f"pictures of {self.seed}")  # noqa: S311  # as above
        self.pictures_fail = self.rules.ladders_fail and pictures.random() < PICTURES_FAIL
        self.is_plain = False
        # Drawn separately, so that a seed has the same history without these acts.
        self.whole = random.Random(f"{self.seed} whole")  # noqa: S311  # as above
        self.owner_s, self.stage_s = 0, 0
        self.transcriber = AMAZON
        heard = random.Random(f"{self.seed} heard")  # noqa: S311  # as above
        if self.rules.own_recogniser and heard.random() < 1 / 4:
            self.transcriber, self.redaction = EARSHOT, ""
        self.part_bytes = PART_BYTES
        parts = random.Random(f"{self.seed} parts")  # noqa: S311  # as above
        if self.rules.in_parts and parts.random() < 1 / 4:
            self.part_bytes = SMALL_PART_BYTES
        self._lag = random.Random(f"{self.seed} lag")  # noqa: S311  # as above
        if self.rules.whole_api:
            self.owner_s = self.whole.choice((0, 0, 0, 2, 4))
            self.stage_s = self.whole.choice((0, 0, 3, 6)) if self.owner_s else 0

    def make_plain(self) -> None:
        """Remove all chance: no fault, whole pages, one bucket, one time."""
        self.left, self.page, self.n_reconciles = 0, 1000, 1
        self.has_second_bucket, self.redaction, self.subtitles = False, "", ()
        self.pictures_fail = False
        self.skew_s = dict.fromkeys(self.skew_s, 0)
        self.owner_s, self.stage_s, self.transcriber = 0, 0, AMAZON
        self.part_bytes = PART_BYTES
        self.is_plain = True

    def lag(self) -> str:
        """Return a name for the items that an index shows before the others, or none."""
        if self.is_plain or not self.rules.item_by_item or self._lag.random() < 1 / 2:
            return ""
        return str(self._lag.randrange(1000))

    def skew_of_a_function(self) -> int:
        """Return the difference of a function call's clock from the world's, in seconds."""
        if self.is_plain:
            return 0
        return self.rng.choice((0, 0, -SKEW_S, SKEW_S))

    def strikes(self) -> bool:
        """Return whether a fault happens here."""
        return self.left > 0 and self.rng.random() < self.rate

    def fate(self, operation: str) -> str:
        """Return the fate of a request: none, or one of the faults."""
        # Batch requests are rare, so they fail in part more often.
        if operation in PARTIAL and any(self.strikes() for _ in range(3)):
            return "partly"
        return self.rng.choice(FAULTS) if operation and self.strikes() else ""

    def spend(self, what: str) -> None:
        """Record a fault."""
        self.left -= 1
        self.spent.append(what)


def error_of(fate: str, operation: str, given: Mapping[str, Any]) -> Exception:
    """Return a client's error after botocore's retries have failed."""
    if fate == "throttled" and operation == "transact_write_items":
        # Another transaction uses an item of this one, so one item gets TransactionConflict.
        return cancel(["None"] * (len(given["TransactItems"]) - 1) + ["TransactionConflict"])
    if fate == "throttled":
        return refuse(operation, BUSY.get(operation, "ThrottlingException"))
    if fate == "fails":
        return refuse(operation, "InternalError", 500)
    return ReadTimeoutError(endpoint_url=f"https://{operation}.example")
