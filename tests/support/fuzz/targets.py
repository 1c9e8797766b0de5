"""Fuzz targets: each takes any bytes, and raises only if Earshot has a bug."""

import io
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).parents[3]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from chalicelib.core import keys  # noqa: E402  # imported after the paths are set
from chalicelib.core.audio.source import BufferedSource  # noqa: E402  # imported after the paths are set
from chalicelib.core.features.extract import FeatureParameters, extract  # noqa: E402  # imported after the paths are set
from chalicelib.core.jobs.gif import paced  # noqa: E402  # imported after the paths are set
from chalicelib.core.probe.contents import Contents, look_into  # noqa: E402  # imported after the paths are set
from chalicelib.core.probe.formats import media_format  # noqa: E402  # imported after the paths are set
from chalicelib.core.probe.headers import read_header  # noqa: E402  # imported after the paths are set
from chalicelib.core.probe.limits import refusal, speech_refusal  # noqa: E402  # imported after the paths are set
from chalicelib.core.transcripts.exports import EXPORTS  # noqa: E402  # imported after the paths are set
from chalicelib.core.transcripts.parsing import load_transcript  # noqa: E402  # imported after the paths are set
from chalicelib.errors import MediaError, ParameterError, TranscriptFormatError  # noqa: E402  # imported after the paths are set
from support import corpus  # noqa: E402  # imported after the paths are set
from support.answers import put_answer  # noqa: E402  # imported after the paths are set
from support.media import convert, wav  # noqa: E402  # imported after the paths are set

LONGEST_S = 60
TRANSCRIPTS = ROOT / "tests/data/transcripts"
JOB_NAME = re.compile(r"[0-9a-zA-Z._-]{1,200}")
OUTPUT_KEY = re.compile(r"[a-zA-Z0-9\-_.!*'()/]{1,1024}")
OK, BAD_REQUEST, SERVER_ERROR = 200, 400, 500


@contextmanager
def nowhere(name: str) -> Iterator[io.BytesIO]:
    """Accept a table and drop it."""
    del name
    yield io.BytesIO()


def decode(data: bytes) -> None:
    """Measure a recording, or refuse it with a reason."""
    parameters = FeatureParameters(tables=("mfcc", "energy", "quality"), n_mfcc=2, sr=8_000)
    try:
        extract(io.BytesIO(data), parameters, nowhere, longest_s=LONGEST_S)
    except MediaError as exc:
        if not str(exc):
            raise


def look(data: bytes) -> None:
    """Read a header without decoding; its numbers must be finite and in range."""
    for read in (look_into, read_header):
        contents = read(BufferedSource(io.BytesIO(data)))
        assert isinstance(contents, Contents)
        assert contents.duration_s is None or contents.duration_s >= 0
        for reason in (refusal(len(data), contents), speech_refusal(contents)):
            assert reason is None or reason.endswith(".")
    for extension in ("wav", "mp4", "txt"):
        found, reason = media_format(f"uploads/x.{extension}", data[:64])
        assert (found is None) == (reason is not None)


def parse(data: bytes) -> None:
    """Read a transcript and export it in every format, or name the wrong field."""
    try:
        transcript = load_transcript(data)
    except TranscriptFormatError:
        return
    for export in EXPORTS.values():
        export.write(transcript, "recording-0123456789ab", 4.0).encode()


def name(data: bytes) -> None:
    """Make names from any key. Transcribe and S3 must accept them, and give the key's id back."""
    key = f"uploads/{data.decode(errors='replace')}"
    recording_id = keys.recording_id(key, bucket="media", etag="etag", size=len(data))
    assert JOB_NAME.fullmatch(recording_id)
    job = keys.Job("earshot-dev-", recording_id, "t", 1_764_012_345_678)
    assert JOB_NAME.fullmatch(job.name)
    assert keys.job(job.name, job.prefix) == job
    for written in (job.transcript(), job.transcript(redacted=True)):
        assert OUTPUT_KEY.fullmatch(written)
        assert keys.job_of(written, job.prefix) == job
    keys.job_of(key, job.prefix)
    for transcript in (keys.transcript(recording_id), keys.redacted_transcript(recording_id)):
        assert OUTPUT_KEY.fullmatch(transcript)
        assert keys.recording_id_of(transcript) == recording_id
    assert keys.owner(key)
    keys.recording_id_of(key)


