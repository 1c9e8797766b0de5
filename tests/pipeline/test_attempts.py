"""A job is given bytes, and an attempt has a name: no answer is taken for another's."""

import contextlib
from dataclasses import replace

import pytest
from support import video
from support.answers import answer_key, job_name, put_answer
from support.media import wav

from chalicelib.aws.sqs import LOOK
from chalicelib.core import keys
from chalicelib.core.recording import Branch, Status
from chalicelib.errors import JobRejectedError, RecordingNotFoundError, UploadChangedError
from chalicelib.pipeline import events, removal
from chalicelib.pipeline.reconciliation import reconcile
from chalicelib.pipeline.walk import WALK

KEY = "uploads/alice/my talk.wav"
HARD_KEY = "uploads/alice/100% süß + more/日本 (1).wav"
A, B = wav(f0_hz=220), wav(f0_hz=440)


def document(text: str) -> dict:
    item = {
        "type": "pronunciation",
        "start_time": "0.1",
        "end_time": "0.4",
        "alternatives": [{"confidence": "0.9", "content": text}],
    }
    return {"results": {"transcripts": [{"transcript": text}], "items": [item]}}


class Around:
    """A service of which a test changes something."""

    def __init__(self, service) -> None:
        self._service = service

    def __getattr__(self, name):
        return getattr(self._service, name)


class Running(Around):
    """Amazon Transcribe with jobs that run: none of them can be deleted."""

    def delete(self, name: str) -> None:
        """Refuse, as the service does, what the wrapper passes over."""


class Transcoder:
    """Takes jobs and remembers them. ``meanwhile`` happens while the first one is taken."""

    def __init__(self, meanwhile=None) -> None:
        self.requests: dict[str, dict] = {}
        self.canceled: list[str] = []
        self._meanwhile = meanwhile

    def start(self, request):
        job_id = f"{len(self.requests) + 1}-job"
        self.requests[job_id] = request
        meanwhile, self._meanwhile = self._meanwhile, None
        if meanwhile:
            meanwhile()
        return job_id

    def find(self, token):
        found = (i for i, r in self.requests.items() if r["ClientRequestToken"] == token)
        return next(found, None)

    def get(self, job_id):
        return {"Id": job_id, "Status": "PROGRESSING"}

    def cancel(self, job_id):
        self.canceled.append(job_id)


def complete(services, job_id: str) -> dict:
    """Write the files of a job, and return the detail of its event."""
    request = services.transcoder.requests[job_id]
    details = []
    for group in request["Settings"]["OutputGroups"]:
        base = group["OutputGroupSettings"]["FileGroupSettings"]["Destination"]
        (output,) = group["Outputs"]
        extension = output.get("Extension", output["ContainerSettings"]["Container"].lower())
        number = ".0000001" if extension == "jpg" else ""
        uri = f"{base}{number}.{extension}"
        services.results.write(uri.removeprefix(services.results.uri("")), wav())
        details.append({"outputDetails": [{"outputFilePaths": [uri], "durationInMs": 2000}]})
    return {
        "status": "COMPLETE",
        "jobId": job_id,
        "userMetadata": request["UserMetadata"],
        "outputGroupDetails": details,
    }


def media_of(services, recording_id: str) -> str:
    job = services.transcriber.find(job_name(services, recording_id))
    return job["Media"]["MediaFileUri"]


def state(services, recording_id: str, branch: Branch = Branch.TRANSCRIPTION) -> Status:
    return services.recordings.get(recording_id).status_of(branch)


@pytest.mark.parametrize("key", [KEY, HARD_KEY])
def test_a_job_reads_a_copy_that_nobody_can_change_at_an_address_of_plain_letters(
    services, put, key
):
    recording_id = put(key, A)

    events.receive_upload(key, services)
    address = media_of(services, recording_id).removeprefix(services.media.uri(""))
    put(key, B)

    assert services.media.read(address) == A
    assert set(address) <= set("abcdefghijklmnopqrstuvwxyz0123456789-/.")


