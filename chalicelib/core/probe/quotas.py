"""Quotas: the hours of media that are accepted in a day, of each owner and of the whole stage."""

from dataclasses import dataclass

from chalicelib.core.probe.contents import Contents
from chalicelib.core.probe.limits import LONGEST_S

STAGE = "stage"
"""Name of the counter of all owners' hours."""

BYTES_PER_S = 8_000
"""Bytes of a second, if the header does not say how long a file lasts: 64 kbit/s."""

REFUSED = "The recording was not processed"
"""Beginning of the reason of every recording that is over a quota."""

_HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class Quotas:
    """Hours of media that are accepted in a day, which ends at 00:00 UTC; 0 is no limit."""

    owner_hours: float = 0.0
    stage_hours: float = 0.0

    def __bool__(self) -> bool:
        return bool(self.owner_hours or self.stage_hours)

    def limits_s(self, owner: str) -> dict[str, int]:
        """Return the seconds of each counter that an owner's recording adds to, by its name."""
        limits = {f"owner/{owner}": self.owner_hours, STAGE: self.stage_hours}
        return {name: round(hours * _HOUR_S) for name, hours in limits.items() if hours}


def seconds_of(size: int, contents: Contents) -> int:
    """Return the seconds that a file of ``size`` bytes counts for, rounded up."""
    known = contents.duration_s
    seconds = min(size / BYTES_PER_S, LONGEST_S) if known is None else known
    return int(-(-seconds // 1))


def refusal(counter: str, limit_s: int, seconds: int) -> str:
    """Return why a recording is refused, for its owner."""
    hours = f"{limit_s / _HOUR_S:g} hours"
    if seconds > limit_s:
        each = "" if counter == STAGE else " of each owner"
        return (
            f"{REFUSED}: it lasts {seconds / _HOUR_S:.1f} hours, and at most "
            f"{hours}{each} are processed in a day. An administrator can process it."
        )
    whose = "everybody's" if counter == STAGE else "your"
    return (
        f"{REFUSED}: with it, {whose} recordings of today would last longer "
        f"than {hours}, the limit of a day. Choose Process again tomorrow (a day ends at 00:00 "
        "UTC), or ask an administrator to process it now."
    )
