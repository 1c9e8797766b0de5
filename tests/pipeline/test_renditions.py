"""The work on a video: one job, its renditions, the audio track, and one notice."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from support import video
from support.answers import job_name, put_answer
from support.media import wav

from chalicelib.core import keys
from chalicelib.core.recording import MOST_REMADE, Branch, Status
from chalicelib.core.recording_item import flat
from chalicelib.errors import JobRejectedError
from chalicelib.pipeline import events
from chalicelib.pipeline.notices import CLAIM_LASTS, announce
from chalicelib.pipeline.reconciliation import reconcile

KEY = "uploads/alice/clip.mp4"
UNKNOWN_CAUSE = 1999


class FakeTranscoder:
    """Takes jobs and remembers them; a test chooses how each one ends."""

    def __init__(self):
        self.requests: dict[str, dict] = {}
        self.canceled: list[str] = []

    def start(self, request):
        job_id = f"{len(self.requests) + 1}-job"
        self.requests[job_id] = request
        return job_id

    def find(self, token):
        found = (i for i, r in self.requests.items() if r["ClientRequestToken"] == token)
        return next(found, None)

    def cancel(self, job_id):
        self.canceled.append(job_id)


class Refusing(FakeTranscoder):
    def start(self, request):  # noqa: ARG002  # a refusal looks at nothing
        raise JobRejectedError("You have too many queues")


class Dying(FakeTranscoder):
    """Starts the job, and its caller ends before it hears of it."""

    def start(self, request):
        super().start(request)
        raise ConnectionError


@pytest.fixture
def services(services):
    return replace(services, transcoder=FakeTranscoder())


@pytest.fixture
def inbox(account):
    """Return the function that takes the notices of the topic."""
    topic = account.settings.notices_topic_arn

    def read() -> list[dict]:
        found = [one for one in account.messages.notices if one["TopicArn"] == topic]
        account.messages.notices.clear()
        return found

    return read


def queued(account) -> int:
    return len(account.messages.waiting)


def transcription_of(account, recording_id: str) -> dict:
    return account.job(job_name(account.services, recording_id)).request


def write(services, key: str, body: bytes = b"made") -> None:
    services.results.write(key, body)


def completed(services, recording_id: str, job_id: str = "1-job", audio: bytes = b"") -> dict:
    """Write what a job writes, and return the detail of its event."""
    request = services.transcoder.requests[job_id]
    groups = []
    for group in request["Settings"]["OutputGroups"]:
        base = group["OutputGroupSettings"]["FileGroupSettings"]["Destination"]
        preset = next(
            p for p in services.settings.ladder.presets if p.stem == base.rpartition("/")[2]
        )
        is_still = preset.codec == "FRAME_CAPTURE"
        extension = preset.file.rpartition(".")[2]
        numbers = [".0000000", ".0000001"] if is_still else [""]
        for number in numbers:
            key = f"{base.removeprefix(services.results.uri(''))}{number}.{extension}"
            write(services, key, audio if audio and preset.codec == "MP3" else number.encode())
        output = {"outputFilePaths": [f"{base}{numbers[-1]}.{extension}"], "durationInMs": 2000}
        if preset.has_picture:
            output["videoDetails"] = {"widthInPx": 320, "heightInPx": 240}
        groups.append({"outputDetails": [output], "type": "FILE_GROUP"})
    told = event(services, recording_id, "COMPLETE", job_id)
    return told | {"outputGroupDetails": groups}


def failed(services, recording_id: str, job_id: str = "1-job", code: int = UNKNOWN_CAUSE) -> dict:
    """Return the detail of the event of a job that has failed with one of MediaConvert's codes."""
    return event(services, recording_id, "ERROR", job_id) | {"errorCode": code}


def event(services, recording_id: str, status: str, job_id: str = "1-job") -> dict:
    requests = services.transcoder.requests
    older = {"UserMetadata": {"recording_id": recording_id, "attempt": "1"}}
    metadata = requests.get(job_id, older)["UserMetadata"]
    return {"status": status, "jobId": job_id, "userMetadata": metadata}