def test_bytes_that_were_replaced_and_put_back_get_their_own_words(services, put):
    """Each job ends after other bytes have taken the place of its own, and none is deleted."""
    services = replace(services, transcriber=Running(services.transcriber))
    ids, answers = [], []
    for body in (A, B, A):
        ids.append(put(KEY, body))
        events.receive_upload(KEY, services)
        heard = services.media.read(
            media_of(services, ids[-1]).removeprefix(services.media.uri(""))
        )
        answers.append((answer_key(services, ids[-1]), "A" if heard == A else "B"))

    for key, text in answers:
        body = str(document(text)).replace("'", '"').encode()
        services.results.write(key, body)
        events.store_transcript(key, services)

    found = services.recordings.get(ids[0])
    assert ids[0] == ids[2]
    assert found.transcript.transcript == "A"
    assert services.recordings.find(ids[1]) is None
    assert services.results.keys(keys.JOBS) == set()


def test_the_same_bytes_put_twice_within_a_second_are_one_recording_without_a_wait(services, put):
    recording_id = put(KEY, A)
    events.receive_upload(KEY, services)
    put(KEY, A)
    events.receive_upload(KEY, services)

    events.store_transcript(put_answer(services, recording_id, document("hello")), services)

    assert state(services, recording_id) == Status.COMPLETED


def test_the_answer_of_an_earlier_attempt_is_deleted_and_not_stored(services, put):
    services = replace(services, transcriber=Running(services.transcriber))
    recording_id = put(KEY, A)
    events.receive_upload(KEY, services)
    first = put_answer(services, recording_id, document("old"))
    events.reprocess(services.recordings.get(recording_id), services)
    put_answer(services, recording_id, document("new"))
    services.results.write(first, b"{}")

    events.store_transcript(first, services)
    assert state(services, recording_id) == Status.IN_PROGRESS
    events.store_transcript(answer_key(services, recording_id), services)

    assert services.recordings.get(recording_id).transcript.transcript == "new"
    assert services.results.keys(keys.JOBS) == set()


def test_the_failure_of_an_earlier_attempt_changes_nothing(services, put):
    services = replace(services, transcriber=Running(services.transcriber))
    recording_id = put(KEY, A)
    events.receive_upload(KEY, services)
    first = job_name(services, recording_id)
    events.reprocess(services.recordings.get(recording_id), services)

    events.record_transcription_failure(first, services)

    assert state(services, recording_id) == Status.IN_PROGRESS


def test_a_video_reprocessed_while_its_job_is_taken_has_the_later_job(services, put):
    key = "uploads/bob/clip.mp4"
    recording_id = put(key, video.make())
    again = lambda: events.reprocess(services.recordings.get(recording_id), services)  # noqa: E731  # one line, used once
    services = replace(services, transcoder=Transcoder(again))

    events.receive_upload(key, services)

    found = services.recordings.get(recording_id)
    assert len(services.transcoder.requests) == 2
    assert found.renditions.job_id == "2-job"
    assert "1-job" in services.transcoder.canceled
    events.store_renditions(complete(services, "1-job"), services)
    assert state(services, recording_id, Branch.RENDITIONS) == Status.IN_PROGRESS
    events.store_renditions(complete(services, "2-job"), services)
    assert state(services, recording_id, Branch.RENDITIONS) == Status.COMPLETED
    made = services.results.keys(keys.RENDITIONS)
    assert {name.split("/")[2] for name in made} == {str(found.renditions.attempt)}


def test_a_video_removed_and_put_again_while_its_job_is_taken_has_the_later_job(
    account, services, put
):
    key, body = "uploads/bob/clip.mp4", video.make()
    recording_id = put(key, body)

    def remove_and_put_again():
        account.remove(key)
        events.remove_recording(key, services)
        put(key, body)
        events.receive_upload(key, services)

    services = replace(services, transcoder=Transcoder(remove_and_put_again))
    events.receive_upload(key, services)

    assert services.recordings.get(recording_id).renditions.job_id == "2-job"
    events.store_renditions(complete(services, "2-job"), services)
    assert state(services, recording_id, Branch.RENDITIONS) == Status.COMPLETED


