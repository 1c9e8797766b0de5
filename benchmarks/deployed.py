"""The deployed packages measured under Lambda's runtime client: python benchmarks/deployed.py.

It measures cold starts of Earshot and of the original recipe, and the cost of a recording in each
function.
Every process runs on one core. Writes deployed.json, which `make cost` reads.
"""

import argparse
import base64
import io
import json
import math
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import asdict, astuple, dataclass, replace
from pathlib import Path
from typing import Any

from processes import HERE, fresh, pin

ROOT = HERE.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import boto3  # noqa: E402  # imported after the paths are set
from support.deploy.lambda_runtime import Function, RuntimeApi, running, unpack  # noqa: E402  # imported after the paths are set

from chalicelib.core import keys  # noqa: E402  # imported after the paths are set
from chalicelib.core.recording_item import flat  # noqa: E402  # imported after the paths are set
from chalicelib.services import services  # noqa: E402  # imported after the paths are set
from local import stack  # noqa: E402  # imported after the paths are set
from local.gateway import Gateway  # noqa: E402  # imported after the paths are set
from scripts import build_layer, cost, package  # noqa: E402  # imported after the paths are set
from scripts.record_outputs import LAYERS  # noqa: E402  # imported after the paths are set

MEMORIES_MB = (512, 1024, 1769, 3008)
VCPU_MB = 1769
"""Memory for which Lambda gives one vCPU; with less memory it gives a share of it.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
"""
TEN_MINUTES_S, WORDS = 600, 1500
"""Length of the recording, and its number of words; people speak about 150 a minute."""

PARTS = (
    *("app.py", "chalicelib", "kernels"),
    *("requirements", "requirements.txt", ".chalice/config.json"),
)
VOCABULARY = 5000

SIZES: dict[str, Callable[[Any], int]] = {
    "S": lambda text: len(text.encode()),
    "N": lambda digits: len(digits) // 2 + 2,
    "B": lambda encoded: len(base64.b64decode(encoded)),
    "SS": lambda texts: sum(len(text.encode()) for text in texts),
}
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Taken:
    """Cost of an invocation: CPU seconds, and peak memory of the process in MB."""

    cpu_s: float
    peak_mb: float


@dataclass(frozen=True, slots=True)
class Start:
    """A cold start: seconds until the process is ready, and until its first response."""

    ready_s: float
    response_s: float
    cpu_s: float


