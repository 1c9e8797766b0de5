"""The plan of a backfill: how many recordings, hours, dollars and days, before anything begins."""

import math
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from chalicelib.core.probe.formats import CONTAINERS, extension
from scripts.archive_cost import MEASURE_S, RECEIVE_S, Amount, Prices
from scripts.backfill.listing import Entry
from scripts.backfill.pace import HEAD_ROOM, TABLE_A_SECOND, Quotas

SAMPLE = 200
"""Default number of recordings whose headers are read."""

JOB_S, JOB_SHARE = 15.0, 0.2
"""Assumed, as in docs/scale.md: a job takes 15 s and a fifth of the recording's length."""

MEASURE_SHARE = 2.73 / 600
"""Measuring ten minutes takes 2.73 s of CPU and some waiting (benchmarks/deployed.json)."""

BYTES_A_S = 16_000.0
"""Bytes in a second if no header of the sample gives a length: 128 kbit/s."""


@dataclass(slots=True)
class Tally:
    """Counts over the whole list, and a random sample of it, in memory that does not grow."""

    sample_size: int = SAMPLE
    n: int = 0
    size: int = 0
    formats: Counter[str] = field(default_factory=Counter)
    sizes: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    sample: list[Entry] = field(default_factory=list)
    n_listed: int = 0

    def count(self, entries: Iterable[Entry]) -> None:
        """Count entries. The sample is the same for the same list."""
        chance = random.Random(0)  # noqa: S311  # a sample, not a secret
        for entry in entries:
            self.n_listed += 1
            if entry.refusal:
                self.refusals[entry.refusal] += 1
                continue
            self.n += 1
            self.size += entry.size
            self.formats[extension(entry.key)] += 1
            self.sizes[extension(entry.key)] += entry.size
            # Algorithm R: J. Vitter, Random sampling with a reservoir, 1985.
            if len(self.sample) < self.sample_size:
                self.sample.append(entry)
            elif (place := chance.randrange(self.n)) < self.sample_size:
                self.sample[place] = entry


@dataclass(frozen=True, slots=True)
class Header:
    """The header of one recording: its length, and why it would be refused."""

    named: str
    size: int
    seconds: float | None
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan. ``hours`` is known to within ``hours_error``, twice its standard error."""

    n: int
    size: int
    formats: dict[str, int]
    refusals: dict[str, int]
    hours: float
    hours_error: float
    charged_hours: float
    n_sample: int
    n_told: int
    sample_refusals: dict[str, int]
    usd: dict[str, float]
    times_h: dict[str, float]
    n_listed: int
    only: str | None = None
    quotas: str = ""

    @property
    def total_usd(self) -> float:
        """The dollars for everything."""
        return sum(self.usd.values())

    @property
    def minute_usd(self) -> float:
        """The mean price of a minute that Transcribe charges."""
        return self.usd["Transcribe"] / (self.charged_hours * 60) if self.charged_hours else 0.0

    @property
    def first_limit(self) -> str:
        """The limit that slows the work most."""
        return max(self.times_h, key=lambda name: self.times_h[name])

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as JSON."""
        return asdict(self)


def make_plan(
    tally: Tally,
    read: Callable[[Entry], Header],
    *,
    prices: Prices,
    quotas: Quotas,
    only: str | None = None,
) -> Plan:
    """Read the headers of the sample, and estimate the whole from them.

    The hours of each format follow from its bytes, by the ratio of seconds to bytes in the sample;
    the error is that of a separate ratio estimate (Cochran, Sampling Techniques, 1977, chapter 6).
    """
    headers = [read(entry) for entry in tally.sample]
    told = [header for header in headers if header.seconds is not None and not header.refusal]
    seconds, error = _estimate_all(tally, told)
    known = sum(header.seconds or 0.0 for header in told)
    charged = sum(Amount.of(header.seconds or 0.0).charged_s for header in told)
    mean_s = seconds / tally.n if tally.n else 0.0
    factor = charged / known if known else Amount.of(mean_s).charged_s / max(mean_s, 1e-9)
    amount = Amount(tally.n, seconds, seconds * factor)
    refused = Counter(header.refusal for header in headers if header.refusal)
    return Plan(
        n=tally.n,
        size=tally.size,
        formats=dict(tally.formats.most_common()),
        refusals=dict(tally.refusals.most_common()),
        hours=seconds / 3600,
        hours_error=error / 3600,
        charged_hours=amount.charged_s / 3600 if only != "features" else 0.0,
        n_sample=len(headers),
        n_told=len(told),
        sample_refusals={str(reason): n for reason, n in refused.most_common()},
        usd=prices.costs(amount, only=only),
        times_h=times_h(amount, quotas, only=only),
        n_listed=tally.n_listed,
        only=only,
        quotas=quotas.told_by,
    )