def test_an_audio_track_that_a_late_clean_up_took_is_made_again(services, put, later):
    key = "uploads/bob/clip.mkv"
    recording_id = put(key, video.make("mkv"))
    services = replace(services, transcoder=Transcoder())
    events.receive_upload(key, services)
    detail = complete(services, "1-job")
    events.store_renditions(detail, services)
    # As a clean-up leaves it that was meant for the same bytes' earlier life.
    services.recordings.move(
        found := services.recordings.get(recording_id),
        Branch.TRANSCRIPTION,
        replace(found.transcription, status=Status.PENDING, job_id=None),
        unless=(Status.COMPLETED,),
    )
    services.results.remove(keys.RENDITIONS)

    events.store_renditions(detail, services)
    assert state(services, recording_id) == Status.PENDING
    reconcile(replace(later(hours=2), transcoder=services.transcoder)).raise_failures()
    events.store_renditions(complete(services, "2-job"), services)

    assert state(services, recording_id) == Status.IN_PROGRESS
    assert state(services, recording_id, Branch.RENDITIONS) == Status.COMPLETED


def test_a_recording_that_a_late_clean_up_took_from_the_index_is_found_again(services, put, later):
    recording_id = put(KEY, A)
    events.receive_upload(KEY, services)
    events.extract_features(recording_id, services)
    events.store_transcript(put_answer(services, recording_id, document("hello")), services)
    before = services.search_table.count(recording_id)
    services.search_table.remove(recording_id)

    reconcile(later(hours=2)).raise_failures()

    assert before > 0
    assert services.search_table.count(recording_id) == before


def test_an_upload_put_back_while_its_recording_is_deleted_has_a_recording_within_one_run(
    account, services, put
):
    recording_id = put(KEY, A)
    events.receive_upload(KEY, services)
    services_during = replace(services, recordings=PutBack(services.recordings, put))
    account.remove(KEY)

    account.take()

    events.remove_recording(KEY, services_during)
    assert services.recordings.get(recording_id).status == Status.PENDING
    assert {"recording_id": recording_id, "task": LOOK} in account.take()
    reconcile(services, pages=0).raise_failures()

    assert state(services, recording_id) == Status.IN_PROGRESS


class PutBack(Around):
    """The table, and somebody who puts the upload back just before its item is deleted."""

    def __init__(self, recordings, put) -> None:
        super().__init__(recordings)
        self._put = put

    def delete(self, recording_id: str) -> None:
        self._put(KEY, A)
        self._service.delete(recording_id)


def test_nothing_is_left_of_a_job_when_it_has_answered(services, put):
    recording_id = put(KEY, A)
    events.receive_upload(KEY, services)
    assert len(services.media.keys(keys.JOBS)) == 1

    events.store_transcript(put_answer(services, recording_id, document("hello")), services)

    assert services.media.keys(keys.JOBS) == set()


def test_what_is_left_of_the_jobs_of_no_recording_goes_with_the_walk(services):
    services.results.write("jobs/earshot-local-a-wav-0123456789ab-t1/transcript.json", b"{}")

    reconcile(services, pages=len(WALK)).raise_failures()

    assert services.results.keys(keys.JOBS) == set()


def test_redacted_and_unredacted_transcripts_are_published_and_the_redacted_is_indexed(
    services, put
):
    options = replace(
        services.settings.transcription,
        redaction="redacted_and_unredacted",
        subtitles=("srt", "vtt"),
    )
    services = replace(services, settings=replace(services.settings, transcription=options))
    recording_id = put(KEY, A)
    events.receive_upload(KEY, services)
    folder = f"jobs/{job_name(services, recording_id)}"
    redacted = str(document("PII")).replace("'", '"').encode()
    services.results.write(f"{folder}/redacted-transcript.json", redacted)

    events.store_transcript(f"{folder}/redacted-transcript.json", services)
    services.results.write(f"{folder}/transcript.json", b"whole")
    events.store_transcript(f"{folder}/transcript.json", services)

    found = services.recordings.get(recording_id)
    assert found.transcript.transcript == "PII"
    assert services.results.read(keys.redacted_transcript(recording_id)) == redacted
    assert services.results.read(keys.transcript(recording_id)) == b"whole"
    assert b"PII" in services.results.read(found.transcript.subtitles_srt_key)
    assert services.results.read(found.transcript.subtitles_vtt_key).startswith(b"WEBVTT")
    assert services.results.keys(keys.JOBS) == set()