class CountingGateway(Gateway):
    """A counter of the requests that AWS charges for."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: Counter[str] = Counter()

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        service, _, operation = target.partition(".")
        if operation == "BatchWriteItem":
            body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
            environ = environ | {"wsgi.input": io.BytesIO(body)}
            self.requests["DynamoDB search units"] += search_units(json.loads(body))
        elif target:
            self.requests[f"{service.partition('_')[0]} {operation}"] += 1
        elif "x-www-form-urlencoded" not in environ.get("CONTENT_TYPE", ""):
            self.requests[f"S3 {environ['REQUEST_METHOD']}"] += 1
        return super().__call__(environ, start)


class Bench:
    """The packages, and the stand-in for AWS that they use."""

    def __init__(self, folder: Path, cleanup: ExitStack) -> None:
        self._folder = folder
        self._packages = self._unpacked()
        self.gateway = CountingGateway()
        cleanup.callback(self.gateway.stop)
        self.gateway.start()
        stack.isolate(self.gateway.url)
        self._environment = stack.create() | stack.CREDENTIALS
        self._environment["AWS_ENDPOINT_URL"] = self.gateway.url
        os.environ |= self._environment
        self.s3 = boto3.client("s3")
        self.bucket = services().media.bucket

    def _unpacked(self) -> dict[str, Path]:
        project = self._folder / "project"
        (project / ".chalice").mkdir(parents=True)
        for name in PARTS:
            source = ROOT / name
            (shutil.copytree if source.is_dir() else shutil.copyfile)(source, project / name)
        built, layers = package.build(project, "x86_64"), build_layer.build(project, "x86_64")
        archives = {"function": built.function, "requirements": built.requirements, **layers}
        # The recogniser's two layers are unpacked into one folder, as in Lambda's /opt.
        names = {name: "speech" if name == "model" else name for name in archives}
        for name, archive in archives.items():
            unpack(archive, self._folder / names[name])
        return {name: self._folder / folder for name, folder in names.items()}

    def function(self, name: str, memory_mb: int = VCPU_MB) -> Function:
        layers = [self._packages[one] for one in ("requirements", *LAYERS.get(name, ()))]
        return Function(
            handler="app.app" if name == "api_handler" else f"app.{name}",
            code=self._packages["function"],
            layers=tuple(dict.fromkeys(layers)),
            memory_mb=memory_mb,
            python=Path(sys.executable),
            environment=self._environment,
        )

    def upload(self, length_s: int, tables: str = "") -> str:
        path = self._folder / f"{length_s}.wav"
        if not path.exists():
            # In a separate process, so that this one stays small.
            fresh(str(HERE / "recordings.py"), str(path), str(length_s))
        key = f"uploads/me/{length_s}{tables}.wav"
        metadata = {"tables": tables} if tables else {}
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=path.read_bytes(), Metadata=metadata)
        return key

    def recording_id(self, key: str) -> str:
        upload = services().media.find(key)
        if upload is None:
            raise LookupError(key)
        return upload.recording_id

    def received(self, key: str) -> str:
        """Upload a recording and receive it, so that it can be measured; return its id."""
        with running(self.function("receive_upload")) as api:
            api.invoke(s3_event(self.bucket, key))
        return self.recording_id(key)

    def cold_start(self, function: Function, event: Any) -> Start:
        """Start a function and let it answer."""
        start = time.perf_counter()
        with running(function) as api:
            api.invoke(event)
            done = time.perf_counter()
            return Start((api.ready_at or done) - start, done - start, cpu_seconds(api.pid))

    def cold_starts(self, runs: int) -> dict[str, Start]:
        """Return medians for each side: fetch ten seconds of WAV, compute, put the table."""
        key = self.upload(10, "mfcc")
        message = measured(self.received(key))
        plain = self.upload(10)
        everything = measured(self.received(plain))
        original = replace(
            self.function("extract_features"),
            handler="original_handler.handler",
            code=HERE,
            layers=(),
            memory_mb=3008,
        )
        ours = self.function("extract_features")
        sides: dict[str, tuple[Function, Any]] = {
            "original": (original, {"bucket": self.bucket, "key": key}),
            "earshot": (ours, message),
            "earshot, all tables": (ours, everything),
        }
        took: dict[str, list[Start]] = {name: [] for name in sides}
        for _ in range(runs):
            for name, (function, event) in sides.items():
                self._forget_features()
                took[name].append(self.cold_start(function, event))
        return {
            name: Start(*map(statistics.median, zip(*map(astuple, each), strict=True)))
            for name, each in took.items()
        }

    def _forget_features(self) -> None:
        """Set the recordings back to PENDING, so that they are measured again."""
        table = boto3.resource("dynamodb").Table(services().settings.metadata_table)
        for item in table.scan()["Items"]:
            table.update_item(
                Key={"JsonFile": item["JsonFile"]},
                UpdateExpression="SET features = :pending",
                ExpressionAttributeValues={":pending": "PENDING"},
            )

    def measure(self, length_s: int, memory_mb: int) -> Taken:
        """Measure one recording in a warm function, within its memory."""
        warm_up, key = self.received(self.upload(10)), self.received(self.upload(length_s))
        self._forget_features()
        with running(self.function("extract_features", memory_mb)) as api:
            api.invoke(measured(warm_up))
            return taken(api, measured(key))

    def pipeline(self, length_s: int) -> dict[str, Any]:
        """Measure each function on one recording, and count its requests to AWS."""
        key = self.upload(length_s)
        recording_id = self.recording_id(key)
        names = ("receive_upload", "extract_features", "store_transcript")
        with ExitStack() as cleanup:
            apis = {name: cleanup.enter_context(running(self.function(name))) for name in names}
            warm_up = self.upload(10)
            apis["receive_upload"].invoke(s3_event(self.bucket, warm_up))
            apis["extract_features"].invoke(measured(self.recording_id(warm_up)))
            self.gateway.requests.clear()
            took = {"receive_upload": taken(apis["receive_upload"], s3_event(self.bucket, key))}
            took["extract_features"] = taken(apis["extract_features"], measured(recording_id))
            requests = self.gateway.requests.copy()
            name = services().recordings.get(recording_id).transcription.job_id
            transcript = f"{keys.JOBS}{name}/transcript.json"
            self.s3.put_object(Bucket=self.bucket, Key=transcript, Body=spoken(WORDS, length_s))
            self.gateway.requests.clear()
            event = s3_event(self.bucket, transcript)
            took["store_transcript"] = taken(apis["store_transcript"], event)
            requests += self.gateway.requests
        return {
            "cpu_s": {name: one.cpu_s for name, one in took.items()},
            "requests": dict(sorted(requests.items())),
            "item_bytes": len(json.dumps(flat(services().recordings.get(recording_id)))),
            "derived_bytes": sum(
                found["Size"]
                for found in self.s3.list_objects_v2(Bucket=self.bucket)["Contents"]
                if recording_id in found["Key"]
            ),
        }


def search_units(asked: dict[str, Any]) -> int:
    """Return the charged write units for rows of the search table and its two indexes."""
    rows = [
        change["PutRequest"]["Item"]
        for changes in asked["RequestItems"].values()
        for change in changes
        if "PutRequest" in change
    ]
    return sum(math.ceil(row_bytes(row) / 1024) * (3 if "owner_term" in row else 1) for row in rows)


def row_bytes(row: dict[str, dict[str, Any]]) -> int:
    """Return the size of a row: its names and values.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    return sum(
        len(name) + sum(SIZES[kind](value) for kind, value in attribute.items())
        for name, attribute in row.items()
    )


