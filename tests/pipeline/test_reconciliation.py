"""Reconcile finds and does the work of lost events, and does not change finished work."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from support.answers import job_name, put_answer
from support.faults.s3_double import Bucket
from support.media import wav

from chalicelib import journal
from chalicelib.aws.dynamodb import QUIET
from chalicelib.core import keys
from chalicelib.core.recording import MOST_REMADE, Branch, Status
from chalicelib.core.recording_item import flat
from chalicelib.errors import ServiceBusyError
from chalicelib.pipeline import events, reconciliation
from chalicelib.pipeline.reconciliation import look, reconcile
from chalicelib.pipeline.walk import ITEMS, WALK
from chalicelib.services import Services
from local.stack import TEMPLATE, _TemplateLoader

KEY = "uploads/alice/my talk.wav"
DOCUMENT = {"results": {"transcripts": [{"transcript": ""}], "items": []}}


def walk(services):
    findings = reconcile(services, pages=len(WALK))
    findings.raise_failures()
    return findings


@pytest.fixture
def job_of(account):
    """Return the latest transcription job of a recording."""
    return lambda recording_id: account.job(job_name(account.services, recording_id))


@pytest.fixture
def transcribe(services, job_of):
    """Let the latest job of a recording end; return the key of its transcript."""

    def end(recording_id: str) -> str:
        job_of(recording_id).status = "COMPLETED"
        return put_answer(services, recording_id, DOCUMENT)

    return end


@pytest.fixture
def finish(services, transcribe):
    """Do all the work on a recording."""

    def do(recording_id: str, by: Services = services) -> None:
        events.store_transcript(transcribe(recording_id), by)
        events.extract_features(recording_id, by)

    return do


def messages(account) -> list[str]:
    return [message["recording_id"] for message in account.take()]


def test_an_upload_whose_event_was_lost_is_received(account, services, put):
    recording_id = put(KEY, wav())

    walk(services)

    assert services.recordings.get(recording_id).statuses["transcription"] == "IN_PROGRESS"
    assert messages(account) == [recording_id]


def test_a_transcript_outlives_the_table_and_is_not_paid_for_again(account, finish, services, put):
    recording_id = put(KEY, wav())
    events.receive_upload(KEY, services)
    finish(recording_id)
    services.recordings.delete(recording_id)
    account.transcribe.jobs.clear()

    walk(services)
    events.extract_features(recording_id, services)

    recording = services.recordings.get(recording_id)
    assert recording.transcription.status == "COMPLETED"
    assert recording.is_settled
    assert account.transcribe.jobs == {}


@pytest.mark.parametrize("left", [b"nonsense", b"{}"])
def test_a_damaged_transcript_that_outlives_the_table_is_made_again(account, services, put, left):
    recording_id = put(KEY, wav())
    services.results.write(keys.transcript(recording_id), left)

    walk(services)

    assert services.recordings.get(recording_id).transcription.status == "IN_PROGRESS"
    assert len(account.transcribe.jobs) == 1


def test_a_recording_whose_upload_is_gone_is_removed_with_all_its_results(
    account, finish, services, put
):
    recording_id = put(KEY, wav())
    events.receive_upload(KEY, services)
    finish(recording_id)
    account.remove(KEY)

    walk(services)

    assert services.recordings.page() == ([], None)
    assert services.results.keys("") == {keys.BOOKMARK}


def test_results_that_belong_to_no_recording_are_removed_and_strangers_are_not(services):
    orphans = {
        "features/a-wav-0123456789ab/mfcc.csv",
        "renditions/a-wav-0123456789ab/web.mp4",
        "transcripts/a-wav-0123456789ab.srt",
        "jobs/earshot-local-a-wav-0123456789ab-t1/transcript.json",
    }
    strangers = {"features/readme.txt", "transcripts/notes.json", "jobs/a/b", "elsewhere/a"}
    for key in orphans | strangers:
        services.results.write(key, b"made")

    walk(services)

    assert services.results.keys("") == strangers | {keys.BOOKMARK}


def test_a_run_walks_one_page_and_the_next_goes_on_from_there(services, put):
    put(KEY, wav())
    stages = []

    for _ in range(len(WALK) + 1):
        stages.append(services.bookmark.read()[0])
        reconcile(services)

    assert stages == ["", *WALK[1:], WALK[0]]


def test_the_walk_goes_on_through_all_pages_of_a_bucket(account, services, put):
    account.buckets[services.media.bucket] = Bucket(page=2)
    lost = {put(f"uploads/alice/{number}.wav", wav()) for number in range(5)}

    for n_runs in range(1, 4):
        reconcile(services)
        assert len(services.recordings.page()[0]) == min(2 * n_runs, 5)

    assert {recording.id for recording in services.recordings.page()[0]} == lost


def test_a_transcript_whose_event_was_lost_is_stored(transcribe, services, put, later):
    recording_id = put(KEY, wav())
    events.receive_upload(KEY, services)
    transcribe(recording_id)

    reconcile(later(hours=2)).raise_failures()

    assert services.recordings.get(recording_id).statuses["transcription"] == "COMPLETED"


def test_a_job_that_has_gone_is_started_again(services, put, later):
    recording_id = put(KEY, wav())
    events.receive_upload(KEY, services)
    services.transcriber.delete(job_name(services, recording_id))

    reconcile(later(hours=2)).raise_failures()

    assert services.transcriber.find(job_name(services, recording_id))
    assert services.recordings.get(recording_id).statuses["transcription"] == "IN_PROGRESS"


@pytest.mark.parametrize(
    ("reason", "is_tried_again"),
    [("Internal failure.", True), ("Unsupported media format.", False)],
)
def test_a_failure_that_is_not_the_files_own_is_tried_again_once(
    job_of, services, put, later, reason, is_tried_again
):
    recording_id = put(KEY, wav())
    events.receive_upload(KEY, services)
    job = job_of(recording_id)
    job.status, job.reason = "FAILED", reason
    events.record_transcription_failure(job_name(services, recording_id), services)

    reconcile(later(hours=2)).raise_failures()

    status = services.recordings.get(recording_id).status_of(Branch.TRANSCRIPTION)
    assert (status == Status.IN_PROGRESS) is is_tried_again
    if is_tried_again:
        job_of(recording_id).status = "FAILED"
        events.record_transcription_failure(job_name(services, recording_id), services)
        reconcile(later(hours=4)).raise_failures()
        assert services.recordings.get(recording_id).statuses["transcription"] == "FAILED"


def test_tables_that_a_late_clean_up_took_are_made_again(account, finish, services, put, later):
    recording_id = put(KEY, wav())
    events.receive_upload(KEY, services)
    finish(recording_id)
    messages(account)
    services.results.remove(keys.features(recording_id, "pitch"))

    reconcile(later(hours=2)).raise_failures()
    assert services.recordings.get(recording_id).statuses["features"] == "PENDING"
    events.extract_features(recording_id, services)

    assert services.recordings.get(recording_id).is_settled
    assert services.results.find(keys.features(recording_id, "pitch.csv"))


def test_tables_that_go_missing_every_time_are_made_again_a_few_times_only(
    finish, services, put, later
):
    recording_id = put(KEY, wav())
    events.receive_upload(KEY, services)
    finish(recording_id)

    for n_looks in range(1, MOST_REMADE + 2):
        assert services.recordings.get(recording_id).statuses["features"] == "COMPLETED"
        services.results.remove(keys.features(recording_id, "pitch"))
        found = look(recording_id, later(hours=2 * n_looks))
        if found.statuses["features"] == "PENDING":
            events.extract_features(recording_id, services)

    found = services.recordings.get(recording_id).features
    assert (found.status, found.reason) == (Status.FAILED, reconciliation.GONE)


def test_a_look_at_a_recording_whose_upload_is_gone_removes_it(account, finish, services, put):
    recording_id = put(KEY, wav())
    events.receive_upload(KEY, services)
    finish(recording_id)
    account.remove(KEY)

    assert look(recording_id, services) is None
    assert services.recordings.find(recording_id) is None


def test_subtitles_that_a_late_clean_up_took_are_made_again(finish, services, put, later):
    options = replace(services.settings.transcription, subtitles=("srt",))
    settings = replace(services.settings, transcription=options)
    services = replace(services, settings=settings)
    recording_id = put(KEY, wav())
    events.receive_upload(KEY, services)
    finish(recording_id, services)
    key = keys.subtitles(recording_id, "srt")
    written = services.results.read(key)
    services.results.remove(key)

    reconcile(replace(later(hours=2), settings=settings)).raise_failures()

    assert written is not None
    assert services.results.read(key) == written


class Swept:
    """A bucket from which a clean-up takes one key as soon as it has been listed."""

    def __init__(self, store, key):
        self._store, self._key = store, key

    def __getattr__(self, name):
        return getattr(self._store, name)

    def keys(self, prefix):
        found = self._store.keys(prefix)
        if self._key in found:
            self._store.remove(self._key)
        return found


def test_a_clean_up_in_the_middle_of_a_look_is_met_by_the_next_look(
    account, finish, services, put, later
):
    options = replace(services.settings.transcription, subtitles=("srt",))
    services = replace(services, settings=replace(services.settings, transcription=options))
    recording_id = put(KEY, wav())
    events.receive_upload(KEY, services)
    finish(recording_id, services)
    account.messages.waiting.clear()
    services.results.remove(keys.subtitles(recording_id, "srt"))
    table = keys.features(recording_id, "mfcc.csv")
    swept = replace(
        later(hours=2), settings=services.settings, results=Swept(services.results, table)
    )

    found = look(recording_id, swept)

    assert found is not None
    (again,) = account.messages.waiting
    assert json.loads(again["body"]) == {"task": "look", "recording_id": recording_id}
    assert look(recording_id, services).statuses["features"] == "PENDING"
    events.extract_features(recording_id, services)
    assert services.recordings.get(recording_id).is_settled
    assert services.results.find(table)


def test_a_recording_that_is_well_is_looked_at_once_more_and_then_left_alone(
    finish, services, put, later
):
    recording_id = put(KEY, wav())
    events.receive_upload(KEY, services)
    finish(recording_id)

    early = reconcile(services).looks
    first = reconcile(later(hours=2)).looks
    second = reconcile(later(hours=4)).looks

    assert (early, first, second) == (0, 1, 0)
    assert "look_at" not in flat(services.recordings.get(recording_id))


def test_one_that_cannot_be_settled_keeps_no_other_waiting(account, services, put, later):
    broken = put("uploads/a.wav", wav())
    whole = put("uploads/b.wav", wav(f0_hz=330))
    for key in ("uploads/a.wav", "uploads/b.wav"):
        events.receive_upload(key, services)
    account.table.update_item(
        Key={"JsonFile": keys.transcript(broken)},
        UpdateExpression="SET created_at = :nonsense",
        ExpressionAttributeValues={":nonsense": "nonsense"},
    )
    services.transcriber.delete(job_name(services, whole))

    findings = reconcile(later(hours=2))

    assert findings.looks == 2
    with pytest.raises(ExceptionGroup):
        findings.raise_failures()
    assert services.transcriber.find(job_name(services, whole))


class Busy:
    """Amazon Transcribe, which takes no job."""

    def __init__(self, transcriber) -> None:
        self._transcriber = transcriber

    def __getattr__(self, name: str):
        return getattr(self._transcriber, name)

    def start(self, request):  # noqa: ARG002  # it looks at nothing
        raise ServiceBusyError("Your input file is too long")


@pytest.fixture
def busy(services):
    """Services whose Transcribe has no room."""
    return replace(services, transcriber=Busy(services.transcriber))


def test_a_quota_is_waited_out_and_not_failed(account, services, busy, put):
    recording_id = put(KEY, wav())
    events.receive_upload(KEY, busy)
    assert services.recordings.get(recording_id).statuses["transcription"] == "PENDING"
    assert messages(account) == [recording_id]

    reconcile(services).raise_failures()

    assert services.recordings.get(recording_id).statuses["transcription"] == "IN_PROGRESS"


def test_a_recording_that_transcribe_never_takes_fails_after_two_weeks(services, put):
    """LimitExceededException also says that a file is too long, according to Transcribe's model."""
    services = replace(services, transcriber=Busy(services.transcriber))
    recording_id = put(KEY, wav())
    events.receive_upload(KEY, services)
    assert services.recordings.get(recording_id).transcription.status == Status.PENDING

    later = datetime.now(UTC) + timedelta(days=15)
    reconcile(replace(services, clock=lambda: later))

    found = services.recordings.get(recording_id).transcription
    assert found.status == Status.FAILED
    assert found.reason.startswith(
        "Amazon Transcribe has taken no job of the recording for 14 days"
    )