def transcribe(services, recording_id: str) -> None:
    document = {"results": {"transcripts": [{"transcript": ""}], "items": []}}
    events.store_transcript(put_answer(services, recording_id, document), services)


def folder(services, recording_id: str) -> str:
    """Return where the latest attempt's renditions are."""
    return f"renditions/{recording_id}/{services.recordings.get(recording_id).renditions.attempt}"


def statuses(services, recording_id: str) -> tuple[str, ...]:
    return tuple(services.recordings.get(recording_id).statuses.values())


@pytest.mark.parametrize("extension", ["mp4", "MP4", "webm", "mov", "mkv"])
def test_a_video_starts_one_job_however_often_its_event_comes(services, put, extension):
    key = f"uploads/alice/clip.{extension}"
    recording_id = put(key, video.make(extension.lower()))

    for _ in range(3):
        events.receive_upload(key, services)

    (request,) = services.transcoder.requests.values()
    assert request["UserMetadata"]["recording_id"] == recording_id
    found = services.recordings.get(recording_id)
    assert found.status_of(Branch.RENDITIONS) == Status.IN_PROGRESS
    assert flat(found)["renditions_job_id"] == "1-job"


@pytest.mark.parametrize("extension", ["mp4", "webm"])
def test_transcribe_is_given_what_it_takes_itself(account, services, put, extension):
    key = f"uploads/alice/clip.{extension}"
    recording_id = put(key, video.make(extension))

    events.receive_upload(key, services)

    job = transcription_of(account, recording_id)
    copied = f"jobs/{job_name(services, recording_id)}/input.{extension}"
    assert job["Media"]["MediaFileUri"] == services.media.uri(copied)
    assert job["MediaFormat"] == extension


@pytest.mark.parametrize("extension", ["mov", "mkv"])
def test_for_other_containers_it_waits_for_the_audio_track(account, services, put, extension):
    key = f"uploads/alice/clip.{extension}"
    recording_id = put(key, video.make(extension))
    events.receive_upload(key, services)
    assert statuses(services, recording_id) == ("PENDING", "PENDING", "IN_PROGRESS")

    events.store_renditions(completed(services, recording_id), services)

    job = transcription_of(account, recording_id)
    assert job["Media"]["MediaFileUri"].endswith(f"{folder(services, recording_id)}/audio.mp3")
    assert job["MediaFormat"] == "mp3"
    assert statuses(services, recording_id) == ("IN_PROGRESS", "PENDING", "COMPLETED")


def test_the_item_lists_each_rendition_with_its_size_and_duration(services, put):
    recording_id = put(KEY, video.make())
    events.receive_upload(KEY, services)

    events.store_renditions(completed(services, recording_id), services)

    found = flat(services.recordings.get(recording_id))
    assert found["poster_key"] == f"{folder(services, recording_id)}/poster.jpg"
    assert found["rendition_files"]["web"] == {
        "key": f"{folder(services, recording_id)}/web.mp4",
        "size": 0,
        "width": 320,
        "height": 240,
        "duration_s": 2,
    }
    assert found["rendition_files"].keys() == {"web", "phone", "audio", "gif", "poster"}


def test_the_preview_of_a_long_video_runs_for_seconds(account, services, put):
    recording_id = put(KEY, video.make())
    events.receive_upload(KEY, services)
    complete = completed(services, recording_id)
    write(services, f"{folder(services, recording_id)}/preview.gif", video.gif(20, Fraction(1, 60)))

    for _ in range(2):
        events.store_renditions(complete, services)

    told = flat(services.recordings.get(recording_id))["rendition_files"]["gif"]
    assert told["duration_s"] == pytest.approx(2.4)
    head = account.s3.head_object(Bucket=services.results.bucket, Key=told["key"])
    assert head["ContentType"] == "image/gif"
    assert head["ContentLength"] == told["size"]


def test_the_second_captured_frame_becomes_the_poster_and_no_other_stays(services, put):
    recording_id = put(KEY, video.make())
    events.receive_upload(KEY, services)

    events.store_renditions(completed(services, recording_id), services)

    (poster,) = services.results.keys(f"{folder(services, recording_id)}/poster")
    assert poster.endswith("/poster.jpg")
    assert services.results.read(poster) == b".0000001"


