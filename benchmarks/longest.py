"""Every function measured on the longest recording: python benchmarks/longest.py.

Four hours at 48,000 Hz with ``sr=native``, spoken in Chinese at 300 words a minute by two people.
This is the worst case: Amazon Transcribe takes no longer recordings and no higher rates, and no
language needs more bytes. Each function is the deployed package under Lambda's runtime client, on
one core and with its memory in Lambda. Writes ``longest`` into deployed.json, which `make cost`
reads.

Some functions are invoked several times, and the most costly invocation counts: every route of
``api_handler``, every step of ``make_dataset`` in each format, and for ``reconcile`` a look that
finds a lost transcript and a walk through recordings with equally long transcripts.
"""

import argparse
import json
import tempfile
from contextlib import ExitStack
from dataclasses import asdict
from fractions import Fraction
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import boto3
from chalice.local import LambdaEventConverter, RouteMatcher
from deployed import ROOT, Bench, Taken, read_before, s3_event, spoken, sqs_event, taken, write
from processes import fresh, pin
from support.deploy.lambda_runtime import Function, RuntimeApi, running

from chalicelib.api.recordings import MANIFESTS
from chalicelib.core import keys
from chalicelib.core.datasets.parameters import FORMATS
from chalicelib.core.recording import Branch, BranchState, Recording, Status
from chalicelib.core.recording_item import flat
from chalicelib.core.transcripts.corrections import MAX_CORRECTIONS
from chalicelib.core.transcripts.exports import EXPORTS
from chalicelib.core.upload import Upload
from chalicelib.pipeline.walk import ITEMS
from chalicelib.services import services
from local.api_gateway import LOCAL_USER
from scripts.cost import LONGEST_S, memory_of
from scripts.record_outputs import read_config

SR = 48_000
WORDS = LONGEST_S // 60 * 300
LOUDEST = 8
"""Largest sample. Noise is the hardest case for pitch. A low level makes the file small."""

CLIP_S = 100_000_000 // (2 * SR) - 1
"""Length of the longest clip that is made."""

CROWD = 100
"""Recordings that the walk goes through, 50 at a time; a run has up to 1,000."""

ANIMATION_BYTES = 4_000_000
"""More bytes than sixty pictures of 320 by 180 have."""

ANSWERED = (HTTPStatus.OK, HTTPStatus.ACCEPTED, HTTPStatus.FOUND)

IN_QUEUE = tuple(name for name in FORMATS if name != "parquet")
"""Formats of data sets that the function makes."""


