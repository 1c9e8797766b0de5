"""Transcripts: the one job that makes a recording's, and what came of it."""

from datetime import UTC
from typing import TYPE_CHECKING, Any

from chalicelib.core import keys
from chalicelib.core.jobs.transcribe import FAULTS_OF_THE_FILE, TranscriptionOptions, job_request
from chalicelib.core.recording import Branch, Recording, Status
from chalicelib.core.search.matching import index_transcript
from chalicelib.core.transcripts.parsing import load_transcript
from chalicelib.errors import JobRejectedError, TooLargeError, TranscriptFormatError
from chalicelib.pipeline.branches import fail, settle

if TYPE_CHECKING:
    from chalicelib.core.transcripts.models import Transcript
    from chalicelib.services import Services

TRANSCRIPT_BYTES = 300_000
"""How much of a transcript the item holds: an item may hold 400 KB in all."""

DOCUMENT_BYTES = 32_000_000
"""The largest document that is read: four hours of speech make 10 MB, and 32 take 300 of memory."""


def start_transcription(
    recording_id: str, media_uri: str, media_format: str, services: "Services"
) -> str | None:
    """Start a recording's job, once however often this is called: the job bears its id.

    Return the key of a transcript that is there already, which the caller is to store: its own
    event may have come before the item was there.
    """
    options = services.settings.transcription
    request = job_request(
        recording_id,
        media_uri=media_uri,
        media_format=media_format,
        output_bucket=services.results.bucket,
        options=options,
    )
    started_at = services.clock()
    try:
        if not services.transcriber.start(request):
            job = services.transcriber.find(recording_id)
            status = job["TranscriptionJobStatus"] if job else None
            transcript_key = options.transcript_key(recording_id)
            if status == "COMPLETED" and services.results.find(transcript_key):
                return transcript_key
            if status not in ("QUEUED", "IN_PROGRESS"):
                # Left over from the same bytes under the same key, removed since.
                services.transcriber.delete(recording_id)
                services.transcriber.start(request)
            elif job:
                started_at = job["CreationTime"]
    except JobRejectedError as exc:
        reason = f"Amazon Transcribe refused the recording: {exc}"
        # It also refuses what is not there, and that may have been true for a moment alone.
        fail(recording_id, Branch.TRANSCRIPTION, reason, services, internal=True)
        return None
    is_noted = settle(
        recording_id,
        Branch.TRANSCRIPTION,
        Status.IN_PROGRESS,
        services,
        attributes={"transcription_started_at": started_at.astimezone(UTC).isoformat()},
    )
    if not is_noted and services.recordings.find(recording_id) is None:
        # Removed meanwhile: a job that nobody waits for would run on and be paid for.
        services.transcriber.delete(recording_id)
    return None


def settle_transcript(recording: Recording, key: str, services: "Services") -> None:
    """Read a finished transcript into its recording and the index."""
    try:
        document = services.results.read(key, most=DOCUMENT_BYTES)
        if document is None:
            return
        transcript = load_transcript(document)
    except (TranscriptFormatError, TooLargeError) as exc:
        reason = f"The transcript cannot be read: {exc}."
        fail(recording.id, Branch.TRANSCRIPTION, reason, services)
        return
    options = services.settings.transcription
    # Before it counts as completed: what is completed can be found.
    index_words(recording, transcript, services)
    settle(
        recording.id,
        Branch.TRANSCRIPTION,
        Status.COMPLETED,
        services,
        reason=None if transcript.text else "No speech was recognised.",
        attributes=_attributes(transcript, options)
        | {"transcript_key": key}
        | {
            f"subtitles_{extension}_key": keys.subtitles(recording.id, extension)
            for extension in options.subtitles
        },
    )


def index_words(recording: Recording, transcript: "Transcript", services: "Services") -> None:
    """Make a recording's transcript findable. Safe to repeat."""
    services.search_table.write(recording, index_transcript(transcript))


def _attributes(transcript: "Transcript", options: TranscriptionOptions) -> dict[str, Any]:
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


def settle_failure(recording_id: str, services: "Services") -> None:
    """Write why a recording's job has failed, if it has."""
    job = services.transcriber.find(recording_id)
    if job is None or job["TranscriptionJobStatus"] != "FAILED":
        return
    reason = job.get("FailureReason") or "Amazon Transcribe gave no reason."
    internal = not reason.startswith(FAULTS_OF_THE_FILE)
    fail(recording_id, Branch.TRANSCRIPTION, reason, services, internal=internal)