def test_a_video_too_short_for_a_second_frame_has_the_first_as_its_poster(services, put):
    recording_id = put(KEY, video.make(duration_s=1))
    events.receive_upload(KEY, services)
    complete = completed(services, recording_id)
    services.results.remove(f"{folder(services, recording_id)}/poster.0000001")

    events.store_renditions(complete, services)

    assert services.results.read(f"{folder(services, recording_id)}/poster.jpg") == b".0000000"


def test_a_silent_video_is_done_with_its_renditions_alone(account, services, put):
    recording_id = put(KEY, video.make(sound=False))
    events.receive_upload(KEY, services)
    found = services.recordings.get(recording_id)
    assert flat(found)["transcription_reason"] == "The video has no sound."
    assert flat(found)["features_reason"] == "The video has no sound."

    events.store_renditions(completed(services, recording_id), services)

    found = services.recordings.get(recording_id)
    assert statuses(services, recording_id) == ("SKIPPED", "SKIPPED", "COMPLETED")
    assert found.status == Status.COMPLETED
    assert flat(found)["duration_s"] == 2
    assert "audio" not in flat(found)["rendition_files"]
    assert queued(account) == 0


def test_sound_without_a_picture_is_treated_as_audio(services, put):
    recording_id = put(KEY, video.make(size=None))

    events.receive_upload(KEY, services)

    assert statuses(services, recording_id) == ("IN_PROGRESS", "PENDING", "SKIPPED")
    assert services.transcoder.requests == {}


def test_sound_that_transcribe_cannot_read_gets_an_audio_track_alone(account, services, put):
    key = "uploads/alice/sound.mkv"
    recording_id = put(key, video.make("mkv", size=None))
    events.receive_upload(key, services)

    events.store_renditions(completed(services, recording_id), services)

    found = services.recordings.get(recording_id)
    assert flat(found)["rendition_files"].keys() == {"audio"}
    assert transcription_of(account, recording_id)["MediaFormat"] == "mp3"


BAD_INPUT = {"errorCode": 1040, "errorMessage": "Bad input"}


def test_a_failed_job_is_told_with_its_code_and_message(services, put):
    recording_id = put(KEY, video.make())
    events.receive_upload(KEY, services)

    events.store_renditions(event(services, recording_id, "ERROR") | BAD_INPUT, services)

    found = services.recordings.get(recording_id)
    assert statuses(services, recording_id) == ("IN_PROGRESS", "PENDING", "FAILED")
    assert flat(found)["renditions_reason"] == "MediaConvert failed with code 1040: Bad input."


@pytest.mark.parametrize("extension", ["mov", "mkv"])
def test_a_video_whose_ladder_fails_is_transcribed_from_its_audio_track(
    account, services, put, extension
):
    key = f"uploads/alice/clip.{extension}"
    recording_id = put(key, video.make(extension))
    events.receive_upload(key, services)
    failed = event(services, recording_id, "ERROR") | BAD_INPUT

    for _ in range(2):
        events.store_renditions(failed, services)
        events.extract_features(recording_id, services)
    events.store_renditions(completed(services, recording_id, "2-job"), services)

    found = services.recordings.get(recording_id)
    assert len(services.transcoder.requests) == 2
    assert statuses(services, recording_id) == ("IN_PROGRESS", "COMPLETED", "COMPLETED")
    assert set(found.rendered.rendition_files) == {"audio"}
    assert found.renditions.reason == (
        "MediaConvert failed with code 1040: Bad input. The audio track is made alone."
    )
    assert transcription_of(account, recording_id)["MediaFormat"] == "mp3"


def test_reconcile_makes_the_audio_track_if_the_message_for_it_is_lost(services, put):
    key = "uploads/alice/clip.mov"
    recording_id = put(key, video.make("mov"))
    events.receive_upload(key, services)
    events.store_renditions(event(services, recording_id, "ERROR") | BAD_INPUT, services)

    reconcile(services)

    assert statuses(services, recording_id)[2] == "IN_PROGRESS"
    (only,) = services.transcoder.requests["2-job"]["Settings"]["OutputGroups"]
    assert only["CustomName"] == "audio"