class Longest:
    """The longest recording, on its way through every function."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._table = boto3.resource("dynamodb").Table(services().settings.metadata_table)
        self._config = read_config(ROOT)
        from app import app  # it reads its settings when it is imported

        routes = RouteMatcher(list(app.routes))
        self._to_event = LambdaEventConverter(routes, app.api.binary_types).create_lambda_event
        self.took: dict[str, Taken] = {}

    def measure(self) -> None:
        """Measure every function."""
        key = "uploads/me/longest.flac"
        with tempfile.NamedTemporaryFile(suffix=".flac") as file:
            # In a separate process, so that this one stays small.
            fresh(__file__, "--write", file.name)
            metadata = {"Metadata": {"sr": "native"}}
            self._bench.s3.upload_file(file.name, self._bench.bucket, key, ExtraArgs=metadata)
        self._invoke("receive_upload", s3_event(self._bench.bucket, key))
        recording_id = self._bench.recording_id(key)
        self._invoke("extract_features", sqs_event({"recording_id": recording_id}))
        self._transcribe(services().recordings.get(recording_id))
        recording = services().recordings.get(recording_id)
        self._ask(recording)
        self._make_datasets(recording)
        self._transcode(self._put("uploads/me/video.mp4", b"video"))
        name = recording.transcription.job_id
        self._invoke("record_transcription_state", told({"TranscriptionJobName": name}))
        self._walk(recording)
        self._bench.s3.delete_object(Bucket=self._bench.bucket, Key=key)
        self._invoke("remove_recording", s3_event(self._bench.bucket, key))
        expect(services().recordings.find(recording_id) is None, "the recording is still there")

    def _function(self, name: str) -> Function:
        return self._bench.function(name, memory_of(self._config, name))

    def _invoke(self, name: str, event: Any) -> None:
        with running(self._function(name)) as api:
            self._take(name, api, event)

    def _take(self, name: str, api: RuntimeApi, event: Any) -> Any:
        answers: list[Any] = []
        took = taken(api, event, answers)
        before = self.took.get(name, Taken(0.0, 0.0))
        self.took[name] = Taken(max(took.cpu_s, before.cpu_s), max(took.peak_mb, before.peak_mb))
        print(f"{took.cpu_s:6.2f} CPU s, {took.peak_mb:4.0f} MB  {name}", flush=True)
        return answers[0]

    def _put(self, key: str, body: bytes) -> Upload:
        self._bench.s3.put_object(Bucket=self._bench.bucket, Key=key, Body=body)
        upload = services().media.find(key)
        if upload is None:
            raise LookupError(key)
        return upload

    def _transcribe(self, recording: Recording) -> None:
        """Let the transcript arrive: once with its event lost, and once with its event."""
        name = recording.transcription.job_id
        transcribe = boto3.client("transcribe")
        status = ""
        while status != "COMPLETED":  # the stand-in's jobs advance at each request
            job = transcribe.get_transcription_job(TranscriptionJobName=name)
            status = job["TranscriptionJob"]["TranscriptionJobStatus"]
        key = {"JsonFile": keys.transcript(recording.id)}
        due = self._table.get_item(Key=key)["Item"] | {"look_at": recording.created_at}
        answer = f"{keys.JOBS}{name}/transcript.json"
        has_come = s3_event(self._bench.bucket, answer)
        for function, event in {"reconcile": told({}), "store_transcript": has_come}.items():
            self._table.put_item(Item=due)
            self._bench.s3.put_object(Bucket=self._bench.bucket, Key=answer, Body=spoken_fast())
            self._invoke(function, event)
            found = services().recordings.get(recording.id)
            expect(found.status == Status.COMPLETED, f"{function} leaves it {found.status}")
            expect(bool(found.word_table_keys), f"{function} makes no table of words")

    def _ask(self, recording: Recording) -> None:
        """Request all outputs of the recording, and correct its transcript."""
        whole = f"/recordings/{recording.id}"
        transcript = f"{whole}/transcript?format="
        with running(self._function("api_handler")) as api:
            columns = json.loads(self._answer(api, "GET", f"{transcript}json"))["words"]
            body = corrected(columns["text"], columns["start_s"])
            self._answer(api, "PUT", f"{whole}/corrections", body, **{"If-Match": "none"})
            for target in (
                *(f"{transcript}{name}" for name in ("json", *EXPORTS)),
                f"{whole}/corrections",
                f"{whole}/clip?from={LONGEST_S - CLIP_S}&to={LONGEST_S}",
                *(f"/manifests/{kind}" for kind in MANIFESTS),
                *(f"/search?q={quote(text)}" for text in (word(1), f'"{word(1)} {word(2)}"')),
                *(whole, "/recordings", "/openapi.json", "/"),
            ):
                self._answer(api, "GET", target)

    def _answer(
        self, api: RuntimeApi, method: str, target: str, body: Any = None, **headers: str
    ) -> bytes:
        """Return the answer to a request. After a redirect, the answer is the object there."""
        content = json.dumps(body).encode()
        headers |= {"Content-Type": "application/json"}
        event = self._to_event(method, target, headers, content)
        event |= {"body": content.decode(), "isBase64Encoded": False}
        event["requestContext"]["identity"]["userArn"] = LOCAL_USER
        print(f"{method} {target}")
        answer = self._take("api_handler", api, event)
        expect(answer["statusCode"] in ANSWERED, f"{target} is answered {answer['body'][:500]}")
        if answer["statusCode"] != HTTPStatus.FOUND:
            return bytes(answer["body"].encode())
        key = urlsplit(answer["headers"]["Location"]).path.split("/", 2)[2]
        found = self._bench.s3.get_object(Bucket=self._bench.bucket, Key=key)
        return bytes(found["Body"].read())

    def _make_datasets(self, recording: Recording) -> None:
        """Let a data set of each format be planned, made and joined."""
        sqs, url = boto3.client("sqs"), services().settings.datasets_queue_url
        with running(self._function("api_handler")) as api:
            for form in IN_QUEUE:
                body = {"name": form, "format": form, "recording_ids": [recording.id]}
                self._answer(api, "POST", "/datasets", body)
                with running(self._function("make_dataset")) as steps:
                    while found := sqs.receive_message(QueueUrl=url).get("Messages"):
                        self._take("make_dataset", steps, sqs_event(json.loads(found[0]["Body"])))
                        sqs.delete_message(QueueUrl=url, ReceiptHandle=found[0]["ReceiptHandle"])
                made = json.loads(self._answer(api, "GET", f"/datasets/{form}"))
                expect(made["status"] == Status.COMPLETED, f"the data set is {made}")

    def _transcode(self, upload: Upload) -> None:
        """Let the renditions of a video come."""
        recordings, attempt = services().recordings, 1
        video = recordings.create(Recording.of(upload, created_at=services().clock().isoformat()))
        begun = BranchState(status=Status.IN_PROGRESS, attempt=attempt, job_id="job")
        recordings.move(video, Branch.RENDITIONS, begun, unless={Status.COMPLETED})
        groups = []
        for preset in services().settings.ladder.presets:
            key = keys.rendition(video.id, attempt, preset.file)
            body = animation() if preset.codec == "GIF" else b"made"
            self._bench.s3.put_object(Bucket=self._bench.bucket, Key=key, Body=body)
            output = {"outputFilePaths": [services().results.uri(key)], "durationInMs": 1}
            groups.append({"outputDetails": [output]})
        metadata = {"recording_id": video.id, "attempt": str(attempt)}
        detail = {"jobId": "job", "status": "COMPLETE", "userMetadata": metadata}
        self._invoke("store_renditions", told(detail | {"outputGroupDetails": groups}))
        state = recordings.get(video.id).renditions
        expect(state.status == Status.COMPLETED, f"the renditions are {state}")

    def _walk(self, recording: Recording) -> None:
        """Let reconcile walk through recordings with equally long transcripts."""
        item = self._table.get_item(Key={"JsonFile": keys.transcript(recording.id)})["Item"]
        for number in range(CROWD):
            upload = self._put(f"uploads/me/{number}.wav", b"%d" % number)
            other = flat(Recording.of(upload, created_at=recording.created_at))
            names = ("JsonFile", "recording_id", "source_key", "etag", "size")
            self._table.put_item(Item=item | {name: other[name] for name in names})
        services().bookmark.write(ITEMS, "")
        self._invoke("reconcile", told({}))
        with running(self._function("api_handler")) as api:
            self._answer(api, "GET", "/recordings?limit=100")


def told(detail: dict[str, Any]) -> dict[str, Any]:
    """Return an event of EventBridge's."""
    text = ("version", "id", "detail-type", "source", "account", "time", "region")
    return {**dict.fromkeys(text, ""), "resources": [], "detail": detail}


