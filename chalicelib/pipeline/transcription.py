"""Transcripts: start of the job, and its outcome."""

from dataclasses import replace
from datetime import UTC
from typing import TYPE_CHECKING

from chalicelib.core import keys
from chalicelib.core.jobs.transcribe import FAULTS_OF_THE_FILE, TranscriptionOptions, job_request
from chalicelib.core.recording import Branch, Recording, Status, TranscriptSummary, Upload
from chalicelib.core.search.matching import index_transcript
from chalicelib.core.transcripts.parsing import load_transcript
from chalicelib.errors import (
    JobRejectedError,
    RecordingNotFoundError,
    TooLargeError,
    TranscriptFormatError,
)
from chalicelib.pipeline.branches import fail, may_be_of_others, move

if TYPE_CHECKING:
    from chalicelib.core.transcripts.models import Transcript
    from chalicelib.services import Services

TRANSCRIPT_BYTES = 300_000
"""How much of a transcript the item holds: an item may hold 400 KB in all."""

DOCUMENT_BYTES = 32_000_000
"""The largest document that is read: four hours of speech make 10 MB, and 32 take 300 of memory."""


def start_transcription(
    recording: Recording,
    upload: Upload,
    media_uri: str,
    media_format: str,
    services: "Services",
) -> Recording:
    """Start a recording's job, once however often this is called: the job bears its id.

    A transcript that is there already is stored: its own event may have come before the item.
    """
    options = services.settings.transcription
    request = job_request(
        recording.id,
        media_uri=media_uri,
        media_format=media_format,
        output_bucket=services.results.bucket,
        options=options,
    )
    started_at = services.clock()
    try:
        if not services.transcriber.start(request):
            job = services.transcriber.find(recording.id)
            status = job["TranscriptionJobStatus"] if job else None
            transcript_key = options.transcript_key(recording.id)
            if status == "COMPLETED" and services.results.find(transcript_key):
                return store_transcript(recording, upload, transcript_key, services)
            if status not in ("QUEUED", "IN_PROGRESS"):
                # Left over from the same bytes under the same key, removed since.
                services.transcriber.delete(recording.id)
                services.transcriber.start(request)
            elif job:
                started_at = job["CreationTime"]
    except JobRejectedError as exc:
        reason = f"Amazon Transcribe refused the recording: {exc}"
        # It also refuses what is not there, and that may have been true for a moment alone.
        return fail(recording, Branch.TRANSCRIPTION, reason, services, internal=True)
    started = started_at.astimezone(UTC).isoformat()
    state = replace(recording.transcription, started_at=started)
    try:
        return move(recording, Branch.TRANSCRIPTION, Status.IN_PROGRESS, services, state=state)
    except RecordingNotFoundError:
        # Removed meanwhile: a job that nobody waits for would run on and be paid for.
        services.transcriber.delete(recording.id)
        raise


def store_transcript(
    recording: Recording, upload: Upload, key: str, services: "Services"
) -> Recording:
    """Read a finished transcript into its recording and the index."""
    if may_be_of_others(recording, Branch.TRANSCRIPTION, upload):
        services.results.remove(key)
        recording = move(recording, Branch.TRANSCRIPTION, Status.PENDING, services)
        services.watchlist.put_off(recording.id, services.clock())
        return recording
    try:
        document = services.results.read(key, most=DOCUMENT_BYTES)
        if document is None:
            return recording
        transcript = load_transcript(document)
    except (TranscriptFormatError, TooLargeError) as exc:
        reason = f"The transcript cannot be read: {exc}."
        return fail(recording, Branch.TRANSCRIPTION, reason, services)
    options = services.settings.transcription
    # Before it counts as completed: what is completed can be found.
    index_words(recording, transcript, services)
    return move(
        recording,
        Branch.TRANSCRIPTION,
        Status.COMPLETED,
        services,
        reason=None if transcript.text else "No speech was recognised.",
        result=_summary(recording, key, transcript, options),
    )


def index_words(recording: Recording, transcript: "Transcript", services: "Services") -> None:
    """Make a recording's transcript findable. Safe to repeat."""
    services.search_table.write(recording, index_transcript(transcript))


def _summary(
    recording: Recording, key: str, transcript: "Transcript", options: TranscriptionOptions
) -> TranscriptSummary:
    whole = transcript.text.encode()
    excerpt = whole[:TRANSCRIPT_BYTES].decode(errors="ignore")
    srt, vtt = (
        keys.subtitles(recording.id, extension) if extension in options.subtitles else None
        for extension in ("srt", "vtt")
    )
    return TranscriptSummary(
        transcript_key=key,
        transcript=excerpt,
        transcript_truncated=len(whole) > TRANSCRIPT_BYTES,
        # The output names a language only if it was to be identified.
        language_code=transcript.language_code
        or (options.languages[0] if len(options.languages) == 1 else None),
        word_count=len(transcript.words),
        mean_confidence=transcript.mean_confidence,
        speakers=tuple(transcript.speakers),
        subtitles_srt_key=srt,
        subtitles_vtt_key=vtt,
    )


def store_failure(recording: Recording, services: "Services") -> Recording:
    """Write why a recording's job has failed, if it has."""
    job = services.transcriber.find(recording.id)
    if job is None or job["TranscriptionJobStatus"] != "FAILED":
        return recording
    reason = job.get("FailureReason") or "Amazon Transcribe gave no reason."
    internal = not reason.startswith(FAULTS_OF_THE_FILE)
    return fail(recording, Branch.TRANSCRIPTION, reason, services, internal=internal)
