"""What happens for each event: read, compute, write.

What is in the bucket decides, not the order of arrival. An event only says "look": every function
asks what is in the bucket now, and works out from that which recording it is about, so events may
come twice, late, in any order, or not at all:

* what lies under an upload key is the recording, and whatever was made of other bytes goes;
* a result is kept if its upload is still what it was made of, and removed if it is not;
* what was done is not undone by what comes late, and what was removed is not brought back;
* what no event has brought about, ``reconcile`` does.

Raising means "try again"; what no retry can cure is written on the recording instead.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from chalicelib.core import keys
from chalicelib.core.audio.formats import HEAD_BYTES
from chalicelib.core.jobs import mediaconvert_events
from chalicelib.core.probe import formats, limits
from chalicelib.core.probe.contents import Contents
from chalicelib.core.recording import Branch, Recording, Status, Upload
from chalicelib.errors import RecordingNotFoundError, ServiceBusyError, UploadChangedError
from chalicelib.pipeline.branches import (
    DONE,
    ENDED,
    fail,
    may_be_of_others,
    settle,
    upload_of,
)
from chalicelib.pipeline.features import measure
from chalicelib.pipeline.notices import announce
from chalicelib.pipeline.removal import remove_everything, remove_made, remove_results
from chalicelib.pipeline.renditions import (
    contents_of,
    presets_for,
    settle_renditions,
    start_renditions,
)
from chalicelib.pipeline.transcription import settle_failure, settle_transcript, start_transcription
from chalicelib.pipeline.words import join_words

if TYPE_CHECKING:
    from chalicelib.services import Services

ATTEMPTS = 5
"""How often a message is received before it is put aside: ``maxReceiveCount`` of the queue."""

RETRY_AFTER_S = 60
"""How soon a message comes back whose measuring has failed once; then twice as late each time."""

NO_PICTURE = "Renditions are made of video."
NO_SOUND = "The video has no sound."


def receive_upload(key: str, services: "Services") -> None:
    """Create the recording of what lies under an upload key, and start its branches.

    Safe to repeat: the item is created once, and what has been started is met, not started again.
    """
    upload = services.media.find(key)
    if upload is None or upload.is_folder:
        return
    services.recordings.create(Recording.of(upload, created_at=services.clock().isoformat()))
    _remove_others(key, upload, services)
    try:
        _start(services.recordings.get(upload.recording_id), upload, services)
        announce(upload.recording_id, services)
    except ServiceBusyError:
        _ask_again_soon(upload.recording_id, services)
    except (UploadChangedError, RecordingNotFoundError):
        # Whoever replaced or removed it has sent an event of their own, but what was started
        # here may be younger than the clean-up that followed it.
        remove_everything(upload.recording_id, services)


def _ask_again_soon(recording_id: str, services: "Services") -> None:
    """Have reconcile start what is PENDING: so a quota is waited out, and no event is given up."""
    services.watchlist.put_off(recording_id, services.clock())


def reprocess(recording: Recording, services: "Services") -> Recording:
    """Make everything that is made of a recording anew. Safe to repeat.

    Raise RecordingNotFoundError if its upload is gone.
    """
    upload = services.media.find_source(recording)
    if upload is None:
        raise RecordingNotFoundError(recording.id)
    remove_made(recording.id, services)
    services.recordings.restart(recording.id, upload)
    receive_upload(recording.source_key, services)
    return services.recordings.get(recording.id)


def _start(recording: Recording, upload: Upload, services: "Services") -> None:
    head = services.media.read_head(upload, HEAD_BYTES)
    media_format, reason = formats.media_format(upload.key, head)
    # The size is known without a look into the file, which may be full of headers.
    reason = reason or limits.refusal(upload.size, Contents())
    contents = (
        contents_of(upload, media_format, services) if media_format and not reason else Contents()
    )
    reason = reason or limits.refusal(upload.size, contents)
    if media_format is None or reason:
        may_show = contents.picture or media_format in formats.CONTAINERS
        none_made = reason if may_show else NO_PICTURE
        settle(recording.id, Branch.RENDITIONS, Status.SKIPPED, services, reason=none_made)
        for branch in (Branch.TRANSCRIPTION, Branch.FEATURES):
            settle(recording.id, branch, Status.FAILED, services, reason=reason)
        return
    if contents.picture and not contents.has_sound:
        for branch in (Branch.TRANSCRIPTION, Branch.FEATURES):
            settle(recording.id, branch, Status.SKIPPED, services, reason=NO_SOUND)
    elif reason := limits.speech_refusal(contents):
        fail(recording.id, Branch.TRANSCRIPTION, reason, services)
    recording = services.recordings.get(recording.id)
    if recording.status_of(Branch.FEATURES) == Status.PENDING:
        services.features_queue.send(recording.id)
    if presets := presets_for(media_format, contents, services):
        start_renditions(recording, contents, presets, services)
    else:
        settle(recording.id, Branch.RENDITIONS, Status.SKIPPED, services, reason=NO_PICTURE)
    if formats.needs_audio_track(media_format):
        _go_on_with_audio_track(recording.id, services, is_needed=True)
    elif recording.status_of(Branch.TRANSCRIPTION) == Status.PENDING:
        _transcribe(recording.id, services.media.uri(upload.key), media_format, services)


def _transcribe(recording_id: str, media_uri: str, media_format: str, services: "Services") -> None:
    if key := start_transcription(recording_id, media_uri, media_format, services):
        store_transcript(key, services)


def resume(recording_id: str, services: "Services") -> None:
    """Start what waits to be started, join what can be joined, tell what is to be told."""
    recording = services.recordings.find(recording_id)
    if recording is None:
        return
    has_no_job = "renditions_job_id" not in recording.attributes
    if Status.PENDING in recording.statuses.values() or (
        recording.status_of(Branch.RENDITIONS) == Status.IN_PROGRESS and has_no_job
    ):
        receive_upload(recording.source_key, services)
    _join_words(recording_id, services)


def store_transcript(key: str, services: "Services") -> None:
    """Index a finished transcript. Safe to repeat: what is done stays as it is."""
    recording_id = keys.recording_id_of(key)
    options = services.settings.transcription
    if recording_id is None or key != options.transcript_key(recording_id):
        return  # not a name that Earshot gave, or the unredacted twin of what is indexed
    recording = services.recordings.find(recording_id)
    upload = upload_of(recording_id, services)
    if recording is None or upload is None:
        remove_results(recording_id, services)
        return
    if may_be_of_others(recording_id, Branch.TRANSCRIPTION, upload, services):
        services.results.remove(key)
        settle(
            recording_id,
            Branch.TRANSCRIPTION,
            Status.PENDING,
            services,
            attributes={"transcription_started_at": None},
        )
        _ask_again_soon(recording_id, services)
        return
    settle_transcript(recording, key, services)
    _join_words(recording_id, services)


def record_transcription_failure(job_name: str, services: "Services") -> None:
    """Write a failed job and its reason on its recording."""
    if services.recordings.find(job_name) is None:
        return
    settle_failure(job_name, services)
    announce(job_name, services)


def extract_features(
    recording_id: str, services: "Services", *, attempt: int = 1, receipt_handle: str = ""
) -> None:
    """Measure a recording and write its tables. Safe to repeat: they are the same each time.

    A message asks for it, so what has failed is tried again. ``attempt`` counts how often this
    message has come: after the last time it is put aside, and the recording says why.
    """
    try:
        _extract_features(recording_id, services, attempt)
    except Exception:
        if receipt_handle:
            services.features_queue.retry_after(receipt_handle, RETRY_AFTER_S * 2 ** (attempt - 1))
        raise


def _extract_features(recording_id: str, services: "Services", attempt: int) -> None:
    upload = upload_of(recording_id, services)
    if upload is None:
        remove_results(recording_id, services)
        return
    try:
        is_wanted = settle(
            recording_id,
            Branch.FEATURES,
            Status.IN_PROGRESS,
            services,
            unless=DONE,
            attributes={"features_attempts": attempt},
        )
        if is_wanted:
            measure(recording_id, upload, services)
    except Exception as exc:
        if attempt >= ATTEMPTS:
            give_up_features(recording_id, f"{type(exc).__name__}: {exc}", services)
        raise
    _join_words(recording_id, services)


def give_up_features(recording_id: str, cause: str, services: "Services") -> None:
    """Write why a recording's message was put aside."""
    reason = f"The recording could not be measured in {ATTEMPTS} attempts ({cause})."
    fail(recording_id, Branch.FEATURES, reason, services, internal=True)
    announce(recording_id, services)