def word(number: int) -> str:
    """Return a word of the vocabulary: two Chinese characters."""
    return chr(0x4E00 + number) + chr(0x4E00 + 7 * number % 5000)


def spoken_fast() -> bytes:
    """Return the longest transcript: two people speak fast in turn."""
    document = json.loads(spoken(WORDS, LONGEST_S))
    for number, item in enumerate(document["results"]["items"]):
        (said,) = item["alternatives"]
        said["content"] = word(int(said["content"].removeprefix("word")))
        item["speaker_label"] = f"spk_{number // 40 % 2}"
    contents = (item["alternatives"][0]["content"] for item in document["results"]["items"])
    document["results"]["transcripts"] = [{"transcript": "".join(contents)}]
    return json.dumps(document, ensure_ascii=False).encode()


def corrected(texts: list[str], starts: list[float]) -> dict[str, Any]:
    """Return the largest allowed number of corrections, in all parts of a transcript."""
    some = range(0, len(texts), -(-len(texts) // MAX_CORRECTIONS))
    return {
        "corrections": [
            {"kind": "words", "words": [texts[n]], "start_s": starts[n], "text": "x"} for n in some
        ]
    }


def animation() -> bytes:
    """Return a GIF with more bytes than the largest preview."""
    from support import video  # only this function needs PyAV

    small = video.gif(60, Fraction(1, 60))
    return small + bytes(ANIMATION_BYTES - len(small))


def write_noise(path: str) -> None:
    """Write the longest recording."""
    import numpy as np  # for the process that writes
    import soundfile  # as above

    rng = np.random.default_rng(0)
    with soundfile.SoundFile(path, "w", SR, 1, subtype="PCM_16") as out:
        for _ in range(LONGEST_S):
            out.write(rng.integers(-LOUDEST, LOUDEST, SR, dtype=np.int16))


def expect(is_so: bool, otherwise: str) -> None:  # noqa: FBT001  # a condition, as in assert
    """Raise an error with the text ``otherwise`` if the condition does not hold."""
    if not is_so:
        raise RuntimeError(otherwise)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--core", type=int, help="the core that everything runs on")
    parser.add_argument("--write", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write:
        write_noise(options.write)
        return
    pin(options.core)
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as cleanup:
        longest = Longest(Bench(Path(temporary), cleanup))
        longest.measure()
    write(read_before() | {"longest": {name: asdict(one) for name, one in longest.took.items()}})


if __name__ == "__main__":
    main()
