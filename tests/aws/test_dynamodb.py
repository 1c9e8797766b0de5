import math
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from support.answers import put_answer
from support.media import wav
from support.stand_ins import ON_EACH_DATABASE

from chalicelib.aws.dynamodb import RecordingTable
from chalicelib.aws.dynamodb_notices import NoticeClaims
from chalicelib.aws.dynamodb_shards import N_SHARDS, all_shards, owners_shards
from chalicelib.aws.dynamodb_values import to_item
from chalicelib.aws.dynamodb_watchlist import Watchlist
from chalicelib.core import keys
from chalicelib.core.recording import DONE, Branch, BranchState, NoticeState, Recording, Status
from chalicelib.core.recording_item import flat
from chalicelib.core.results import Measurement, Rendition, RenditionSet, TranscriptSummary
from chalicelib.core.upload import Upload
from chalicelib.errors import CursorError, RecordingNotFoundError
from chalicelib.pipeline import events

pytestmark = ON_EACH_DATABASE

UPLOAD = Upload(bucket="media", key="uploads/alice/a.wav", etag="e", size=1)
MEASURED = Measurement(
    duration_s=5.925,
    sample_rate_hz=22_050,
    source_sample_rate_hz=44_100,
    channels=2,
    n_frames=256,
    feature_parameters={"hop_length": 512, "fmin": 5e-17, "htk": False, "win_length": None},
    feature_keys={"mfcc": "features/x/mfcc.csv"},
)


@pytest.fixture
def recording(services):
    made = Recording.of(UPLOAD, created_at="2024-01-01T00:00:00+00:00")
    services.recordings.create(made)
    return made


def test_a_recording_is_created_once(services, recording):
    other = replace(recording, created_at="2025-01-01T00:00:00+00:00")

    created = services.recordings.create(other)

    assert created == services.recordings.get(recording.id)
    assert created.created_at == recording.created_at


def test_an_unknown_recording_is_an_error_that_names_it(services):
    with pytest.raises(RecordingNotFoundError, match="nothing-0123456789ab"):
        services.recordings.get("nothing-0123456789ab")


def test_a_completed_branch_stays_completed(services, recording):
    move = services.recordings.move
    done, failed = BranchState(Status.COMPLETED), BranchState(Status.FAILED, reason="No.")
    move(recording, Branch.FEATURES, done, unless=DONE, result=MEASURED)

    moved = move(recording, Branch.FEATURES, failed, unless={Status.COMPLETED})

    found = services.recordings.get(recording.id)
    assert moved is None
    assert found.features.status == Status.COMPLETED
    assert found.measurement == MEASURED


def test_a_write_returns_the_recording_as_it_is_then(services, recording):
    other = services.recordings.move(
        recording, Branch.FEATURES, BranchState(Status.IN_PROGRESS, receives=2), unless=DONE
    )
    written = services.recordings.move(
        recording, Branch.RENDITIONS, BranchState(Status.SKIPPED), unless=DONE
    )

    assert written == services.recordings.get(recording.id)
    assert written.features == other.features
    assert written.features.receives == 2


def test_a_reason_goes_with_the_status_that_had_it(services, recording):
    move = services.recordings.move
    failed = move(recording, Branch.FEATURES, BranchState(Status.FAILED, reason="No."), unless=DONE)
    move(failed, Branch.FEATURES, BranchState(Status.COMPLETED), unless=DONE)

    assert services.recordings.get(recording.id).reason is None


def test_a_branch_that_starts_again_loses_its_earlier_state(services, recording):
    move = services.recordings.move
    state = BranchState(Status.COMPLETED, reason="Cut.", receives=3)
    done = move(recording, Branch.FEATURES, state, unless=DONE, result=MEASURED)
    services.recordings.write_words(done, {"words": "features/x/words.csv"})

    pending = move(done, Branch.FEATURES, BranchState(retried=True), unless={Status.SKIPPED})

    assert pending.features == BranchState(retried=True, at=pending.features.at)
    assert (pending.measurement, pending.word_table_keys) == (None, {})


def test_a_restart_clears_what_was_written_since_the_recording_was_read(services, recording):
    noted = BranchState(Status.IN_PROGRESS, job_id="1-job")
    services.recordings.move(recording, Branch.RENDITIONS, noted, unless=DONE)

    restarted = services.recordings.restart(recording, UPLOAD)

    assert (restarted.renditions.status, restarted.renditions.job_id) == (Status.PENDING, None)


def test_an_attempt_that_began_before_a_restart_writes_nothing_after_it(services, recording):
    first = BranchState(Status.IN_PROGRESS, attempt=5)
    begun = services.recordings.move(recording, Branch.RENDITIONS, first, unless=DONE)

    restarted = services.recordings.restart(recording, UPLOAD)

    noted = BranchState(Status.IN_PROGRESS, attempt=5, job_id="1-job")
    assert services.recordings.move(begun, Branch.RENDITIONS, noted, unless=DONE) is None
    assert restarted.renditions.attempt == 6
    assert restarted.transcription.attempt == 1