@pytest.mark.parametrize(("minutes", "status"), [(1, "PENDING"), (6, "IN_PROGRESS")])
def test_who_has_measured_a_recording_asks_a_busy_transcribe_again(
    services, busy, later, put, minutes, status
):
    """Within five minutes the function that starts the branches may still be doing so."""
    recording_id = put(KEY, wav())
    events.receive_upload(KEY, busy)
    assert services.recordings.get(recording_id).statuses["transcription"] == "PENDING"

    events.extract_features(recording_id, later(minutes=minutes))

    found = services.recordings.get(recording_id).statuses
    assert (found["transcription"], found["features"]) == (status, "COMPLETED")


class Broken:
    """A bucket that cannot be read."""

    def __init__(self, store):
        self._store = store

    def __getattr__(self, name):
        return getattr(self._store, name)

    def open(self, upload):
        raise ConnectionError(f"no way to {upload.key}")


def test_a_message_that_fails_every_time_says_why_and_goes_through_again(transcribe, services, put):
    recording_id = put(KEY, wav())
    events.receive_upload(KEY, services)
    events.store_transcript(transcribe(recording_id), services)
    for attempt in range(1, events.ATTEMPTS + 1):
        assert services.recordings.get(recording_id).statuses["features"] != "FAILED"
        with pytest.raises(ConnectionError):
            events.extract_features(
                recording_id, replace(services, media=Broken(services.media)), attempt=attempt
            )

    found = services.recordings.get(recording_id)
    assert found.statuses["features"] == "FAILED"
    assert found.reason.startswith("The recording could not be measured in 5 attempts (Connection")
    assert "notice_failed_sent_at" in flat(found)

    events.extract_features(recording_id, services)

    found = services.recordings.get(recording_id)
    assert found.statuses["features"] == "COMPLETED"
    assert "notice_done_sent_at" in flat(found)


