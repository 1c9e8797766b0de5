"""DynamoDB may answer a request in part: half of a batch, or one page. Then the rest is asked for.

moto always answers a batch whole, so these tests use the doubles of the histories.
"""

from datetime import UTC, datetime
from functools import partial

import pytest
from support.faults.clients import Client, do_part
from support.faults.connecting import INDEXES, SEARCH_INDEXES
from support.faults.dynamodb_double import Table

from chalicelib.aws.dynamodb import RecordingTable
from chalicelib.aws.dynamodb_search import HEAD, SearchTable
from chalicelib.core import keys
from chalicelib.core.recording import Recording
from chalicelib.core.upload import Upload

KEY = "uploads/alice/a.wav"


def in_part(operation, call, **given):
    """Answer the first half of a batch, like DynamoDB under load."""
    answer = do_part(operation, call, given) if operation.startswith("batch_") else None
    return call(**given) if answer is None else answer


@pytest.fixture
def recordings():
    """The table of recordings, with pages of one item."""
    table = Table(("JsonFile",), INDEXES, page=1)
    table.on_change = lambda _: table.catch_up()
    return RecordingTable(Client(in_part, table), partial(datetime.now, UTC))


def create(recordings, n: int) -> list[Recording]:
    made = [
        Recording.of(
            Upload(bucket="media", key=KEY, etag=f"{number}", size=1),
            created_at=f"2024-01-0{number + 1}T00:00:00+00:00",
        )
        for number in range(n)
    ]
    for recording in made:
        recordings.create(recording)
    return made


def test_what_dynamodb_gives_back_unread_is_read_again(recordings):
    made = create(recordings, 5)

    found = recordings.find_many([keys.transcript(recording.id) for recording in made])

    assert [recording.id for recording in found] == [recording.id for recording in made]


def test_the_recordings_of_a_key_are_read_to_the_last_page(recordings):
    made = create(recordings, 3)

    found = recordings.of_source(KEY)

    assert {recording.id for recording in found} == {recording.id for recording in made}


def test_rows_of_the_index_that_dynamodb_gives_back_unread_are_read_again():
    table = Table(("recording_id", "term"), SEARCH_INDEXES, name="search")
    ids = [f"a-{number:012}" for number in range(5)]
    for recording_id in ids:
        row = {"recording_id": recording_id, "term": HEAD, "owner": "alice", "source_key": KEY}
        table.put_item(Item=row)

    found = SearchTable(Client(in_part, table)).heads(ids)

    assert found == {key: {"owner": "alice", "source_key": KEY} for key in ids}