def test_if_the_audio_track_fails_too_the_transcription_fails_with_the_code(services, put):
    key = "uploads/alice/clip.mov"
    recording_id = put(key, video.make("mov"))
    events.receive_upload(key, services)
    events.store_renditions(event(services, recording_id, "ERROR") | BAD_INPUT, services)
    events.extract_features(recording_id, services)

    events.store_renditions(event(services, recording_id, "ERROR", "2-job") | BAD_INPUT, services)

    found = services.recordings.get(recording_id)
    assert statuses(services, recording_id) == ("FAILED", "COMPLETED", "FAILED")
    assert len(services.transcoder.requests) == 2
    assert "1040" in found.transcription.reason


def test_sound_whose_only_job_fails_is_not_asked_for_again(services, put):
    key = "uploads/alice/sound.mkv"
    recording_id = put(key, video.make("mkv", size=None))
    events.receive_upload(key, services)

    events.store_renditions(event(services, recording_id, "ERROR") | BAD_INPUT, services)

    assert statuses(services, recording_id) == ("FAILED", "PENDING", "FAILED")


def test_reprocessing_makes_the_whole_ladder_again(services, put):
    key = "uploads/alice/clip.mov"
    recording_id = put(key, video.make("mov"))
    events.receive_upload(key, services)
    events.store_renditions(event(services, recording_id, "ERROR") | BAD_INPUT, services)

    events.reprocess(services.recordings.get(recording_id), services)

    ladder = services.transcoder.requests["1-job"]["Settings"]["OutputGroups"]
    again = services.transcoder.requests["2-job"]["Settings"]["OutputGroups"]
    assert [one["CustomName"] for one in again] == [one["CustomName"] for one in ladder]


def test_a_job_that_is_canceled_every_time_is_a_failure_that_says_so(services, put):
    recording_id = put(KEY, video.make())
    events.receive_upload(KEY, services)

    for number in range(1, MOST_REMADE + 2):
        events.store_renditions(
            event(services, recording_id, "CANCELED", f"{number}-job"), services
        )
        if number <= MOST_REMADE:
            assert statuses(services, recording_id)[2] == "PENDING"
            events.resume(services.recordings.get(recording_id), services)

    found = services.recordings.get(recording_id)
    assert found.status_of(Branch.RENDITIONS) == Status.FAILED
    assert flat(found)["renditions_reason"] == "The MediaConvert job was canceled."


def test_a_job_that_a_clean_up_canceled_leaves_the_retry_for_a_failure(services, put, later):
    """Seed 82,647: a reprocessing was interrupted when it had canceled the job."""
    recording_id = put(KEY, video.make())
    events.receive_upload(KEY, services)
    events.store_renditions(event(services, recording_id, "CANCELED"), services)
    reconcile(later(hours=2)).raise_failures()
    assert statuses(services, recording_id)[2] == "IN_PROGRESS"

    events.store_renditions(failed(services, recording_id, "2-job"), services)

    assert services.recordings.get(recording_id).renditions.is_worth_a_retry
    reconcile(later(hours=4)).raise_failures()
    assert statuses(services, recording_id)[2] == "IN_PROGRESS"


def test_events_in_reverse_and_twice_leave_the_same_item(services, put, inbox):
    recording_id = put(KEY, video.make(sound=False))
    events.receive_upload(KEY, services)
    complete = completed(services, recording_id)
    events.store_renditions(complete, services)
    before = services.recordings.get(recording_id)

    for detail in (complete, event(services, recording_id, "ERROR"), complete):
        events.store_renditions(detail, services)
    events.receive_upload(KEY, services)

    assert services.recordings.get(recording_id) == before
    assert len(services.transcoder.requests) == 1
    assert len(inbox()) == 1


