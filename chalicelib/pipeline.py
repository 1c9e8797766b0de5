"""What happens for each event: read, compute, write.

The bucket is the truth. An event only says "look": every function asks what is in the bucket now
and works out from that which recording it is about, so events may come twice, late or in any
order. Raising means "try again"; what no retry can cure is written on the recording instead.
"""

from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, BinaryIO

from chalicelib.core import keys, uploads
from chalicelib.core.recording import Branch, Recording, Status, Upload
from chalicelib.core.transcript import load_transcript
from chalicelib.core.transcription import TranscriptionOptions, job_request
from chalicelib.errors import (
    JobRejectedError,
    MediaError,
    ParameterError,
    RecordingNotFoundError,
    TranscriptFormatError,
    UploadChangedError,
)
from chalicelib.joining import join_words

if TYPE_CHECKING:
    from chalicelib.core.models import Transcript
    from chalicelib.services import Services

TRANSCRIPT_BYTES = 300_000
"""How much of a transcript the item holds: an item may hold 400 KB in all."""

ENDED = frozenset({Status.COMPLETED, Status.FAILED, Status.SKIPPED})
DONE = frozenset({Status.COMPLETED, Status.SKIPPED})


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
    except (UploadChangedError, RecordingNotFoundError):
        # Whoever replaced or removed it has sent an event of their own, but what was started
        # here may be younger than the clean-up that followed it.
        _remove(upload.recording_id, services)


def _start(recording: Recording, upload: Upload, services: "Services") -> None:
    head = services.media.read_head(upload, uploads.HEAD_BYTES)
    media_format, reason = uploads.media_format(upload.key, head)
    _settle(
        recording.id,
        Branch.RENDITIONS,
        Status.SKIPPED,
        services,
        reason="Renditions are made of video.",
    )
    if media_format is None:
        for branch in (Branch.TRANSCRIPTION, Branch.FEATURES):
            _settle(recording.id, branch, Status.FAILED, services, reason=reason)
        return
    if recording.status_of(Branch.TRANSCRIPTION) == Status.PENDING:
        _start_transcription(upload, media_format, services)
    if recording.status_of(Branch.FEATURES) == Status.PENDING:
        services.features_queue.send(recording.id)


def _start_transcription(upload: Upload, media_format: str, services: "Services") -> None:
    recording_id, options = upload.recording_id, services.settings.transcription
    request = job_request(
        recording_id,
        media_uri=services.media.uri(upload.key),
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
        _settle(recording_id, Branch.TRANSCRIPTION, Status.FAILED, services, reason=reason)
        return
    _settle(recording_id, Branch.TRANSCRIPTION, Status.IN_PROGRESS, services)


def store_transcript(key: str, services: "Services") -> None:
    """Index a finished transcript. Safe to repeat: what is done stays as it is."""
    recording_id = keys.recording_id_of(key)
    options = services.settings.transcription
    if recording_id is None or key != options.transcript_key(recording_id):
        return  # not a name that Earshot gave, or the unredacted twin of what is indexed
    if _upload_of(recording_id, services) is None:
        _remove_results(recording_id, services)
        return
    try:
        document = services.results.read(key)
        if document is None:
            return
        transcript = load_transcript(document)
    except TranscriptFormatError as exc:
        reason = f"The transcript cannot be read: {exc}."
        _settle(recording_id, Branch.TRANSCRIPTION, Status.FAILED, services, reason=reason)
        return
    _settle(
        recording_id,
        Branch.TRANSCRIPTION,
        Status.COMPLETED,
        services,
        reason=None if transcript.words else "No speech was recognised.",
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
    _settle(
        job_name,
        Branch.TRANSCRIPTION,
        Status.FAILED,
        services,
        reason=job.get("FailureReason") or "Amazon Transcribe gave no reason.",
    )


def extract_features(recording_id: str, services: "Services") -> None:
    """Measure a recording and write its tables. Safe to repeat: they are the same each time."""
    upload = _upload_of(recording_id, services)
    if upload is None:
        _remove_results(recording_id, services)
        return
    if _settle(recording_id, Branch.FEATURES, Status.IN_PROGRESS, services):
        _measure(recording_id, upload, services)
    _join_words(recording_id, services)


def _measure(recording_id: str, upload: Upload, services: "Services") -> None:
    # numpy, soundfile and soxr take longer to import than an HTTP request takes to answer.
    from chalicelib.core import features  # noqa: PLC0415

    def open_table(name: str) -> AbstractContextManager[BinaryIO]:
        return services.results.create(keys.features(recording_id, name))

    try:
        parameters = features.FeatureParameters.parse(
            services.settings.feature_parameters, upload.metadata
        )
        with services.media.open(upload) as source:
            summary = features.extract(
                source,
                parameters,
                open_table,
                provenance={
                    "recording_id": recording_id,
                    "source_key": upload.key,
                    "etag": upload.etag,
                },
            )
    except UploadChangedError:
        _remove_results(recording_id, services)
    except (MediaError, ParameterError) as exc:
        _settle(recording_id, Branch.FEATURES, Status.FAILED, services, reason=f"{exc}.")
    else:
        _settle(
            recording_id,
            Branch.FEATURES,
            Status.COMPLETED,
            services,
            reason=summary.remark,
            attributes={
                "duration_s": summary.duration_s,
                "sample_rate_hz": summary.sample_rate_hz,
                "n_frames": summary.n_frames,
                "feature_parameters": asdict(summary.parameters),
                "feature_keys": {
                    keys.table_name(name): keys.features(recording_id, name)
                    for name in summary.tables
                },
            },
        )


def _join_words(recording_id: str, services: "Services") -> None:
    try:
        join_words(recording_id, services)
    except (RecordingNotFoundError, UploadChangedError):
        _remove_results(recording_id, services)


def _upload_of(recording_id: str, services: "Services") -> Upload | None:
    """Return the upload that a recording was made of, or None if either is gone by now."""
    recording = services.recordings.find(recording_id)
    upload = services.media.find(recording.source_key) if recording else None
    return upload if upload and upload.recording_id == recording_id else None


def _settle(
    recording_id: str,
    branch: Branch,
    status: Status,
    services: "Services",
    *,
    reason: str | None = None,
    attributes: dict[str, Any] | None = None,
) -> bool:
    """Move a branch on; tell whether it moved. Results of what is gone by now are removed."""
    unless = DONE if status == Status.COMPLETED else ENDED
    try:
        return services.recordings.settle(
            recording_id, branch, status, unless=unless, reason=reason, attributes=attributes
        )
    except RecordingNotFoundError:
        _remove_results(recording_id, services)
        return False


def remove_recording(key: str, services: "Services") -> None:
    """Remove everything that was made of what no longer lies under an upload key."""
    _remove_others(key, services.media.find(key), services)


def _remove_others(key: str, upload: Upload | None, services: "Services") -> None:
    for recording in services.recordings.of_source(key):
        if upload is None or recording.id != upload.recording_id:
            _remove(recording.id, services)


def _remove(recording_id: str, services: "Services") -> None:
    services.transcriber.delete(recording_id)
    _remove_results(recording_id, services)
    # The item goes last: as long as it is there, a clean-up that was cut short is found again.
    services.recordings.delete(recording_id)


def _remove_results(recording_id: str, services: "Services") -> None:
    for prefix in keys.derived_prefixes(recording_id):
        services.results.remove(prefix)