def test_a_recording_whose_every_worker_died_is_tried_once_more_and_then_fails(
    account, services, put, later
):
    recording_id = put(KEY, wav())
    events.receive_upload(KEY, services)
    messages(account)

    def let_every_worker_die() -> None:
        recording = services.recordings.get(recording_id)
        state = replace(recording.features, status=Status.IN_PROGRESS, receives=events.ATTEMPTS)
        services.recordings.move(recording, Branch.FEATURES, state, unless={Status.COMPLETED})

    let_every_worker_die()
    reconcile(later(hours=2)).raise_failures()
    assert services.recordings.get(recording_id).statuses["features"] == "PENDING"
    assert messages(account) == [recording_id]

    let_every_worker_die()
    reconcile(later(hours=5)).raise_failures()
    assert "too much memory or time" in services.recordings.get(recording_id).reason
    assert services.recordings.get(recording_id).statuses["features"] == "FAILED"


def test_the_queue_gives_up_when_the_function_does():
    template = yaml.load(TEMPLATE.read_text(), Loader=_TemplateLoader)  # noqa: S506  # our own file
    queue = template["Resources"]["FeaturesQueue"]["Properties"]

    assert queue["RedrivePolicy"]["maxReceiveCount"] == events.ATTEMPTS
    assert timedelta(seconds=queue["VisibilityTimeout"]) * 3 < reconciliation.MESSAGE_LASTS
    assert timedelta(minutes=15) < QUIET