def test_an_event_that_outruns_the_note_of_its_job_is_not_lost(services, put):
    recording_id = put(KEY, video.make(sound=False))

    class Hasty(FakeTranscoder):
        def start(self, request):
            job_id = super().start(request)
            events.store_renditions(completed(services, recording_id, job_id), services)
            return job_id

    services = replace(services, transcoder=Hasty())
    events.receive_upload(KEY, services)

    assert statuses(services, recording_id) == ("SKIPPED", "SKIPPED", "COMPLETED")


def test_an_event_of_an_older_job_changes_nothing(services, put):
    recording_id = put(KEY, video.make())
    events.receive_upload(KEY, services)

    events.store_renditions(event(services, recording_id, "ERROR", "0-older"), services)

    assert statuses(services, recording_id)[2] == "IN_PROGRESS"


def test_renditions_of_what_is_gone_are_removed(account, services, put):
    recording_id = put(KEY, video.make())
    events.receive_upload(KEY, services)
    account.remove(KEY)
    events.remove_recording(KEY, services)

    events.store_renditions(completed(services, recording_id), services)

    assert account.objects() == set()
    assert services.transcoder.canceled == ["1-job"]


@pytest.mark.parametrize("detail", [{}, {"userMetadata": {}}, {"userMetadata": {"x": "y"}}])
def test_somebody_elses_job_is_none_of_ours(services, detail):
    events.store_renditions(detail | {"status": "COMPLETE"}, services)

    assert services.recordings.page() == ([], None)


def test_a_job_whose_starter_died_is_found_and_not_started_again(services, put):
    recording_id = put(KEY, video.make())
    services = replace(services, transcoder=Dying())
    with pytest.raises(ConnectionError):
        events.receive_upload(KEY, services)

    events.receive_upload(KEY, services)

    assert len(services.transcoder.requests) == 1
    assert flat(services.recordings.get(recording_id))["renditions_job_id"] == "1-job"


def test_a_refused_job_fails_with_the_services_words(services, put):
    recording_id = put(KEY, video.make())

    events.receive_upload(KEY, replace(services, transcoder=Refusing()))

    found = services.recordings.get(recording_id)
    assert found.status_of(Branch.RENDITIONS) == Status.FAILED
    assert "too many queues" in found.reason
    assert found.status_of(Branch.TRANSCRIPTION) == Status.IN_PROGRESS


class Particular(FakeTranscoder):
    """A transcoder that refuses every job with pictures."""

    def start(self, request):
        outputs = request["Settings"]["OutputGroups"]
        if any("VideoDescription" in out for group in outputs for out in group["Outputs"]):
            raise JobRejectedError("the bitrate is too high")
        return super().start(request)


@pytest.mark.parametrize("extension", ["mov", "mkv"])
def test_a_video_whose_ladder_is_refused_is_transcribed_from_its_audio_track(
    account, services, put, extension
):
    key = f"uploads/alice/clip.{extension}"
    services = replace(services, transcoder=Particular())
    recording_id = put(key, video.make(extension))

    for _ in range(2):
        events.receive_upload(key, services)
    events.store_renditions(completed(services, recording_id), services)

    found = services.recordings.get(recording_id)
    assert statuses(services, recording_id) == ("IN_PROGRESS", "PENDING", "COMPLETED")
    assert set(found.rendered.rendition_files) == {"audio"}
    assert found.renditions.reason == (
        "The renditions cannot be made: the bitrate is too high. The audio track is made alone."
    )
    assert transcription_of(account, recording_id)["MediaFormat"] == "mp3"


def test_if_the_audio_track_is_refused_too_the_transcription_fails_with_the_reason(services, put):
    recording_id = put("uploads/alice/clip.mov", video.make("mov"))

    events.receive_upload("uploads/alice/clip.mov", replace(services, transcoder=Refusing()))

    assert statuses(services, recording_id) == ("FAILED", "PENDING", "FAILED")
    assert "too many queues" in services.recordings.get(recording_id).transcription.reason


def test_a_picture_too_small_fails_and_the_sound_goes_on(services, put):
    recording_id = put(KEY, video.make(size=(16, 16)))

    events.receive_upload(KEY, services)

    assert statuses(services, recording_id) == ("IN_PROGRESS", "PENDING", "FAILED")


