"""The application's services on the doubles, as ``chalicelib.services`` connects them to AWS."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib.aws.dynamodb import RecordingTable
from chalicelib.aws.dynamodb_hours import HourCounters
from chalicelib.aws.dynamodb_notices import NoticeClaims
from chalicelib.aws.dynamodb_search import SearchTable
from chalicelib.aws.dynamodb_shards import N_SHARDS
from chalicelib.aws.dynamodb_watchlist import Watchlist
from chalicelib.aws.mediaconvert import Transcoder
from chalicelib.aws.s3 import PART_BYTES, MediaStore
from chalicelib.aws.s3_bookmark import Bookmark
from chalicelib.aws.s3_corrections import CorrectionStore
from chalicelib.aws.sns import Notices
from chalicelib.aws.sqs import DatasetQueue, FeatureQueue, SpeechQueue
from chalicelib.aws.transcribe import Transcriber
from chalicelib.config import Settings
from chalicelib.services import Services

INDEXES = {
    "by_source": ("source_key", None),
    "by_owner": ("owner", "created_at"),
    "by_time": ("kind", "created_at"),
    "by_look_at": ("kind", "look_at"),
}
SEARCH_INDEXES = {
    "by_term": ("term", "created_at"),
    "by_owner_term": ("owner_term", "created_at"),
}
ADMINISTRATOR = "admin"
ENVIRONMENT = {
    "MEDIA_BUCKET_NAME": "media",
    "METADATA_TABLE_NAME": "metadata",
    "SEARCH_TABLE_NAME": "search",
    "FEATURES_QUEUE_URL": "https://queues.example/1/features",
    "DATASETS_QUEUE_URL": "https://queues.example/1/datasets",
    "SPEECH_QUEUE_URL": "https://queues.example/1/speech",
    "NOTICES_TOPIC_ARN": "arn:aws:sns:us-east-1:1:notices",
    "MEDIACONVERT_ROLE_ARN": "arn:aws:iam::1:role/mediaconvert",
    "ADMINISTRATORS": f"arn:aws:iam::123456789012:user/{ADMINISTRATOR}",
}


@dataclass(frozen=True, slots=True)
class Clients:
    """A client of each double."""

    s3: Any
    table: Any
    search: Any
    messages: Any
    transcribe: Any
    mediaconvert: Any


def connect(
    settings: Settings,
    clients: Clients,
    clock: Callable[[], datetime],
    *,
    n_shards: int = N_SHARDS,
    part_bytes: int = PART_BYTES,
) -> Services:
    """Return the services of an application whose requests go to the doubles."""
    s3, table, messages = clients.s3, clients.table, clients.messages
    return Services(
        settings=settings,
        media=MediaStore(s3, settings.media_bucket, settings.source_buckets),
        results=MediaStore(s3, settings.results_bucket, part_bytes=part_bytes),
        recordings=RecordingTable(table, clock, n_shards=n_shards),
        watchlist=Watchlist(table, n_shards=n_shards),
        notice_claims=NoticeClaims(table, clock),
        hours=HourCounters(table, clock),
        bookmark=Bookmark(s3, settings.results_bucket),
        corrections=CorrectionStore(s3, settings.results_bucket),
        search_table=SearchTable(clients.search, n_shards=n_shards),
        transcriber=Transcriber(clients.transcribe),
        transcoder=Transcoder(clients.mediaconvert),
        features_queue=FeatureQueue(messages, settings.features_queue_url),
        speech=MediaStore(s3, settings.results_bucket),
        speech_queue=SpeechQueue(messages, settings.speech_queue_url),
        datasets=MediaStore(s3, settings.results_bucket, part_bytes=part_bytes),
        datasets_queue=DatasetQueue(messages, settings.datasets_queue_url),
        notices=Notices(messages, settings.notices_topic_arn, settings.failures_topic_arn),
        clock=clock,
    )
