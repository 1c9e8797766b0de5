"""The cost of a stage, from measured figures and public prices: ``python -m scripts.cost``.

``benchmarks/deployed.json`` has the time, memory and requests of a recording of ten minutes,
``benchmarks/prices.json`` has AWS's prices, each with its source. The printed tables are those of
docs/costs.md.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chalicelib.pipeline.reconciliation import LASTING
from scripts.package import FREE_DISK_MB, TEMPORARY_DISK_MB
from scripts.record_outputs import MEASURING_FUNCTION, RECOGNISING_FUNCTION, read_config

PROJECT = Path(__file__).resolve().parents[1]
LONGEST_S = 4 * 3600
"""Seconds of the longest recording that Amazon Transcribe takes."""

API_S = 29
"""Seconds that API Gateway waits for an answer.

https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
"""

HOURS, MINUTES_EACH = 1000, 10
RECORDINGS = HOURS * 60 // MINUTES_EACH
VCPU_MB = 1769
"""Memory for which Lambda gives one vCPU; with less memory it gives a share of it.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
"""

SHORTEST_S = 0.1
MOST = 100
"""Shortest time that counts, in seconds, and the largest margin that is shown."""

COPIES = 3
"""The table and its two indexes, each with the whole item."""

WRITES, READS = ("PutItem", "UpdateItem"), ("GetItem", "Query")
WRITE_UNIT_BYTES, READ_UNIT_BYTES = 1024, 4096


def duration_s(cpu_s: float, memory_mb: int) -> float:
    """Return the seconds that work of one thread takes, with the memory's share of the CPU."""
    return cpu_s * VCPU_MB / min(memory_mb, VCPU_MB)


def gb_s(cpu_s: float, memory_mb: int) -> float:
    """Return the GB seconds that are charged for work of one thread."""
    return duration_s(cpu_s, memory_mb) * memory_mb / 1024


def memories(measured: Mapping[str, Any], prices: Mapping[str, float]) -> list[list[str]]:
    """Return a row for each memory size that ``extract_features`` could have."""
    rows = []
    for memory, taken in measured["memories"].items():
        hour_s = taken["cpu_s"] * 60 / MINUTES_EACH
        usd = gb_s(hour_s, int(memory)) * prices["lambda_gb_s"]
        hour = f"{duration_s(hour_s, int(memory)):.0f}"
        rows.append(
            [memory, f"{taken['cpu_s']:.2f}", f"{taken['peak_mb']:.0f}", hour, f"{usd:.5f}"]
        )
    return rows


def costs(
    measured: Mapping[str, Any], prices: Mapping[str, float], config: Mapping[str, Any]
) -> list[tuple[str, str, float]]:
    """Return for each service the charged amounts and the dollars for a thousand hours."""
    one = measured["ten_minutes"]
    asked = one["requests"]
    charged_gb_s = sum(gb_s(cpu_s, memory_of(config, name)) for name, cpu_s in one["cpu_s"].items())
    measuring_s = duration_s(
        one["cpu_s"][MEASURING_FUNCTION], memory_of(config, MEASURING_FUNCTION)
    )
    disk_gb_s = measuring_s * (TEMPORARY_DISK_MB - FREE_DISK_MB) / 1024
    n_functions = len(one["cpu_s"])
    disk = f"{disk_gb_s * RECORDINGS:,.0f} GB s of temporary disk"
    puts = asked["S3 PUT"] + asked["S3 POST"]
    gets = asked["S3 GET"] + asked["S3 HEAD"]
    derived_gb = one["derived_bytes"] * RECORDINGS / 2**30
    write_units = math.ceil(one["item_bytes"] / WRITE_UNIT_BYTES) * COPIES
    read_units = math.ceil(one["item_bytes"] / READ_UNIT_BYTES)
    n_writes = sum(asked.get(f"DynamoDB {name}", 0) for name in WRITES)
    n_reads = sum(asked.get(f"DynamoDB {name}", 0) for name in READS)
    return [
        (
            "Transcribe",
            f"{HOURS * 60:,} minutes",
            HOURS * 60 * prices["transcribe_minute"],
        ),
        (
            "Lambda",
            f"{charged_gb_s * RECORDINGS:,.0f} GB s, {disk}, {n_functions * RECORDINGS:,} requests",
            RECORDINGS
            * (
                charged_gb_s * prices["lambda_gb_s"]
                + disk_gb_s * prices["lambda_disk_gb_s"]
                + n_functions * prices["lambda_request"]
            ),
        ),
        (
            "S3 requests",
            f"{puts} PUT or POST and {gets} GET or HEAD each",
            RECORDINGS * (puts * prices["s3_put"] + gets * prices["s3_get"]),
        ),
        (
            "S3, a month of what is made",
            f"{derived_gb:.0f} GB",
            derived_gb * prices["s3_gb_month"],
        ),
        (
            "DynamoDB",
            f"{n_writes} writes of {write_units} units and {n_reads} reads of {read_units} each",
            RECORDINGS
            * (
                n_writes * write_units * prices["dynamodb_write_unit"]
                + n_reads * read_units * prices["dynamodb_read_unit"]
            ),
        ),
        (
            "DynamoDB, the search table",
            f"{asked['DynamoDB search units']:,} units written each",
            RECORDINGS * asked["DynamoDB search units"] * prices["dynamodb_write_unit"],
        ),
        ("SQS", "3 requests each", RECORDINGS * 3 * prices["sqs_request"]),
        ("SNS", "1 notice each", RECORDINGS * prices["sns_publish"]),
    ]


def memory_of(config: Mapping[str, Any], function: str) -> int:
    """Return the megabytes that a function has."""
    settings = config["lambda_functions"].get(function, {})
    return int(settings.get("lambda_memory_size", config["lambda_memory_size"]))