def test_without_a_role_there_are_no_renditions_and_nothing_waits(services, put):
    settings = replace(services.settings, mediaconvert_role_arn="")
    recording_id = put("uploads/alice/clip.mov", video.make("mov"))

    events.receive_upload("uploads/alice/clip.mov", replace(services, settings=settings))

    assert statuses(services, recording_id) == ("FAILED", "PENDING", "SKIPPED")


def undecodable() -> bytes:
    """Return a video whose index is whole and whose sound is no sound."""
    return video.make().replace(b"mp4a", b"xxxx").replace(b"esds", b"zzzz")


def test_features_come_from_the_audio_track_where_the_upload_cannot_be_decoded(
    account, services, put
):
    recording_id = put(KEY, undecodable())
    events.receive_upload(KEY, services)
    events.extract_features(recording_id, services)
    assert statuses(services, recording_id)[1] == "PENDING"
    before = queued(account)

    events.store_renditions(completed(services, recording_id, audio=wav(2.0)), services)
    assert queued(account) == before + 1
    events.extract_features(recording_id, services)

    found = services.recordings.get(recording_id)
    assert found.status_of(Branch.FEATURES) == Status.COMPLETED
    assert flat(found)["measured_key"] == f"{folder(services, recording_id)}/audio.mp3"
    assert flat(found)["duration_s"] == 2


def test_features_fail_with_the_uploads_reason_where_no_audio_track_came(services, put):
    recording_id = put(KEY, undecodable())
    events.receive_upload(KEY, services)
    events.extract_features(recording_id, services)

    events.store_renditions(event(services, recording_id, "ERROR"), services)
    events.extract_features(recording_id, services)

    assert statuses(services, recording_id)[1:] == ("FAILED", "FAILED")


@pytest.mark.parametrize(("code", "is_tried_again"), [(UNKNOWN_CAUSE, True), (1010, False)])
def test_a_transcription_without_its_audio_track_is_tried_again_if_the_renditions_are(
    services, put, code, is_tried_again
):
    key = "uploads/alice/sound.mkv"
    recording_id = put(key, video.make("mkv", size=None))
    events.receive_upload(key, services)

    events.store_renditions(failed(services, recording_id, code=code), services)

    recording = services.recordings.get(recording_id)
    assert recording.transcription.status == Status.FAILED
    assert recording.renditions.is_worth_a_retry == is_tried_again
    assert recording.transcription.is_worth_a_retry == is_tried_again


def test_one_notice_tells_that_a_recording_is_done(services, put, inbox):
    recording_id = put("uploads/alice/a.wav", wav())
    events.receive_upload("uploads/alice/a.wav", services)
    events.extract_features(recording_id, services)
    assert inbox() == []

    transcribe(services, recording_id)
    transcribe(services, recording_id)
    events.extract_features(recording_id, services)

    (message,) = inbox()
    assert message["Subject"] == "Earshot: a.wav is done"
    assert message["MessageAttributes"]["event"]["StringValue"] == "done"
    assert message["MessageAttributes"]["owner"]["StringValue"] == "alice"
    assert message["Message"]["recording_id"] == recording_id


def test_one_notice_tells_that_something_failed_however_much_did(services, put, inbox):
    recording_id = put("uploads/alice/notes.txt", b"hello")

    events.receive_upload("uploads/alice/notes.txt", services)
    events.receive_upload("uploads/alice/notes.txt", services)

    (message,) = inbox()
    assert message["MessageAttributes"]["event"]["StringValue"] == "failed"
    assert "not supported" in message["Message"]["reason"]
    assert services.recordings.get(recording_id).status == Status.FAILED


class Deaf:
    """A topic that cannot be reached, once."""

    def __init__(self, notices):
        self.notices = notices
        self.refusals = 1
        self.published = []

    def publish(self, notice):
        if self.refusals:
            self.refusals -= 1
            raise ConnectionError
        self.published.append(notice)


