"""The journal: one line for each event, with the recording, the outcome and the duration.

The code that knows a fact notes it; the line is written when the event ends. The journal never
contains spoken words, a presigned address, or a whole event.

The line has its metrics in CloudWatch's embedded metric format:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chalicelib.services import Services

NAMESPACE = "Earshot"

# The facts that are metrics, each with its unit and dimensions. AWS charges for each combination of
# dimensions as one metric, so a recording's id is a fact and never a dimension.
METRICS: Mapping[str, tuple[str, list[list[str]]]] = {
    "recordings_done": ("Count", [["stage"]]),
    "recordings_failed": ("Count", [["stage"], ["stage", "failed_branches"]]),
    "audio_seconds": ("Seconds", [["stage"]]),
    "times_real_time": ("None", [["stage"]]),
    "recordings_hanging": ("Count", [["stage"]]),
    "look_overdue_seconds": ("Seconds", [["stage"]]),
    "walk_rounds": ("Count", [["stage"]]),
}

_facts: ContextVar[dict[str, Any] | None] = ContextVar("facts", default=None)


def note(**facts: Any) -> None:
    """Add facts to the line of the current event; do nothing if there is no event."""
    noted = _facts.get()
    if noted is not None:
        noted.update(facts)


@contextmanager
def event(function_name: str, services: "Services") -> Iterator[None]:
    """Write the line of an event when it ends, even if it fails."""
    _, stage, function, *_ = (*function_name.split("-", 2), "", "")
    facts: dict[str, Any] = {"stage": stage, "function": function or "api_handler"}
    token = _facts.set(facts)
    began = services.clock()
    try:
        yield
        # Chalice makes an answer of an exception, so nothing is raised here.
        is_answered = facts.get("status", HTTPStatus.OK) < HTTPStatus.INTERNAL_SERVER_ERROR
        facts["outcome"] = "done" if is_answered else "raised"
    except BaseException as exc:
        facts |= {"outcome": "raised", "error": type(exc).__name__}
        raise
    finally:
        _facts.reset(token)
        ended = services.clock()
        facts["milliseconds"] = (ended - began) // timedelta(milliseconds=1)
        services.write_line(line_of(facts, at_ms=int(ended.timestamp() * 1000)))


def line_of(facts: Mapping[str, Any], *, at_ms: int) -> str:
    """Return the line of JSON for an event: its facts, and the names of its metrics."""
    directives = [
        {
            "Namespace": NAMESPACE,
            "Dimensions": dimensions,
            "Metrics": [{"Name": name, "Unit": unit}],
        }
        for name, (unit, dimensions) in METRICS.items()
        if name in facts
    ]
    metadata = {"_aws": {"Timestamp": at_ms, "CloudWatchMetrics": directives}} if directives else {}
    return json.dumps({**facts, **metadata}, ensure_ascii=False)