class Few:
    """A watchlist that gives two recordings at a time, as the real one gives 200."""

    def __init__(self, watchlist):
        self._watchlist = watchlist

    def __getattr__(self, name):
        return getattr(self._watchlist, name)

    def due(self, now, _limit):
        return self._watchlist.due(now, 2)


def receive(services, put, n: int) -> None:
    for number in range(n):
        put(f"uploads/alice/{number}.wav", wav())
        events.receive_upload(f"uploads/alice/{number}.wav", services)


def test_a_recording_that_has_moved_since_it_was_read_stays_on_the_list(services, put):
    recording_id = put(KEY, wav())
    events.receive_upload(KEY, services)
    look_at = services.recordings.get(recording_id).look_at

    services.watchlist.strike_off(recording_id, "2024-01-01T00:00:00+00:00")
    assert services.recordings.get(recording_id).look_at == look_at
    services.watchlist.strike_off(recording_id, look_at)

    assert services.recordings.get(recording_id).look_at is None


def test_one_run_looks_at_all_that_are_due(services, put, later):
    receive(services, put, 5)
    after = later(hours=2)

    findings = reconcile(replace(after, watchlist=Few(after.watchlist)))

    assert findings.looks == 5


def test_a_run_ends_in_time_for_its_function_and_has_walked_all_the_same(services, put, later):
    receive(services, put, 3)
    put("uploads/alice/lost.wav", wav())
    after = later(hours=2)
    minutes = iter(range(0, 1000, 3))
    start = after.clock()

    findings = reconcile(
        replace(after, clock=lambda: start + timedelta(minutes=next(minutes))),
        lasting=reconciliation.LASTING,
    )

    assert 0 < findings.looks < 3
    assert len(services.recordings.page()[0]) == 4
    config = json.loads((TEMPLATE.parents[1] / ".chalice/config.json").read_text())
    limit_s = config["lambda_functions"]["reconcile"]["lambda_timeout"]
    assert reconciliation.LASTING + timedelta(minutes=2) < timedelta(seconds=limit_s)


def line_of_a_run(services) -> dict:
    lines: list[str] = []
    with journal.event("earshot-dev-reconcile", replace(services, write_line=lines.append)):
        reconcile(services)
    return json.loads(lines[0])


def test_a_run_tells_which_recordings_hang_and_for_how_long_a_look_has_been_due(
    services, put, later
):
    receive(services, put, 2)

    young, old = line_of_a_run(later(hours=2)), line_of_a_run(later(days=2))

    assert young["recordings_hanging"] == 0
    assert young["look_overdue_seconds"] == pytest.approx(3600, abs=120)
    assert old["recordings_hanging"] == 2
    assert old["look_overdue_seconds"] > 24 * 3600


def test_one_run_walks_past_more_items_than_one_read_gives(account, services, put):
    receive(services, put, 3)
    services.bookmark.write(ITEMS, "")
    account.remove("uploads/alice/0.wav")

    class Short:
        def __getattr__(self, name):
            return getattr(services.recordings, name)

        def page(self, *, cursor=None):
            return services.recordings.page(cursor=cursor, limit=1)

    findings = reconcile(replace(services, recordings=Short()))

    assert (findings.walked, findings.is_round) == (3, True)