def test_a_notice_that_could_not_be_sent_is_sent_by_the_retry(services, put):
    services = replace(services, notices=Deaf(services.notices))
    put("uploads/alice/notes.txt", b"hello")
    with pytest.raises(ConnectionError):
        events.receive_upload("uploads/alice/notes.txt", services)

    events.receive_upload("uploads/alice/notes.txt", services)
    events.receive_upload("uploads/alice/notes.txt", services)

    assert len(services.notices.published) == 1


def test_a_notice_whose_sender_died_is_sent_once_the_sender_cannot_be_alive(
    account, services, put, inbox
):
    recording_id = put("uploads/alice/notes.txt", b"hello")
    events.receive_upload("uploads/alice/notes.txt", services)
    assert len(inbox()) == 1
    # As a process leaves it that is killed between claiming and sending.
    account.table.update_item(
        Key={"JsonFile": keys.transcript(recording_id)},
        UpdateExpression="SET notice_failed_claimed_at = :now REMOVE notice_failed_sent_at",
        ExpressionAttributeValues={":now": datetime.now(UTC).isoformat()},
    )
    recording = services.recordings.get(recording_id)

    announce(recording, services)
    assert inbox() == []
    later = datetime.now(UTC) + CLAIM_LASTS + timedelta(seconds=1)
    announce(recording, replace(services, clock=lambda: later))
    announce(recording, replace(services, clock=lambda: later))

    assert len(inbox()) == 1


def test_failures_go_to_a_topic_of_their_own_where_there_is_one(account, put):
    other = "arn:aws:sns:us-east-1:1:failures"
    services = account.connect(FAILURES_TOPIC_ARN=other)
    put("uploads/alice/notes.txt", b"hello")

    events.receive_upload("uploads/alice/notes.txt", services)

    assert [one["TopicArn"] for one in account.messages.notices] == [other]


def test_without_a_topic_nothing_is_sent(account, services, put):
    services = account.connect(NOTICES_TOPIC_ARN="")
    recording_id = put("uploads/alice/notes.txt", b"hello")

    events.receive_upload("uploads/alice/notes.txt", services)

    assert services.recordings.get(recording_id).status == Status.FAILED


def test_what_was_lost_and_fails_when_it_is_made_again_is_tried_again(services, put):
    recording_id = put("uploads/alice/sound.mkv", video.make("mkv", size=None))
    events.receive_upload("uploads/alice/sound.mkv", services)
    lost = completed(services, recording_id)
    services.results.remove(f"{folder(services, recording_id)}/")
    events.store_renditions(lost, services)
    assert statuses(services, recording_id)[2] == "PENDING"
    events.resume(services.recordings.get(recording_id), services)

    events.store_renditions(failed(services, recording_id, "2-job"), services)

    assert services.recordings.get(recording_id).renditions.is_worth_a_retry


def audio_track_tried_again(services, put, later):
    """Return the id of a recording whose audio track failed once and is made again."""
    recording_id = put("uploads/alice/sound.mkv", video.make("mkv", size=None))
    events.receive_upload("uploads/alice/sound.mkv", services)
    events.store_renditions(failed(services, recording_id), services)
    reconcile(later(hours=2)).raise_failures()
    return recording_id


def test_a_transcription_that_failed_with_its_audio_track_keeps_its_own_retry(
    account, services, put, later
):
    recording_id = audio_track_tried_again(services, put, later)

    events.store_renditions(completed(services, recording_id, "2-job"), services)
    name = services.recordings.get(recording_id).transcription.job_id
    job = account.job(name)
    job.status, job.reason = "FAILED", "Internal failure."
    events.record_transcription_failure(name, services)

    assert services.recordings.get(recording_id).transcription.is_worth_a_retry


def test_a_transcription_fails_for_good_with_its_audio_track(services, put, later):
    recording_id = audio_track_tried_again(services, put, later)

    events.store_renditions(failed(services, recording_id, "2-job"), services)

    recording = services.recordings.get(recording_id)
    assert statuses(services, recording_id)[::2] == ("FAILED", "FAILED")
    assert not any(recording.state(branch).is_worth_a_retry for branch in Branch)