def test_a_new_attempt_does_not_have_the_job_of_the_earlier_one(services, recording):
    noted = BranchState(Status.IN_PROGRESS, job_id="1-job")
    services.recordings.move(recording, Branch.RENDITIONS, noted, unless=DONE)

    second = BranchState(Status.IN_PROGRESS, attempt=2)
    begun = services.recordings.move(recording, Branch.RENDITIONS, second, unless=DONE)

    assert begun.renditions.job_id is None


def test_words_of_an_earlier_transcript_are_not_written_to_a_later_attempt(services, recording):
    restarted = services.recordings.restart(recording, UPLOAD)

    written = services.recordings.write_words(recording, {"words": "features/x/words.csv"})

    assert written == restarted
    assert services.recordings.get(recording.id).word_table_keys == {}


@pytest.mark.parametrize("late", ["move", "write_words", "restart"])
def test_no_late_write_brings_a_removed_recording_back(services, recording, late):
    services.recordings.delete(recording.id)
    services.recordings.delete(recording.id)

    if late == "move":
        state = BranchState(Status.COMPLETED)
        assert services.recordings.move(recording, Branch.FEATURES, state, unless=DONE) is None
    elif late == "write_words":
        with pytest.raises(RecordingNotFoundError):
            services.recordings.write_words(recording, {"words": "features/x/words.csv"})
    else:
        with pytest.raises(RecordingNotFoundError):
            services.recordings.restart(recording, UPLOAD)

    assert services.recordings.find(recording.id) is None


def test_a_recording_is_read_back_unchanged(services, recording):
    whole = replace(
        recording,
        id="another-0123456789ab",
        transcription=BranchState(Status.COMPLETED, reason="Quiet.", internal=True, retried=True),
        renditions=BranchState(Status.COMPLETED, job_id="1-job", attempt=1_764_012_345_678),
        transcript=TranscriptSummary(
            "transcripts/x.json",
            transcript="",
            word_count=0,
            mean_confidence=0.1 + 0.2,
            speakers=("spk_0", "spk_1"),
        ),
        measurement=MEASURED,
        rendered=RenditionSet(
            poster_key="renditions/x/poster.jpg",
            duration_s=MEASURED.duration_s,
            rendition_files={"web": Rendition("renditions/x/web.mp4", 9, 640, 360, 2.5)},
        ),
        word_table_keys={"words": "features/x/words.csv"},
        notice_done=NoticeState(sent_at="2024-01-02"),
    )

    created = services.recordings.create(whole)

    assert services.recordings.get(whole.id) == created
    assert replace(created, look_at=None) == whole


def test_a_value_that_is_not_a_number_is_not_stored(services, recording):
    quiet = TranscriptSummary("transcripts/x.json", "", 0, mean_confidence=math.nan)

    written = services.recordings.move(
        recording, Branch.TRANSCRIPTION, BranchState(Status.COMPLETED), unless=DONE, result=quiet
    )

    assert written.transcript.mean_confidence is None


def test_a_cursor_is_valid_for_one_owners_list_only(services, recording):
    for number in range(2):
        upload = Upload(bucket="media", key=f"uploads/bob/{number}.wav", etag="e", size=1)
        services.recordings.create(Recording.of(upload, created_at=f"2024-01-0{number + 1}"))
    _, cursor = services.recordings.page(owner="bob", limit=1)
    assert cursor
    assert recording

    with pytest.raises(CursorError):
        services.recordings.page(owner="alice", cursor=cursor)


@pytest.mark.parametrize("owner", [None, "bob"])
def test_pages_of_a_list_merge_the_shards_newest_first(services, owner):
    made = []
    for number in range(40):
        upload = Upload(bucket="media", key=f"uploads/bob/{number}.wav", etag="e", size=1)
        # Three at a time, in different shards and in one.
        created_at = f"2024-01-{1 + number // 3:02}"
        made.append(services.recordings.create(Recording.of(upload, created_at=created_at)))
    expected = [(one.created_at, keys.transcript(one.id), one.id) for one in made]

    pages, cursor = [], None
    while cursor or not pages:
        page, cursor = services.recordings.page(owner=owner, limit=7, cursor=cursor)
        pages.append([one.id for one in page])

    assert [len(page) for page in pages] == [7, 7, 7, 7, 7, 5]
    assert [id_ for page in pages for id_ in page] == [
        id_ for *_, id_ in sorted(expected, reverse=True)
    ]
    middle, _ = services.recordings.page(
        owner=owner, since="2024-01-03", until="2024-01-04", limit=50
    )
    assert len(middle) == 6
    assert {one.owner for one in middle} == {"bob"}


