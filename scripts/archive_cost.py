"""The cost of many recordings of any length, from measured figures and public prices.

``scripts.cost`` has the cost of recordings of ten minutes. Here the amounts grow evenly with
the length, through two measured points: the shortest recording and the one of ten minutes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts import cost

TIERS = ((250_000, "transcribe_minute"), (1_000_000, "transcribe_minute_2"))
TIERS_ABOVE = ((5_000_000, "transcribe_minute_3"), (float("inf"), "transcribe_minute_4"))
"""Prices of Amazon Transcribe, each with the minutes of a month up to which it applies."""

LEAST_CHARGED_S = 15.0
"""Amazon Transcribe charges at least this for a request."""

MEASURED_S = 600.0
"""Length of the recording that ``benchmarks/deployed.json`` is about."""

MEMORY_MB = 1769
RECEIVE_S, MEASURE_S, STORE_S = 1.0, 0.5, 0.5
"""Assumed seconds of waiting for AWS, as in docs/scale.md. AWS charges for them too."""

ITEM_BYTES, SEARCH_UNITS = 2_000, 63
"""The size of the item, and the write units of the search rows, of a recording of some seconds."""

MEASURING, TRANSCRIBING = "features", "transcription"


@dataclass(frozen=True, slots=True)
class Amount:
    """Recordings, their length, and the length that Transcribe charges, in seconds."""

    n: float
    seconds: float
    charged_s: float

    @classmethod
    def of(cls, seconds: float) -> "Amount":
        """Return the amount of one recording."""
        return cls(1, seconds, max(seconds, LEAST_CHARGED_S))


@dataclass(frozen=True, slots=True)
class Prices:
    """AWS's prices, and what one recording of ten minutes took."""

    prices: Mapping[str, float]
    measured: Mapping[str, Any]

    @classmethod
    def read(cls, project: Path = cost.PROJECT) -> "Prices":
        """Read both from the project's files."""
        return cls(cost.read_prices(project), cost.read_measured(project)["ten_minutes"])

    def transcribing(self, minutes: float) -> float:
        """Return the dollars for minutes of one month, each at the price of its tier."""
        usd = done = 0.0
        for until, name in (*TIERS, *TIERS_ABOVE):
            usd += max(0.0, min(minutes, until) - done) * self.prices[name]
            done = until
        return usd

    def costs(
        self, amount: Amount, *, only: str | None = None, minute_usd: float | None = None
    ) -> dict[str, float]:
        """Return the dollars for each service.

        Parameters
        ----------
        amount : Amount
            of one recording, or of many together
        only : str, optional
            ``features`` or ``transcription``, if not both are made
        minute_usd : float, optional
            the price of a minute of Transcribe; by default each minute's own
        """
        n, share, price = amount.n, amount.seconds / MEASURED_S, self.prices
        asked, cpu_s = self.measured["requests"], self.measured["cpu_s"]
        is_measured, is_transcribed = only != TRANSCRIBING, only != MEASURING
        minutes = amount.charged_s / 60 * is_transcribed
        transcribe = self.transcribing(minutes) if minute_usd is None else minutes * minute_usd
        busy_s = n * RECEIVE_S
        if is_measured:
            busy_s += n * MEASURE_S + share * cpu_s["extract_features"]
        if is_transcribed:
            busy_s += n * STORE_S + share * cpu_s["store_transcript"]
        n_calls = n * (1 + is_measured + is_transcribed)
        puts = asked["S3 PUT"] + asked["S3 POST"]
        gets = asked["S3 GET"] + asked["S3 HEAD"]
        n_writes = sum(asked.get(f"DynamoDB {name}", 0) for name in cost.WRITES)
        n_reads = sum(asked.get(f"DynamoDB {name}", 0) for name in cost.READS)
        item_bytes = n * ITEM_BYTES + share * (self.measured["item_bytes"] - ITEM_BYTES)
        units = n * SEARCH_UNITS + share * (asked["DynamoDB search units"] - SEARCH_UNITS)
        return {
            "Transcribe": transcribe,
            "Lambda": cost.gb_s(busy_s, MEMORY_MB) * price["lambda_gb_s"]
            + n_calls * price["lambda_request"],
            "S3 requests": n * (puts * price["s3_put"] + gets * price["s3_get"]),
            "S3, a month of what is made": share
            * self.measured["derived_bytes"]
            / 2**30
            * price["s3_gb_month"],
            "DynamoDB": item_bytes
            * (
                n_writes * cost.COPIES / cost.WRITE_UNIT_BYTES * price["dynamodb_write_unit"]
                + n_reads / cost.READ_UNIT_BYTES * price["dynamodb_read_unit"]
            ),
            "DynamoDB, the search table": is_transcribed * units * price["dynamodb_write_unit"],
            "SQS": n * 6 * price["sqs_request"],
        }
