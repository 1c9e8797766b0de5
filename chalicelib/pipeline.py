"""What happens for each event: read, compute, write.

The bucket is the truth. An event only says "look": every function asks what is in the bucket now
and works out from that which recording it is about, so events may come twice, late or in any
order. Raising means "try again"; what no retry can cure is written on the recording instead.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from chalicelib.announcing import announce
from chalicelib.core import keys, limits, rendition_events, uploads
from chalicelib.core.contents import Contents
from chalicelib.core.recording import Branch, Recording, Status, Upload
from chalicelib.core.transcript import load_transcript
from chalicelib.core.transcription import TranscriptionOptions, job_request
from chalicelib.errors import (
    JobRejectedError,
    RecordingNotFoundError,
    TooLargeError,
    TranscriptFormatError,
    UploadChangedError,
)
from chalicelib.joining import join_words
from chalicelib.measuring import measure
from chalicelib.removing import remove_everything, remove_made
from chalicelib.searching import index_words
from chalicelib.settling import ENDED, remove_results, settle, upload_of
from chalicelib.video import contents_of, presets_for, settle_renditions, start_renditions

if TYPE_CHECKING:
    from chalicelib.core.models import Transcript
    from chalicelib.services import Services

TRANSCRIPT_BYTES = 300_000
"""How much of a transcript the item holds: an item may hold 400 KB in all."""

DOCUMENT_BYTES = 32_000_000
"""The largest document that is read: four hours of speech make 10 MB, and 32 take 300 of memory."""

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
    except (UploadChangedError, RecordingNotFoundError):
        # Whoever replaced or removed it has sent an event of their own, but what was started
        # here may be younger than the clean-up that followed it.
        remove_everything(upload.recording_id, services)


def reprocess(recording: Recording, services: "Services") -> Recording:
    """Make everything that is made of a recording anew. Safe to repeat.

    Raise RecordingNotFoundError if its upload is gone.
    """
    upload = services.media.find(recording.source_key)
    if upload is None or upload.recording_id != recording.id:
        raise RecordingNotFoundError(recording.id)
    remove_made(recording.id, services)
    services.recordings.restart(recording.id, upload)
    receive_upload(recording.source_key, services)
    return services.recordings.get(recording.id)


def _start(recording: Recording, upload: Upload, services: "Services") -> None:
    head = services.media.read_head(upload, uploads.HEAD_BYTES)
    media_format, reason = uploads.media_format(upload.key, head)
    contents = contents_of(upload, media_format, services) if media_format else Contents()
    reason = reason or limits.refusal(upload.size, contents)
    if media_format is None or reason:
        none_made = reason if contents.picture else NO_PICTURE
        settle(recording.id, Branch.RENDITIONS, Status.SKIPPED, services, reason=none_made)
        for branch in (Branch.TRANSCRIPTION, Branch.FEATURES):
            settle(recording.id, branch, Status.FAILED, services, reason=reason)
        return
    if contents.picture and not contents.has_sound:
        for branch in (Branch.TRANSCRIPTION, Branch.FEATURES):
            settle(recording.id, branch, Status.SKIPPED, services, reason=NO_SOUND)
    else:
        if reason := limits.speech_refusal(contents):
            settle(recording.id, Branch.TRANSCRIPTION, Status.FAILED, services, reason=reason)
            recording = services.recordings.get(recording.id)
        _start_speech(recording, upload, media_format, services)
    if presets := presets_for(media_format, contents, services):
        start_renditions(recording, contents, presets, services)
    else:
        settle(recording.id, Branch.RENDITIONS, Status.SKIPPED, services, reason=NO_PICTURE)
    if uploads.needs_audio_track(media_format):
        _go_on_with_audio_track(recording.id, services)


def _start_speech(
    recording: Recording, upload: Upload, media_format: str, services: "Services"
) -> None:
    is_waiting = recording.status_of(Branch.TRANSCRIPTION) == Status.PENDING
    if is_waiting and not uploads.needs_audio_track(media_format):
        media_uri = services.media.uri(upload.key)
        _start_transcription(recording.id, media_uri, media_format, services)
    if recording.status_of(Branch.FEATURES) == Status.PENDING:
        services.features_queue.send(recording.id)


def _start_transcription(
    recording_id: str, media_uri: str, media_format: str, services: "Services"
) -> None:
    options = services.settings.transcription
    request = job_request(
        recording_id,
        media_uri=media_uri,
        media_format=media_format,
        output_bucket=services.results.bucket,
        options=options,
    )
    try:
        if not services.transcriber.start(request):
            job = services.transcriber.find(recording_id)
            status = job["TranscriptionJobStatus"] if job else None
            transcript_key = options.transcript_key(recording_id)
            if status == "COMPLETED" and services.results.find(transcript_key):
                # The transcript's own event may have come before this item was there.
                store_transcript(transcript_key, services)
                return
            if status not in ("QUEUED", "IN_PROGRESS"):
                # Left over from the same bytes under the same key, removed since.
                services.transcriber.delete(recording_id)
                services.transcriber.start(request)
    except JobRejectedError as exc:
        reason = f"Amazon Transcribe refused the recording: {exc}"
        settle(recording_id, Branch.TRANSCRIPTION, Status.FAILED, services, reason=reason)
        return
    settle(recording_id, Branch.TRANSCRIPTION, Status.IN_PROGRESS, services)


def store_transcript(key: str, services: "Services") -> None:
    """Index a finished transcript. Safe to repeat: what is done stays as it is."""
    recording_id = keys.recording_id_of(key)
    options = services.settings.transcription
    if recording_id is None or key != options.transcript_key(recording_id):
        return  # not a name that Earshot gave, or the unredacted twin of what is indexed
    recording = services.recordings.find(recording_id)
    if recording is None or upload_of(recording_id, services) is None:
        remove_results(recording_id, services)
        return
    try:
        document = services.results.read(key, most=DOCUMENT_BYTES)
        if document is None:
            return
        transcript = load_transcript(document)
    except (TranscriptFormatError, TooLargeError) as exc:
        reason = f"The transcript cannot be read: {exc}."
        settle(recording_id, Branch.TRANSCRIPTION, Status.FAILED, services, reason=reason)
        announce(recording_id, services)
        return
    # Before it counts as completed: what is completed can be found.
    index_words(recording, transcript, services)
    settle(
        recording_id,
        Branch.TRANSCRIPTION,
        Status.COMPLETED,
        services,
        reason=None if transcript.text else "No speech was recognised.",
        attributes=_transcript_attributes(transcript, options)
        | {"transcript_key": key}
        | {
            f"subtitles_{extension}_key": keys.subtitles(recording_id, extension)
            for extension in options.subtitles
        },
    )
    _join_words(recording_id, services)


def _transcript_attributes(
    transcript: "Transcript", options: TranscriptionOptions
) -> dict[str, Any]:
    whole = transcript.text.encode()
    excerpt = whole[:TRANSCRIPT_BYTES].decode(errors="ignore")
    return {
        "transcript": excerpt,
        "transcript_truncated": True if len(whole) > TRANSCRIPT_BYTES else None,
        # The output names a language only where it was to be identified.
        "language_code": transcript.language_code
        or (options.languages[0] if len(options.languages) == 1 else None),
        "word_count": len(transcript.words),
        "mean_confidence": transcript.mean_confidence,
        "speakers": list(transcript.speakers) or None,
    }


def record_transcription_failure(job_name: str, services: "Services") -> None:
    """Write a failed job and its reason on its recording."""
    if services.recordings.find(job_name) is None:
        return
    job = services.transcriber.find(job_name)
    if job is None or job["TranscriptionJobStatus"] != "FAILED":
        return
    settle(
        job_name,
        Branch.TRANSCRIPTION,
        Status.FAILED,
        services,
        reason=job.get("FailureReason") or "Amazon Transcribe gave no reason.",
    )
    announce(job_name, services)


def extract_features(recording_id: str, services: "Services") -> None:
    """Measure a recording and write its tables. Safe to repeat: they are the same each time."""
    upload = upload_of(recording_id, services)
    if upload is None:
        remove_results(recording_id, services)
        return
    if settle(recording_id, Branch.FEATURES, Status.IN_PROGRESS, services):
        measure(recording_id, upload, services)
    _join_words(recording_id, services)


def _join_words(recording_id: str, services: "Services") -> None:
    try:
        join_words(recording_id, services)
    except (RecordingNotFoundError, UploadChangedError):
        remove_results(recording_id, services)
    announce(recording_id, services)


def store_renditions(detail: Mapping[str, Any], services: "Services") -> None:
    """Write what became of a transcoding job, and go on with the audio track. Safe to repeat."""
    recording_id = rendition_events.recording_id_of(detail)
    recording = services.recordings.find(recording_id) if recording_id else None
    if recording_id is None:
        return  # not a job of ours
    if recording is None or upload_of(recording_id, services) is None:
        remove_results(recording_id, services)
        return
    settle_renditions(recording, detail, services)
    _go_on_with_audio_track(recording_id, services)
    announce(recording_id, services)


def _go_on_with_audio_track(recording_id: str, services: "Services") -> None:
    """Start what has been waiting for the audio track, or end it if none will come."""
    recording = services.recordings.find(recording_id)
    if recording is None or recording.status_of(Branch.RENDITIONS) not in ENDED:
        return
    key = recording.attributes.get("audio_track_key")
    track = services.results.find(key) if key else None
    if recording.status_of(Branch.TRANSCRIPTION) == Status.PENDING:
        if track:
            _start_transcription(recording_id, services.results.uri(track.key), "mp3", services)
        else:
            reason = recording.attributes.get("renditions_reason") or ""
            reason = f"Amazon Transcribe needs an audio track, and there is none. {reason}".strip()
            settle(recording_id, Branch.TRANSCRIPTION, Status.FAILED, services, reason=reason)
    if recording.status_of(Branch.FEATURES) == Status.PENDING:
        services.features_queue.send(recording_id)


def remove_recording(key: str, services: "Services") -> None:
    """Remove everything that was made of what no longer lies under an upload key."""
    _remove_others(key, services.media.find(key), services)


def _remove_others(key: str, upload: Upload | None, services: "Services") -> None:
    for recording in services.recordings.of_source(key):
        if upload is None or recording.id != upload.recording_id:
            remove_everything(recording.id, services)