def _join_words(recording_id: str, services: "Services") -> None:
    try:
        join_words(recording_id, services)
    except (RecordingNotFoundError, UploadChangedError):
        if upload_of(recording_id, services) is None:
            remove_results(recording_id, services)
    announce(recording_id, services)


def store_renditions(detail: Mapping[str, Any], services: "Services") -> None:
    """Write what became of a transcoding job, and go on with the audio track. Safe to repeat."""
    recording_id = mediaconvert_events.recording_id_of(detail)
    recording = services.recordings.find(recording_id) if recording_id else None
    if recording_id is None:
        return  # not a job of ours
    upload = upload_of(recording_id, services)
    if recording is None or upload is None:
        remove_results(recording_id, services)
        return
    settle_renditions(recording, upload, detail, services)
    is_needed = formats.needs_audio_track(formats.extension(recording.source_key))
    try:
        _go_on_with_audio_track(recording_id, services, is_needed=is_needed)
    except ServiceBusyError:
        _ask_again_soon(recording_id, services)
    announce(recording_id, services)


def _go_on_with_audio_track(recording_id: str, services: "Services", *, is_needed: bool) -> None:
    """Start what has been waiting for the audio track, or end it if none will come."""
    recording = services.recordings.find(recording_id)
    if recording is None or recording.status_of(Branch.RENDITIONS) not in ENDED:
        return
    key = recording.attributes.get("audio_track_key")
    track = services.results.find(key) if key else None
    if recording.status_of(Branch.FEATURES) == Status.PENDING:
        services.features_queue.send(recording_id)
    if recording.status_of(Branch.TRANSCRIPTION) == Status.PENDING:
        if track:
            _transcribe(recording_id, services.results.uri(track.key), "mp3", services)
        elif is_needed:
            reason = recording.attributes.get("renditions_reason") or ""
            reason = f"Amazon Transcribe needs an audio track, and there is none. {reason}".strip()
            internal = "renditions_internal" in recording.attributes
            fail(recording_id, Branch.TRANSCRIPTION, reason, services, internal=internal)


def remove_recording(key: str, services: "Services") -> None:
    """Remove everything that was made of what no longer lies under an upload key."""
    _remove_others(key, services.media.find(key), services)


def _remove_others(key: str, upload: Upload | None, services: "Services") -> None:
    for recording in services.recordings.of_source(key):
        if upload is None or recording.id != upload.recording_id:
            remove_everything(recording.id, services)