def choose(data: bytes) -> None:
    """Take an upload's parameters, or refuse each wrong one by its name."""
    lines = [line.partition("=") for line in data.decode(errors="replace").splitlines()]
    try:
        FeatureParameters.parse({}, {name: value for name, _, value in lines})
    except ParameterError as exc:
        if exc.name not in str(exc):
            raise


def pace(data: bytes) -> None:
    """Set the pace of an animation; its size must not change."""
    assert len(paced(data, pictures_per_s=8).body) == len(data)


def ask(data: bytes) -> None:
    """Send any request to the API. It must answer, at least with an error."""
    asker, recording_id, routes = api()
    which, argument, query, body = (*data.split(b"\n", 3), b"", b"", b"")[:4]
    path, method = routes[sum(which) % len(routes)]
    path = path.replace("{recording_id}", recording_id)
    path = re.sub(r"{\w+}", lambda _: quote(argument, safe=""), path)
    pairs = [pair.partition(b"=") for pair in query.split(b"&") if pair]
    asked = "&".join(f"{quote(name)}={quote(value)}" for name, _, value in pairs)
    answer = asker(f"{path}?{asked}", method=method, body=body)
    assert OK <= answer.status < SERVER_ERROR, (path, asked, answer.body)
    if answer.status >= BAD_REQUEST:
        assert answer.json


@cache
def api():
    """Start the application in moto, with a recording; return a client, its id, the routes."""
    import boto3  # noqa: PLC0415  # only this target needs these
    from moto import mock_aws  # noqa: PLC0415  # only this target needs it

    from chalicelib.pipeline import events  # noqa: PLC0415  # only this target needs it
    from chalicelib.services import services  # noqa: PLC0415  # only this target needs it
    from local import stack  # noqa: PLC0415  # only this target needs it
    from support.asking import Asker  # noqa: PLC0415  # only this target needs it

    os.environ.update(stack.CREDENTIALS)
    mock_aws().start()
    os.environ.update(stack.create() | {"LOG_FILE": os.devnull})
    import app  # noqa: PLC0415  # the module reads the environment

    key = "uploads/alice/talk.wav"
    bucket = boto3.client("s3")
    bucket.put_object(Bucket=stack.BUCKET, Key=key, Body=wav(1.0))
    events.receive_upload(key, services())
    (found,) = services().recordings.of_source(key)
    document = (TRANSCRIPTS / "plain.json").read_bytes()
    events.store_transcript(put_answer(services(), found.id, document), services())
    events.extract_features(found.id, services())
    routes = [
        (path, method)
        for path, methods in sorted(app.app.routes.items())
        for method in sorted(methods.keys() - {"DELETE"})
        if "reprocess" not in path
    ]
    return Asker(app), found.id, routes


@dataclass(frozen=True)
class Target:
    """A function to fuzz, and its first inputs."""

    feed: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]


def _recordings() -> list[bytes]:
    spoken = [
        convert(corpus.SAMPLE, kind)[:40_000]
        for kind in ("wav", "mp3", "flac", "ogg", "amr", "webm")
    ]
    return [*spoken, wav(0.5), corpus.flac_that_claims(1), corpus.webm_of_unknown_lengths()]


def _headers() -> list[bytes]:
    return [recording[:4_000] for recording in _recordings()] + [
        corpus.nested_boxes(20),
        corpus.video.make("mp4", duration_s=0.5)[-6_000:],
    ]


def _transcripts() -> list[bytes]:
    return [path.read_bytes() for path in sorted(TRANSCRIPTS.glob("*.json"))]


def _requests() -> list[bytes]:
    queries = [
        b"limit=2&owner=alice&cursor=e30=",
        b"q=%22rain in spain%22",
        b"format=vtt&redirect=no",
    ]
    return [bytes([n]) + b"\nmfcc\n" + query + b"\n{}" for n in range(12) for query in queries]


TARGETS: Mapping[str, Target] = {
    "decoder": Target(decode, _recordings),
    "headers": Target(look, _headers),
    "transcript": Target(parse, _transcripts),
    "names": Target(name, lambda: [b"alice/my talk.wav", "ä/日本.wav".encode(), b"redacted-x"]),
    "parameters": Target(choose, lambda: [b"n-mfcc=20\ndeltas=2", b"sr=native\nf0-min=1e9"]),
    "gif": Target(pace, lambda: [corpus.video.gif(3, Fraction(4))]),
    "api": Target(ask, _requests),
}