def _estimate_all(tally: Tally, told: Sequence[Header]) -> tuple[float, float]:
    """Return the seconds of everything, and twice their standard error."""
    total = squares = 0.0
    for named, n in tally.formats.items():
        its = [header for header in told if header.named == named]
        # A format that is not in the sample counts like the mean of all formats.
        seconds, error = _estimate(tally.sizes[named], n, its or told)
        total, squares = total + seconds, squares + error**2
    return total, math.sqrt(squares)


def _estimate(size: int, n: int, told: Sequence[Header]) -> tuple[float, float]:
    """Return the seconds of ``n`` recordings of ``size`` bytes, and twice their standard error."""
    n_bytes = sum(header.size for header in told)
    if not n_bytes:
        return size / BYTES_A_S, 0.0
    ratio = sum(header.seconds or 0.0 for header in told) / n_bytes
    k = len(told)
    if k >= n or k < 2:  # noqa: PLR2004  # a deviation needs two
        return size * ratio, 0.0
    spread = sum(((header.seconds or 0.0) - ratio * header.size) ** 2 for header in told) / (k - 1)
    return size * ratio, 2 * n * math.sqrt((1 - k / n) * spread / k)


def times_h(amount: Amount, quotas: Quotas, *, only: str | None = None) -> dict[str, float]:
    """Return the hours that each part takes alone. The others wait for the longest one."""
    functions_s = amount.n * RECEIVE_S
    if only != "transcription":
        functions_s += amount.n * MEASURE_S + amount.seconds * MEASURE_SHARE
    found = {
        f"MEASURING_CONCURRENCY={quotas.measured_at_once}": functions_s / quotas.measured_at_once,
        f"a new table's writes ({TABLE_A_SECOND:g} a second)": amount.n / TABLE_A_SECOND,
    }
    if only != "features":
        job_s = amount.n * JOB_S + amount.seconds * JOB_SHARE
        found |= {
            f"Transcribe's jobs at once ({quotas.jobs_at_once})": job_s / quotas.at_once(only),
            f"Transcribe's starts a second ({quotas.starts_a_second:g})": amount.n
            / (quotas.starts_a_second * (1 - HEAD_ROOM)),
        }
    return {name: seconds / 3600 for name, seconds in found.items()}


def lines(plan: Plan) -> Iterator[str]:
    """Yield the lines of the plan for people."""
    formats = ", ".join(f"{name} {count:,}" for name, count in plan.formats.items())
    yield f"  recordings  {plan.n:,} of {plan.n_listed:,} objects, {plan.size / 1e9:,.1f} GB"
    yield f"  formats     {formats or 'none'}"
    for reason, count in plan.refusals.items():
        yield f"  refused     {count:,}: {reason}"
    error = f" ± {plan.hours_error:,.1f}" if plan.hours_error else ""
    yield f"  hours       {plan.hours:,.1f}{error}, from the headers of {plan.n_told:,}"
    for reason, count in plan.sample_refusals.items():
        yield f"              {count:,} of the {plan.n_sample:,} looked into would fail: {reason}"
    yield f"  cost        {plan.total_usd:,.2f} USD (docs/costs.md says from which prices)"
    for name, usd in plan.usd.items():
        if usd >= 0.005:  # noqa: PLR2004  # rounds to a cent
            told = f", {plan.charged_hours:,.1f} hours charged" if name == "Transcribe" else ""
            yield f"              {usd:,.2f} {name}{told}"
    if plan.only is None and CONTAINERS.intersection(plan.formats):
        yield "              MediaConvert's renditions of video are not counted"
    yield f"  time        {told_h(plan.times_h[plan.first_limit])}, by {plan.first_limit}"
    for name, hours in plan.times_h.items():
        if name != plan.first_limit:
            yield f"              {told_h(hours)} by {name}"
    yield f"              (quotas by {plan.quotas}, a fifth of them left to live uploads)"


def told_h(hours: float) -> str:
    """Return a time in days, hours, minutes or seconds."""
    for unit, in_hours in (("days", 24.0), ("h", 1.0), ("min", 1 / 60)):
        if hours >= 2 * in_hours:
            return f"{hours / in_hours:,.1f} {unit}"
    return f"{hours * 3600:,.0f} s"
