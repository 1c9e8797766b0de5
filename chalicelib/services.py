"""The application's connections to AWS, made once for each container."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import boto3
from botocore.config import Config

from chalicelib.aws.dynamodb import RecordingTable
from chalicelib.aws.dynamodb_hours import HourCounters
from chalicelib.aws.dynamodb_notices import NoticeClaims
from chalicelib.aws.dynamodb_resource import connect_dynamodb
from chalicelib.aws.dynamodb_search import SearchTable
from chalicelib.aws.dynamodb_watchlist import Watchlist
from chalicelib.aws.mediaconvert import Transcoder
from chalicelib.aws.s3 import MediaStore
from chalicelib.aws.s3_bookmark import Bookmark
from chalicelib.aws.s3_corrections import CorrectionStore
from chalicelib.aws.sns import Notices
from chalicelib.aws.sqs import DatasetQueue, FeatureQueue, SpeechQueue
from chalicelib.aws.transcribe import Transcriber
from chalicelib.config import Settings


@dataclass(frozen=True, slots=True)
class Services:
    """All external services of the pipeline, and its settings."""

    settings: Settings
    media: MediaStore
    results: MediaStore
    recordings: RecordingTable
    watchlist: Watchlist
    notice_claims: NoticeClaims
    hours: HourCounters
    bookmark: Bookmark
    corrections: CorrectionStore
    search_table: SearchTable
    transcriber: Transcriber
    transcoder: Transcoder
    features_queue: FeatureQueue
    speech: MediaStore
    speech_queue: SpeechQueue
    datasets: MediaStore
    datasets_queue: DatasetQueue
    notices: Notices
    clock: Callable[[], datetime]
    write_line: Callable[[str], object] = print


def connect(settings: Settings) -> Services:
    """Create all connections from the settings."""
    # "virtual" presigns addresses of the bucket's own region. S3 redirects the default addresses to
    # this region while a bucket is new, and no browser follows a redirect with a form. Host names
    # below 127.0.0.1 do not exist, so its addresses are in path style anyway. Retries are
    # botocore's standard ones, with jitter.
    config = Config(
        signature_version="s3v4",
        s3={"addressing_style": "virtual"},
        retries={"mode": "standard", "max_attempts": 5},
    )
    s3 = boto3.client("s3", config=config)
    dynamodb = connect_dynamodb()
    table = dynamodb.Table(settings.metadata_table)

    def clock() -> datetime:
        return datetime.now(UTC)

    return Services(
        settings=settings,
        media=MediaStore(s3, settings.media_bucket, settings.source_buckets),
        results=MediaStore(s3, settings.results_bucket),
        recordings=RecordingTable(table, clock),
        watchlist=Watchlist(table),
        notice_claims=NoticeClaims(table, clock),
        hours=HourCounters(table, clock),
        bookmark=Bookmark(s3, settings.results_bucket),
        corrections=CorrectionStore(s3, settings.results_bucket),
        search_table=SearchTable(dynamodb.Table(settings.search_table)),
        transcriber=Transcriber(boto3.client("transcribe")),
        transcoder=Transcoder(boto3.client("mediaconvert")),
        features_queue=FeatureQueue(boto3.client("sqs"), settings.features_queue_url),
        speech=MediaStore(s3, settings.results_bucket),
        speech_queue=SpeechQueue(boto3.client("sqs"), settings.speech_queue_url),
        datasets=MediaStore(s3, settings.results_bucket),
        datasets_queue=DatasetQueue(boto3.client("sqs"), settings.datasets_queue_url),
        notices=Notices(
            boto3.client("sns"), settings.notices_topic_arn, settings.failures_topic_arn
        ),
        clock=clock,
        write_line=_line_writer(settings.log_file),
    )


def _line_writer(path: str) -> Callable[[str], object]:
    """Return a function that writes a line of the journal to a file, or for CloudWatch."""
    if not path:
        return print

    def write(line: str) -> None:
        with Path(path).open("a") as log:
            log.write(f"{line}\n")

    return write


@cache
def services() -> Services:
    """Return this container's connections, created at their first use."""
    return connect(Settings.from_env())
