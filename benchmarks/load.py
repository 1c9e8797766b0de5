"""Many recordings at once, through all of local mode: ``python benchmarks/load.py``.

All recordings are uploaded at once, as fast as possible, and the notices show in which order they
are done. Prints a table for ``load.md``: time, memory of the process, recordings that failed or had
two notices, and how far the order of completion is from the order of the uploads.
"""

import argparse
import io
import json
import subprocess
import sys
import time
import wave
from collections import Counter
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))

from support.running import SAMPLE, Stage, start

SR = 16_000
PATIENCE_S = 4 * 3600
QUARTERS = (0.25, 0.5, 0.75, 1.0)


def spoken(duration_s: float, number: int) -> bytes:
    """Return the sample's speech, repeated or cut to a length, slightly different each time."""
    with wave.open(str(SAMPLE)) as source:
        speech = np.frombuffer(source.readframes(source.getnframes()), dtype="<i2")
        rate = source.getframerate()
    y = np.resize(speech, round(duration_s * rate)).copy()
    y[0] = number
    file = io.BytesIO()
    with wave.open(file, "wb") as target:
        target.setnchannels(1)
        target.setsampwidth(2)
        target.setframerate(rate)
        target.writeframes(y.tobytes())
    return file.getvalue()


def resident_mb(pid: int) -> float:
    """Return the memory of a process and its children, in MB."""
    found = subprocess.run(
        ["ps", "-o", "rss=", "--pid", str(pid), "--ppid", str(pid)],
        capture_output=True,
        text=True,
        check=True,
    )
    return sum(map(int, found.stdout.split())) / 1024


class Notices:
    """The notices of a local mode."""

    def __init__(self, stage: Stage) -> None:
        sns, self._sqs = stage.client("sns"), stage.client("sqs")
        self._queue = self._sqs.create_queue(QueueName="load")["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])
        topic = next(
            t["TopicArn"] for t in sns.list_topics()["Topics"] if "notices" in t["TopicArn"]
        )
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn["Attributes"]["QueueArn"])

    def next(self) -> list[tuple[str, str]]:
        """Return the next notices, each an upload key and an event; wait a second for the first."""
        found = self._sqs.receive_message(
            QueueUrl=self._queue, MaxNumberOfMessages=10, WaitTimeSeconds=1
        ).get("Messages", [])
        told = []
        for message in found:
            self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
            body = json.loads(json.loads(message["Body"])["Message"])
            told.append((body["source_key"], body["event"]))
        return told


def load(n_recordings: int, duration_s: float) -> str:
    """Upload ``n_recordings`` at once, wait until all are done, and return a row of the table."""
    with start() as stage:
        notices = Notices(stage)
        order = [f"uploads/load/{number:05}.wav" for number in range(n_recordings)]
        began = time.monotonic()
        for number, key in enumerate(order):
            stage.put(key, spoken(duration_s, number))
        uploaded_s = time.monotonic() - began
        told: list[tuple[str, str]] = []
        memory: dict[float, float] = {}
        while len({key for key, _ in told}) < n_recordings:
            if time.monotonic() - began > PATIENCE_S:
                break
            told += notices.next()
            share = len({key for key, _ in told}) / n_recordings
            for quarter in QUARTERS:
                if share >= quarter and quarter not in memory:
                    memory[quarter] = resident_mb(stage.process.pid)
        took_s = time.monotonic() - began
        told += notices.next()
    events = Counter(event for _, event in told)
    twice = sum(n > 1 for n in Counter(told).values())
    place = {key: number for number, key in enumerate(order)}
    away = [abs(place[key] - number) for number, key in enumerate(dict(told))]
    cells = [
        f"{n_recordings} of {duration_s:g} s",
        f"{events['done']}",
        f"{events['failed']}",
        f"{twice}",
        f"{uploaded_s:.0f}",
        f"{took_s:.0f}",
        ", ".join(f"{memory[quarter]:.0f}" for quarter in QUARTERS if quarter in memory),
        f"{np.median(away):.0f}, {max(away)}" if away else "",
    ]
    return f"| {' | '.join(cells)} |"


HEAD = """\
| Recordings | Done | Failed | Notices twice | Uploaded after, s | All done after, s \
| Memory at each quarter, MB | Places out of order: median, most |
| --- | --- | --- | --- | --- | --- | --- | --- |"""


def main() -> None:
    """Measure the load that the command line gives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", type=int, default=1000, help="number of recordings of 2 s")
    parser.add_argument("--long", type=int, default=20, help="number of recordings of --minutes")
    parser.add_argument("--minutes", type=float, default=10)
    given = parser.parse_args()
    print(HEAD)
    for number, duration_s in ((given.short, 2.0), (given.long, given.minutes * 60)):
        if number:
            print(load(number, duration_s), flush=True)


if __name__ == "__main__":
    main()