def taken(api: RuntimeApi, event: Any, answers: list[Any] | None = None) -> Taken:
    """Invoke a function, add its answer to ``answers``, and return the cost of the invocation."""
    before = cpu_seconds(api.pid)
    answer = api.invoke(event)
    if answers is not None:
        answers.append(answer)
    status = Path(f"/proc/{api.pid}/status").read_text()
    peak_kb = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    return Taken(cpu_seconds(api.pid) - before, int(peak_kb) / 1024)


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def s3_event(bucket: str, key: str) -> dict[str, Any]:
    return {"Records": [{"s3": {"bucket": {"name": bucket}, "object": {"key": key}}}]}


def measured(recording_id: str) -> dict[str, Any]:
    return sqs_event({"recording_id": recording_id})


def sqs_event(message: dict[str, Any]) -> dict[str, Any]:
    attributes = {"ApproximateReceiveCount": "1"}
    body = json.dumps(message)
    return {"Records": [{"body": body, "receiptHandle": "r", "attributes": attributes}]}


def spoken(n_words: int, length_s: int) -> bytes:
    """Return a transcript in Amazon Transcribe's form, with the word frequencies of speech."""
    ranks = range(1, VOCABULARY + 1)
    # Zipf's law, in Mandelbrot's form.
    weights = [1 / (rank + 2.7) for rank in ranks]
    words = [f"word{rank}" for rank in random.Random(0).choices(ranks, weights, k=n_words)]  # noqa: S311  # not for security
    step = length_s / n_words
    items = [
        {
            "type": "pronunciation",
            "start_time": f"{i * step:.2f}",
            "end_time": f"{(i + 0.9) * step:.2f}",
            "alternatives": [{"confidence": "0.99", "content": word}],
        }
        for i, word in enumerate(words)
    ]
    results = {"transcripts": [{"transcript": " ".join(words)}], "items": items}
    return json.dumps({"results": results}).encode()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="cold starts of each side")
    parser.add_argument("--core", type=int, help="the core that everything runs on")
    options = parser.parse_args()
    pin(options.core)
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as cleanup:
        bench = Bench(Path(temporary), cleanup)
        starts = bench.cold_starts(options.runs)
        found = {
            "cold_starts": {name: asdict(start) for name, start in starts.items()},
            "ten_minutes": bench.pipeline(TEN_MINUTES_S),
            "memories": {
                memory_mb: asdict(bench.measure(TEN_MINUTES_S, memory_mb))
                for memory_mb in MEMORIES_MB
            },
        }
    write(read_before() | found)
    print(cost.start_table())


def read_before() -> dict[str, Any]:
    """Return what was measured before."""
    found: dict[str, Any] = json.loads((HERE / "deployed.json").read_text())
    return found


def write(found: dict[str, Any]) -> None:
    (HERE / "deployed.json").write_text(json.dumps(rounded(found), indent=2) + "\n")


def rounded(found: Any) -> Any:
    """Leave out insignificant digits."""
    if isinstance(found, dict):
        return {str(name): rounded(value) for name, value in found.items()}
    return round(found, 3) if isinstance(found, float) else found


if __name__ == "__main__":
    main()