def test_an_owner_has_no_recordings_of_an_owner_with_a_similar_name(services):
    for number in range(20):
        for owner in ("bob", "bob-1", "bo"):
            key = f"uploads/{owner}/{number}.wav"
            upload = Upload(bucket="media", key=key, etag="e", size=1)
            services.recordings.create(Recording.of(upload, created_at="2024-01-01"))

    page, _ = services.recordings.page(owner="bob")

    assert len(page) == 20
    assert {one.owner for one in page} == {"bob"}


def test_recordings_of_the_time_before_shards_are_listed_with_the_new_ones(services, recording):
    table = services.recordings._table
    (new,) = table.scan()["Items"]
    services.recordings.delete(recording.id)
    old = to_item(flat(replace(recording, look_at="2024-01-01")))
    table.put_item(Item=old)
    upload = Upload(bucket="media", key=f"uploads/{recording.owner}/b.wav", etag="e", size=1)
    later = services.recordings.create(Recording.of(upload, created_at="2999-01-01"))

    for owner in (None, recording.owner):
        page, _ = services.recordings.page(owner=owner)
        first, cursor = services.recordings.page(owner=owner, limit=1)
        second, _ = services.recordings.page(owner=owner, limit=1, cursor=cursor)

        assert [one.id for one in page] == [later.id, recording.id]
        assert [one.id for one in first + second] == [later.id, recording.id]
    assert new["kind"] != old["kind"] == "recording"
    assert new["owner"] != old["owner"] == recording.owner
    assert services.watchlist.due(datetime.now(UTC), 10) == [recording.id]


def test_a_thousand_recordings_a_second_write_at_most_500_times_a_second_to_a_shard(services, put):
    """A changed key of an index costs two writes of it, a new or removed one costs one."""
    table = Watched(services.recordings._table)
    services = replace(
        services,
        recordings=RecordingTable(table, services.clock),
        watchlist=Watchlist(table),
        notice_claims=NoticeClaims(table, services.clock),
    )
    recording_id = put("uploads/alice/talk.wav", wav())
    events.receive_upload("uploads/alice/talk.wav", services)
    events.extract_features(recording_id, services)
    document = {"results": {"transcripts": [{"transcript": ""}], "items": []}}
    events.store_transcript(put_answer(services, recording_id, document), services)
    read = services.recordings.get(recording_id)
    services.watchlist.strike_off(recording_id, read.look_at)

    n_writes_of_all = 1 + table.n_writes_by_look_at  # and one by time
    upload = Upload(bucket="media", key="uploads/alice/a.wav", etag="e", size=1)
    for n_writes, shards in (
        (n_writes_of_all, all_shards(N_SHARDS)),
        (table.n_writes, owners_shards("alice", N_SHARDS)),
    ):
        names = Counter(
            shards.name_of(replace(upload, size=size).recording_id) for size in range(20_000)
        )
        assert n_writes >= 8
        assert names.keys() == set(shards.names())
        assert 1000 * n_writes * max(names.values()) / names.total() <= 500


class Watched:
    """A table that counts its writes, and those to the index by look."""

    def __init__(self, table) -> None:
        self._table = table
        self.n_writes = 0  # each is also one to the index by owner, which has whole items
        self.n_writes_by_look_at = 0

    def __getattr__(self, name: str):
        return getattr(self._table, name)

    def put_item(self, **request):
        self.n_writes += 1
        self.n_writes_by_look_at += "look_at" in request["Item"]
        return self._table.put_item(**request)

    def update_item(self, **request):
        self.n_writes += 1
        before = self._look_at(request)
        answer = self._table.update_item(**request)
        after = self._look_at(request)
        self.n_writes_by_look_at += (
            (before is not None) + (after is not None) if before != after else 0
        )
        return answer

    def _look_at(self, request):
        return self._table.get_item(Key=request["Key"])["Item"].get("look_at")


@pytest.mark.parametrize("cursor", ["!", "bm9uc2Vuc2U", "eyJhIjogMX0", "eyJhIjogIngifQ"])
@pytest.mark.parametrize("owner", [None, "alice"])
def test_a_cursor_that_is_not_from_a_page_is_refused(services, recording, cursor, owner):
    assert recording

    with pytest.raises(CursorError):
        services.recordings.page(owner=owner, cursor=cursor)


def test_every_recording_of_a_key_is_found(services, recording):
    other = Recording.of(
        Upload(bucket="media", key=recording.source_key, etag="f", size=2),
        created_at="2024-01-02T00:00:00+00:00",
    )
    services.recordings.create(other)

    found = services.recordings.of_source(recording.source_key)

    assert {each.id for each in found} == {recording.id, other.id}
