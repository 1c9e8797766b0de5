"""Earshot's own recogniser under Lambda's runtime client: python benchmarks/recognising.py.

Measures the deployed packages as deployed.py does: the first answer of a new process, and the cost
of cutting and recognising ten minutes of speech. Writes recognised.json, which
`make cost` reads.
"""

import json
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

import boto3
from deployed import Bench, rounded, s3_event, taken
from load import spoken
from processes import HERE, pin
from support.deploy.lambda_runtime import RuntimeApi, running

from chalicelib.core import keys
from chalicelib.services import services

LENGTH_S = 600
WARM_UP_S = 10


class Recognition:
    """The two functions of a job, and the messages between them."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._sqs = boto3.client("sqs")
        settings = services().settings
        self._urls = (settings.features_queue_url, settings.speech_queue_url)

    def received(self, length_s: int) -> str:
        """Upload speech and receive it; return the recording's id."""
        key = f"uploads/me/speech-{length_s}.wav"
        self._bench.s3.put_object(
            Bucket=self._bench.bucket,
            Key=key,
            Body=spoken(length_s, 0),
            Metadata={"transcriber": "earshot"},
        )
        with running(self._bench.function("receive_upload")) as api:
            api.invoke(s3_event(self._bench.bucket, key))
        return self._bench.recording_id(key)

    def messages(self, queue: int) -> list[dict]:
        """Take the messages of a queue that are about speech, as events."""
        found = []
        while received := self._sqs.receive_message(
            QueueUrl=self._urls[queue], MaxNumberOfMessages=10
        ).get("Messages"):
            for message in received:
                self._sqs.delete_message(
                    QueueUrl=self._urls[queue], ReceiptHandle=message["ReceiptHandle"]
                )
                if "recording_id" not in json.loads(message["Body"]):
                    found.append(_event(message["Body"]))
        return found

    def done(self, length_s: int, cutting: RuntimeApi, hearing: RuntimeApi) -> dict:
        """Cut and recognise speech; return the costs of both functions."""
        recording_id = self.received(length_s)
        (asked,) = self.messages(0)
        requests = self._bench.gateway.requests
        requests.clear()
        took_cutting = taken(cutting, asked)
        counted = requests.copy()
        parts = self.messages(1)
        requests.clear()
        took = [taken(hearing, part) for part in parts]
        counted += requests
        job = services().recordings.get(recording_id).transcription.job_id
        if services().results.find(f"{keys.JOBS}{job}/transcript.json") is None:
            raise RuntimeError(f"{recording_id} has no transcript")
        return {
            "parts": len(parts),
            "requests": dict(sorted(counted.items())),
            "cut": asdict(took_cutting),
            "recognise": {
                "cpu_s": sum(one.cpu_s for one in took),
                "peak_mb": max(one.peak_mb for one in took),
            },
        }


def _event(body: str) -> dict:
    attributes = {"ApproximateReceiveCount": "1"}
    return {"Records": [{"body": body, "receiptHandle": "r", "attributes": attributes}]}


def main() -> None:
    pin(None)
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as cleanup:
        recognition = Recognition(Bench(Path(temporary), cleanup))
        bench = recognition._bench  # noqa: SLF001  # made here
        cutting = cleanup.enter_context(running(bench.function("extract_features")))
        began = time.perf_counter()
        hearing = cleanup.enter_context(running(bench.function("recognise_speech")))
        recognition.done(WARM_UP_S, cutting, hearing)
        first_s = time.perf_counter() - began
        found = recognition.done(LENGTH_S, cutting, hearing)
    found = {"length_s": LENGTH_S, "first_answer_s": first_s, **found}
    (HERE / "recognised.json").write_text(json.dumps(rounded(found), indent=2) + "\n")
    print(json.dumps(rounded(found), indent=2))


if __name__ == "__main__":
    main()
