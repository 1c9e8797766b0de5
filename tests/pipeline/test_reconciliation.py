"""Reconcile finds and does the work of lost events, and does not change finished work."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import boto3
import pytest
import yaml
from botocore.stub import Stubber
from support.answers import job_name, put_answer
from support.media import wav

from chalicelib import journal
from chalicelib.aws.dynamodb import QUIET
from chalicelib.aws.transcribe import Transcriber
from chalicelib.core import keys
from chalicelib.core.recording import Branch, Status
from chalicelib.core.recording_item import flat
from chalicelib.errors import ServiceBusyError
from chalicelib.pipeline import events, reconciliation
from chalicelib.pipeline.reconciliation import reconcile
from chalicelib.pipeline.walk import ITEMS, WALK
from local.stack import TEMPLATE, _TemplateLoader
from scripts.redrive import redrive

KEY = "uploads/alice/my talk.wav"
DOCUMENT = {"results": {"transcripts": [{"transcript": ""}], "items": []}}


def walk(services):
    findings = reconcile(services, pages=len(WALK))
    findings.raise_failures()
    return findings


def job_of(services, recording_id: str):
    from moto.transcribe.models import transcribe_backends  # noqa: PLC0415  # needs mock_aws

    name = job_name(services, recording_id)
    return transcribe_backends["123456789012"]["us-east-1"].transcriptions[name]


def write(services, key: str, body: bytes = b"made") -> None:
    boto3.client("s3").put_object(Bucket=services.results.bucket, Key=key, Body=body)


def transcribe(services, recording_id: str) -> str:
    job_of(services, recording_id).status = "COMPLETED"
    return put_answer(services, recording_id, DOCUMENT)


def jobs_of_transcribe() -> list[str]:
    found = boto3.client("transcribe").list_transcription_jobs()["TranscriptionJobSummaries"]
    return [job["TranscriptionJobName"] for job in found]


def messages(services) -> list[str]:
    sqs = boto3.client("sqs")
    found = sqs.receive_message(
        QueueUrl=services.settings.features_queue_url, MaxNumberOfMessages=10
    ).get("Messages", [])
    return [json.loads(message["Body"])["recording_id"] for message in found]


def finish(services, recording_id: str) -> None:
    events.store_transcript(transcribe(services, recording_id), services)
    events.extract_features(recording_id, services)


def test_an_upload_whose_event_was_lost_is_received(services, put):
    recording_id = put(KEY, wav())

    walk(services)

    assert services.recordings.get(recording_id).statuses["transcription"] == "IN_PROGRESS"
    assert messages(services) == [recording_id]


def test_a_transcript_outlives_the_table_and_is_not_paid_for_again(services, put):
    recording_id = put(KEY, wav())
    events.receive_upload(KEY, services)
    finish(services, recording_id)
    services.recordings.delete(recording_id)
    boto3.client("transcribe").delete_transcription_job(
        TranscriptionJobName=jobs_of_transcribe()[0]
    )

    walk(services)
    events.extract_features(recording_id, services)

    recording = services.recordings.get(recording_id)
    assert recording.transcription.status == "COMPLETED"
    assert recording.is_settled
    assert jobs_of_transcribe() == []


@pytest.mark.parametrize("left", [b"nonsense", b"{}"])
def test_a_damaged_transcript_that_outlives_the_table_is_made_again(services, put, left):
    recording_id = put(KEY, wav())
    write(services, keys.transcript(recording_id), left)

    walk(services)

    assert services.recordings.get(recording_id).transcription.status == "IN_PROGRESS"
    assert len(jobs_of_transcribe()) == 1


def test_a_recording_whose_upload_is_gone_is_removed_with_all_its_results(services, put):
    recording_id = put(KEY, wav())
    events.receive_upload(KEY, services)
    finish(services, recording_id)
    boto3.client("s3").delete_object(Bucket=services.media.bucket, Key=KEY)

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
        write(services, key)

    walk(services)

    assert services.results.keys("") == strangers | {keys.BOOKMARK}


def test_a_run_walks_one_page_and_the_next_goes_on_from_there(services, put):
    put(KEY, wav())
    stages = []

    for _ in range(len(WALK) + 1):
        stages.append(services.bookmark.read()[0])
        reconcile(services)

    assert stages == ["", *WALK[1:], WALK[0]]


def test_a_transcript_whose_event_was_lost_is_stored(services, put, later):
    recording_id = put(KEY, wav())
    events.receive_upload(KEY, services)
    transcribe(services, recording_id)

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
    services, put, later, reason, is_tried_again
):
    recording_id = put(KEY, wav())
    events.receive_upload(KEY, services)
    client = boto3.client("transcribe")
    name = job_name(services, recording_id)
    with Stubber(client) as stubber:
        job = {"TranscriptionJobStatus": "FAILED", "FailureReason": reason}
        stubber.add_response("get_transcription_job", {"TranscriptionJob": job})
        events.record_transcription_failure(
            name, replace(services, transcriber=Transcriber(client))
        )
    job_of(services, recording_id).status = "FAILED"

    reconcile(later(hours=2)).raise_failures()

    status = services.recordings.get(recording_id).status_of(Branch.TRANSCRIPTION)
    assert (status == Status.IN_PROGRESS) is is_tried_again
    if is_tried_again:
        job_of(services, recording_id).status = "FAILED"
        events.record_transcription_failure(job_name(services, recording_id), services)
        reconcile(later(hours=4)).raise_failures()
        assert services.recordings.get(recording_id).statuses["transcription"] == "FAILED"


def test_tables_that_a_late_clean_up_took_are_made_again(services, put, later):
    recording_id = put(KEY, wav())
    events.receive_upload(KEY, services)
    finish(services, recording_id)
    messages(services)
    services.results.remove(keys.features(recording_id, "pitch"))

    reconcile(later(hours=2)).raise_failures()
    assert services.recordings.get(recording_id).statuses["features"] == "PENDING"
    events.extract_features(recording_id, services)

    assert services.recordings.get(recording_id).is_settled
    assert services.results.find(keys.features(recording_id, "pitch.csv"))


def test_subtitles_that_a_late_clean_up_took_are_made_again(services, put, later):
    options = replace(services.settings.transcription, subtitles=("srt",))
    settings = replace(services.settings, transcription=options)
    services = replace(services, settings=settings)
    recording_id = put(KEY, wav())
    events.receive_upload(KEY, services)
    finish(services, recording_id)
    key = keys.subtitles(recording_id, "srt")
    written = services.results.read(key)
    services.results.remove(key)

    reconcile(replace(later(hours=2), settings=settings)).raise_failures()

    assert written is not None
    assert services.results.read(key) == written


def test_a_recording_that_is_well_is_looked_at_once_more_and_then_left_alone(services, put, later):
    recording_id = put(KEY, wav())
    events.receive_upload(KEY, services)
    finish(services, recording_id)

    early = reconcile(services).looks
    first = reconcile(later(hours=2)).looks
    second = reconcile(later(hours=4)).looks

    assert (early, first, second) == (0, 1, 0)
    assert "look_at" not in flat(services.recordings.get(recording_id))


def test_one_that_cannot_be_settled_keeps_no_other_waiting(services, put, later):
    broken = put("uploads/a.wav", wav())
    whole = put("uploads/b.wav", wav(f0_hz=330))
    for key in ("uploads/a.wav", "uploads/b.wav"):
        events.receive_upload(key, services)
    boto3.resource("dynamodb").Table(services.settings.metadata_table).update_item(
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


@pytest.fixture
def busy(services):
    """Services whose Transcribe has no room."""
    client = boto3.client("transcribe", config=ONE_TRY)
    with Stubber(client) as stubber:
        stubber.add_client_error("start_transcription_job", "LimitExceededException")
        yield replace(services, transcriber=Transcriber(client))


def test_a_quota_is_waited_out_and_not_failed(services, busy, put):
    recording_id = put(KEY, wav())
    events.receive_upload(KEY, busy)
    assert services.recordings.get(recording_id).statuses["transcription"] == "PENDING"
    assert messages(services) == [recording_id]

    reconcile(services).raise_failures()

    assert services.recordings.get(recording_id).statuses["transcription"] == "IN_PROGRESS"


class Busy:
    """Amazon Transcribe, which takes no job."""

    def __init__(self, transcriber) -> None:
        self._transcriber = transcriber

    def __getattr__(self, name: str):
        return getattr(self._transcriber, name)

    def start(self, request):  # noqa: ARG002  # it looks at nothing
        raise ServiceBusyError("Your input file is too long")


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


ONE_TRY = boto3.session.Config(retries={"max_attempts": 0})


class Broken:
    """A bucket that cannot be read."""

    def __init__(self, store):
        self._store = store

    def __getattr__(self, name):
        return getattr(self._store, name)

    def open(self, upload):
        raise ConnectionError(f"no way to {upload.key}")


def test_a_message_that_fails_every_time_says_why_and_goes_through_again(services, put):
    recording_id = put(KEY, wav())
    events.receive_upload(KEY, services)
    events.store_transcript(transcribe(services, recording_id), services)
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
    services, put, later
):
    recording_id = put(KEY, wav())
    events.receive_upload(KEY, services)
    messages(services)

    def let_every_worker_die() -> None:
        recording = services.recordings.get(recording_id)
        state = replace(recording.features, status=Status.IN_PROGRESS, receives=events.ATTEMPTS)
        services.recordings.move(recording, Branch.FEATURES, state, unless={Status.COMPLETED})

    let_every_worker_die()
    reconcile(later(hours=2)).raise_failures()
    assert services.recordings.get(recording_id).statuses["features"] == "PENDING"
    assert messages(services) == [recording_id]

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


def test_dead_letters_go_back_to_the_queue_that_they_came_from(services):
    sqs = boto3.client("sqs")
    dead = sqs.get_queue_url(QueueName="earshot-local-features-dead")["QueueUrl"]
    for number in range(12):
        sqs.send_message(QueueUrl=dead, MessageBody=json.dumps({"recording_id": f"r{number}"}))

    assert redrive("local", boto3.session.Session()) == (12, 0)

    assert messages(services)
    assert "Messages" not in sqs.receive_message(QueueUrl=dead)


def test_an_event_that_was_given_up_is_sent_to_its_function_again(services):
    sqs, functions = boto3.client("sqs"), boto3.client("lambda")
    queue = sqs.get_queue_url(QueueName="earshot-local-failed-events")["QueueUrl"]
    arn = "arn:aws:lambda:us-east-1:123456789012:function:earshot-dev-store_transcript"
    record = {
        "requestContext": {"functionArn": f"{arn}:$LATEST", "condition": "RetriesExhausted"},
        "requestPayload": {"Records": []},
    }
    sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(record))

    class Session:
        def client(self, name):
            return {"sqs": sqs, "lambda": functions}[name]

    with Stubber(functions) as stubber:
        expected = {
            "FunctionName": arn,
            "InvocationType": "Event",
            "Payload": json.dumps({"Records": []}).encode(),
        }
        stubber.add_response("invoke", {"StatusCode": 202}, expected)
        assert redrive("local", Session()) == (0, 1)

    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    assert services


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


def test_one_run_walks_past_more_items_than_one_read_gives(services, put):
    receive(services, put, 3)
    services.bookmark.write(ITEMS, "")
    boto3.client("s3").delete_object(Bucket=services.media.bucket, Key="uploads/alice/0.wav")

    class Short:
        def __getattr__(self, name):
            return getattr(services.recordings, name)

        def page(self, *, cursor=None):
            return services.recordings.page(cursor=cursor, limit=1)

    findings = reconcile(replace(services, recordings=Short()))

    assert (findings.walked, findings.is_round) == (3, True)