def table(heads: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cost_table(project: Path = PROJECT) -> str:
    """Return the table of costs for a thousand hours, by service."""
    found = costs(read_measured(project), read_prices(project), read_config(project))
    rows = [[name, amount, f"{usd:,.2f}"] for name, amount, usd in found]
    rows.append(["together", "", f"{sum(usd for _, _, usd in found):,.2f}"])
    return table(["Service", "Charged for", "USD"], rows)


def own_costs(
    heard: Mapping[str, Any], prices: Mapping[str, float], config: Mapping[str, Any]
) -> list[tuple[str, str, float]]:
    """Return the costs of a thousand hours if Earshot's own recogniser replaces Transcribe."""
    asked, n_parts = heard["requests"], heard["parts"]
    charged_gb_s = gb_s(heard["cut"]["cpu_s"], memory_of(config, MEASURING_FUNCTION))
    charged_gb_s += gb_s(heard["recognise"]["cpu_s"], memory_of(config, RECOGNISING_FUNCTION))
    n_calls = 1 + n_parts
    puts = asked["S3 PUT"] + asked.get("S3 POST", 0)
    gets = asked["S3 GET"] + asked.get("S3 HEAD", 0)
    n_messages = 3 * n_calls
    return [
        (
            "Lambda",
            f"{charged_gb_s * RECORDINGS:,.0f} GB s, {n_calls * RECORDINGS:,} requests",
            RECORDINGS
            * (charged_gb_s * prices["lambda_gb_s"] + n_calls * prices["lambda_request"]),
        ),
        (
            "S3 requests",
            f"{puts} PUT or POST and {gets} GET or HEAD each",
            RECORDINGS * (puts * prices["s3_put"] + gets * prices["s3_get"]),
        ),
        ("SQS", f"{n_messages} requests each", RECORDINGS * n_messages * prices["sqs_request"]),
    ]


def own_table(project: Path = PROJECT) -> str:
    """Return the table of costs of Earshot's own recogniser."""
    found = own_costs(read_heard(project), read_prices(project), read_config(project))
    rows = [[name, amount, f"{usd:,.2f}"] for name, amount, usd in found]
    rows.append(["together", "", f"{sum(usd for _, _, usd in found):,.2f}"])
    return table(["Service", "Charged for", "USD"], rows)


def memory_table(project: Path = PROJECT) -> str:
    """Return the table of times and costs for an hour of audio, by memory."""
    heads = ["Memory, MB", "CPU s for 10 min", "Peak, MB", "s for 1 h", "USD for 1 h"]
    return table(heads, memories(read_measured(project), read_prices(project)))


def longest_table(project: Path = PROJECT) -> str:
    """Return the table of each function's time and memory for the longest recording."""
    config = read_config(project)
    rows = []
    heard = read_heard(project)
    # One call of the function hears one part, however long the recording is.
    part = {
        "cpu_s": heard["recognise"]["cpu_s"] / heard["parts"],
        "peak_mb": heard["recognise"]["peak_mb"],
    }
    longest = read_measured(project)["longest"] | {RECOGNISING_FUNCTION: part}
    for name, taken in sorted(longest.items()):
        memory, limit_s = memory_of(config, name), _limit_s(config, name)
        # The system counts in steps of this length, so shorter times are not known.
        needed_s = max(duration_s(taken["cpu_s"], memory), SHORTEST_S)
        rows.append(
            [
                name,
                f"{taken['cpu_s']:.1f}",
                f"{needed_s:.1f} of {limit_s}",
                f"{min(limit_s / needed_s, MOST):.0f}",
                f"{taken['peak_mb']:.0f} of {memory}",
            ]
        )
    return table(["Function", "CPU s", "s", "margin", "peak MB"], rows)


def _limit_s(config: Mapping[str, Any], function: str) -> int:
    """Return the seconds that a function has; for ``reconcile``, those of its last look."""
    settings = config["lambda_functions"].get(function, {})
    limit_s = int(settings.get("lambda_timeout", config["lambda_timeout"]))
    if function == "reconcile":
        return limit_s - int(LASTING.total_seconds())
    return min(limit_s, API_S) if function == "api_handler" else limit_s


def start_table(project: Path = PROJECT) -> str:
    """Return the table of first answers of a new process, for Earshot and the original recipe."""
    rows = [
        [name, *(f"{start[key]:.2f}" for key in ("ready_s", "response_s", "cpu_s"))]
        for name, start in read_measured(project)["cold_starts"].items()
    ]
    return table(["Cold start", "ready, s", "first response, s", "CPU s"], rows)


def read_measured(project: Path) -> dict[str, Any]:
    """Return the measured costs and requests of one recording."""
    found: dict[str, Any] = json.loads((project / "benchmarks/deployed.json").read_text())
    return found


def read_heard(project: Path) -> dict[str, Any]:
    """Return the measured costs and requests of Earshot's own recogniser for one recording."""
    found: dict[str, Any] = json.loads((project / "benchmarks/recognised.json").read_text())
    return found


def read_prices(project: Path) -> dict[str, float]:
    """Return AWS's prices in dollars, by their names."""
    found = json.loads((project / "benchmarks/prices.json").read_text())["prices"]
    return {name: price["usd"] for name, price in found.items()}


if __name__ == "__main__":
    print(f"{HOURS:,} hours of audio, in recordings of {MINUTES_EACH} minutes:\n")
    print(cost_table())
    print("\nWith Earshot's own recogniser, in place of Transcribe:\n")
    print(own_table())
    print(f"\n{MEASURING_FUNCTION}, by memory:\n")
    print(memory_table())
    print()
    print(longest_table())
    print()
    print(start_table())
