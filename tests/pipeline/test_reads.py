"""A write returns what it wrote, so a recording is read where an event begins, and not again."""

from collections import Counter
from dataclasses import replace
from functools import partial

from support.answers import put_answer
from support.media import wav

from chalicelib.aws.dynamodb import RecordingTable
from chalicelib.aws.dynamodb_notices import NoticeClaims
from chalicelib.aws.dynamodb_search import SearchTable
from chalicelib.pipeline import events

KEY = "uploads/alice/my talk.wav"
MOST_READS = 6
READS = ("get_item", "query", "batch_get_item")
TRANSCRIPT = {
    "results": {
        "transcripts": [{"transcript": "Hello"}],
        "items": [
            {
                "type": "pronunciation",
                "start_time": "0.1",
                "end_time": "0.4",
                "alternatives": [{"confidence": "0.9", "content": "Hello"}],
            }
        ],
    }
}


class Counting:
    """A table that counts what it is asked."""

    def __init__(self, table, asked: Counter[str]) -> None:
        self._table = table
        self._asked = asked

    def __getattr__(self, name: str):
        found = getattr(self._table, name)
        return partial(self._ask, name, found) if name in READS else found

    def _ask(self, name: str, ask, **request):
        self._asked[name] += 1
        return ask(**request)


def test_an_audio_recordings_whole_life_takes_at_most_six_reads_of_the_tables(
    account, services, put
):
    asked: Counter[str] = Counter()
    table = Counting(account.clients.table, asked)
    search = Counting(account.clients.search, asked)
    services = replace(
        services,
        recordings=RecordingTable(table, services.clock),
        notice_claims=NoticeClaims(table, services.clock),
        search_table=SearchTable(search),
    )
    recording_id = put(KEY, wav())

    events.receive_upload(KEY, services)
    events.extract_features(recording_id, services)
    asked.subtract(get_item=1)  # this test's own
    events.store_transcript(put_answer(services, recording_id, TRANSCRIPT), services)

    assert 0 < asked.total() <= MOST_READS, asked
    done = services.recordings.get(recording_id)
    assert done.is_settled
    assert done.notice_done.sent_at