def test_a_copy_is_of_exactly_the_bytes_of_an_upload(services, put):
    put(KEY, A)
    upload = services.media.find(KEY)
    services.media.copy_upload(upload, "jobs/a/input.wav")
    assert services.media.read("jobs/a/input.wav") == A
    put(KEY, B)

    with pytest.raises(UploadChangedError):
        services.media.copy_upload(upload, "jobs/b/input.wav")

    assert services.media.read("jobs/b/input.wav") is None


def test_a_recording_made_again_draws_a_greater_number(services, put, later):
    recording_id = put(KEY, A)
    events.receive_upload(KEY, services)
    first = services.recordings.get(recording_id)

    removal.delete_outputs_jobs_and_item(first, services)
    events.receive_upload(KEY, later(milliseconds=10))

    assert services.recordings.get(recording_id).transcription.attempt > first.transcription.attempt


class Blind(Around):
    """A bucket of which a clean-up has not seen the newest upload yet."""

    def find(self, key: str) -> None:
        """Find nothing."""


def test_an_upload_that_is_put_after_a_clean_up_has_looked_keeps_its_recording(services, put):
    recording_id = put(KEY, A)
    events.receive_upload(KEY, services)

    events.remove_recording(KEY, replace(services, media=Blind(services.media)))

    assert state(services, recording_id) == Status.IN_PROGRESS


class Refusing(Around):
    """Amazon Transcribe, which refuses every job."""

    def start(self, request):  # noqa: ARG002  # it looks at nothing
        raise JobRejectedError("The S3 object cannot be read")


def test_what_transcribe_refuses_once_is_tried_once_more(services, put, later):
    """It also refuses an object that is missing for a moment only."""
    recording_id = put(KEY, A)
    events.receive_upload(KEY, replace(services, transcriber=Refusing(services.transcriber)))
    assert state(services, recording_id) == Status.FAILED

    reconcile(later(hours=2)).raise_failures()

    assert state(services, recording_id) == Status.IN_PROGRESS


def test_the_job_of_a_recording_that_is_removed_while_it_is_taken_is_canceled(services, put):
    key = "uploads/bob/clip.mp4"
    recording_id = put(key, video.make())
    transcoder = Transcoder(lambda: services.recordings.delete(recording_id))

    with contextlib.suppress(RecordingNotFoundError):
        events.receive_upload(key, replace(services, transcoder=transcoder))

    assert transcoder.canceled == ["1-job"]


def test_an_event_of_another_job_of_the_attempt_changes_nothing(services, put):
    key = "uploads/bob/clip.mp4"
    recording_id = put(key, video.make())
    services = replace(services, transcoder=Transcoder())
    events.receive_upload(key, services)

    other = complete(services, "1-job") | {"jobId": "other", "status": "ERROR"}
    events.store_renditions(other, services)

    assert state(services, recording_id, Branch.RENDITIONS) == Status.IN_PROGRESS


class Changing(Around):
    """A bucket whose upload is replaced while it is read, and then put back."""

    def open(self, upload):
        raise UploadChangedError(upload.key)


def test_an_upload_that_is_put_back_while_it_is_measured_is_measured_again(account, services, put):
    recording_id = put(KEY, A)
    events.receive_upload(KEY, services)
    account.take()

    events.extract_features(recording_id, replace(services, media=Changing(services.media)))

    assert account.take() == [{"recording_id": recording_id}]
    events.extract_features(recording_id, services)
    assert state(services, recording_id, Branch.FEATURES) == Status.COMPLETED
