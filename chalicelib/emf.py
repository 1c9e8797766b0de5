"""A log line that carries its metrics: CloudWatch's embedded metric format.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
from collections.abc import Mapping
from typing import Any

NAMESPACE = "Earshot"

# Each fact that is a metric: its unit, and what it is counted by. Every choice of dimensions is a
# metric of its own, with a price of its own, so a recording's id is a fact and never a dimension.
METRICS: Mapping[str, tuple[str, list[list[str]]]] = {
    "recordings_done": ("Count", [["stage"]]),
    "recordings_failed": ("Count", [["stage"], ["stage", "failed_branches"]]),
    "audio_seconds": ("Seconds", [["stage"]]),
    "times_real_time": ("None", [["stage"]]),
}


def line(facts: Mapping[str, Any], *, at_ms: int) -> str:
    """Return one line of JSON with the facts of an event, and which of them are metrics."""
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
