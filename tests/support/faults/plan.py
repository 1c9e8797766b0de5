"""What goes wrong, and when: decided by a seed, and told in the order in which it happened."""

import random
from dataclasses import dataclass, field

from botocore.exceptions import ReadTimeoutError

from support.faults.storage_double import refuse


class KilledError(BaseException):
    """The function's process has ended. Nothing catches it, and nothing it does has an effect."""


BUSY = {
    "start_transcription_job": "LimitExceededException",
    "create_job": "TooManyRequestsException",
}


@dataclass
class Plan:
    """A number of faults to be spent, each on a request, an event or a job."""

    seed: int
    spent: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)  # noqa: S311  # chance that can be had again
        self.left = self.rng.choice((0, 1, 2, 4, 8, 16))
        self.rate = self.rng.choice((0.02, 0.05, 0.15))

    def strikes(self, rate: float | None = None) -> bool:
        """Tell whether one of the faults is to be spent here."""
        return self.left > 0 and self.rng.random() < (self.rate if rate is None else rate)

    def spend(self, what: str) -> None:
        """Write a fault down."""
        self.left -= 1
        self.spent.append(what)

    def fate(self, who: str, operation: str) -> str | None:
        """Decide what becomes of a request: nothing special, or one of four faults."""
        if not self.strikes():
            return None
        fate = self.rng.choice(
            ("throttled", "fails", "times out", "takes effect unheard", "killed")
        )
        self.spend(f"{who}: {operation} {fate}")
        return fate


def error_of(fate: str, operation: str) -> Exception:
    """Return what a client raises where botocore's own retries have not helped either."""
    if fate == "throttled":
        return refuse(operation, BUSY.get(operation, "ThrottlingException"))
    if fate == "fails":
        return refuse(operation, "InternalError", 500)
    return ReadTimeoutError(endpoint_url=f"https://{operation}.example")
