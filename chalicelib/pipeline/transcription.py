"""Transcripts: start of the job, and its outcome."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from chalicelib.core import keys
from chalicelib.core.jobs.transcribe import (
    EARSHOT,
    FAULTS_OF_THE_FILE,
    TranscriptionOptions,
    job_request,
)
from chalicelib.core.probe import formats
from chalicelib.core.recording import ENDED, Branch, Recording, Status
from chalicelib.core.results import TranscriptSummary
from chalicelib.core.search.matching import index_transcript
from chalicelib.core.transcripts.exports import find_export
from chalicelib.core.transcripts.parsing import load_transcript
from chalicelib.core.upload import Upload
from chalicelib.errors import (
    JobRejectedError,
    ParameterError,
    ServiceBusyError,
    TooLargeError,
    TranscriptFormatError,
)
from chalicelib.pipeline.branches import begin, fail, input_of, job_of, move
from chalicelib.pipeline.removal import delete_job_objects
from chalicelib.pipeline.transcripts import (
    DOCUMENT_BYTES,
    Reading,
    read_transcript,
    with_corrections,
)
from chalicelib.pipeline.words import write_word_tables

if TYPE_CHECKING:
    from chalicelib.core.transcripts.models import Transcript
    from chalicelib.services import Services

AMAZON_TRANSCRIBE = "Amazon Transcribe"
"""The name of the transcriber, unless the transcript names another."""

WAITS_AT_MOST = timedelta(days=14)
"""Time for which Transcribe is asked again. Its error for too many jobs is also its error for a
file that is too long.
"""

NEVER_TAKEN = f"Amazon Transcribe has taken no job of the recording for {WAITS_AT_MOST.days} days"

TRANSCRIPT_BYTES = 300_000
"""Most bytes of a transcript in the item; DynamoDB allows 400 KB for an item."""


def start_transcription(
    recording: Recording,
    upload: Upload,
    media_format: str,
    services: "Services",
    *,
    track: Upload | None = None,
) -> Recording:
    """Start a recording's job: one for each attempt, however often this is called.

    The job reads the audio track, or a copy of the upload, which no other function or user changes.
    An original is read where it lies: if it is replaced meanwhile, the answer is not stored.
    """
    try:
        options = services.settings.transcription_of(recording.transcription_options)
    except ParameterError as exc:
        return fail(recording, Branch.TRANSCRIPTION, f"{exc}".rstrip(".") + ".", services)
    kind = keys.RECOGNISER if options.transcriber == EARSHOT else keys.TRANSCRIBE
    recording, is_first = begin(recording, Branch.TRANSCRIPTION, services, kind=kind)
    if recording.transcription.status != Status.IN_PROGRESS:
        return recording
    job = job_of(recording, Branch.TRANSCRIPTION, services)
    is_own = job.kind == keys.RECOGNISER
    if not is_first and not is_own and services.transcriber.find(job.name):
        return recording
    if track:
        media_uri = services.results.uri(track.key)
    else:
        media_uri = services.media.uri(input_of(job, upload, media_format, services))
    request = job_request(
        job,
        media_uri=media_uri,
        media_format=media_format,
        output_bucket=services.results.bucket,
        options=options,
    )
    if is_own:
        # Sent again too: nobody can ask a queue whether it has a message. Work is not done twice.
        services.features_queue.send_speech(request)
        return recording
    try:
        is_new = services.transcriber.start(request)
        if not is_new and services.recordings.get(recording.id).transcription.status in ENDED:
            delete_job_objects(job.folder, services)  # copied after its job had ended
    except JobRejectedError as exc:
        reason = f"Amazon Transcribe refused the recording: {exc}"
        # Transcribe also refuses a missing object, which may be missing for a moment only.
        recording = _fail_job(recording, reason, services, internal=True)
    except ServiceBusyError as exc:
        since = datetime.fromisoformat(recording.restarted_at or recording.created_at)
        if services.clock() - since > WAITS_AT_MOST:
            reason = f"{NEVER_TAKEN}: {exc}"
            recording = fail(recording, Branch.TRANSCRIPTION, reason, services)
            delete_job_objects(job.folder, services)
            return recording
        move(recording, Branch.TRANSCRIPTION, Status.PENDING, services)
        delete_job_objects(job.folder, services)
        raise
    return recording


def store_transcript(recording: Recording, key: str, services: "Services") -> Recording:
    """Publish the answer of a recording's job: transcript, subtitles and index.

    Corrections of an earlier transcript of the recording are applied to the new one.
    """
    options = services.settings.transcription
    job = job_of(recording, Branch.TRANSCRIPTION, services)
    try:
        document, metadata = services.results.read_with_metadata(key, most=DOCUMENT_BYTES)
        if document is None:
            return recording
        reading = with_corrections(recording, document, services)
    except (TranscriptFormatError, TooLargeError) as exc:
        reason = f"The transcript cannot be read: {exc}."
        recording = fail(recording, Branch.TRANSCRIPTION, reason, services)
        delete_job_objects(job.folder, services)
        return recording
    published = options.transcript_key(recording.id)
    if key != published:
        services.results.copy(key, published)
    if options.redaction:
        # The unredacted one, if it exists already; if not, its own event follows.
        services.results.copy(job.transcript(), keys.transcript(recording.id))
    # Before the branch is COMPLETED, so that a completed transcript can be found.
    summary = _publish(recording, published, reading, services)
    summary = replace(summary, heard_by=metadata.get(keys.HEARD_BY, AMAZON_TRANSCRIBE))
    recording = move(
        recording,
        Branch.TRANSCRIPTION,
        Status.COMPLETED,
        services,
        reason=None if reading.original.text else "No speech was recognised.",
        result=summary,
    )
    delete_job_objects(job.folder, services)
    return apply_corrections(recording, services)


def apply_corrections(
    recording: Recording, services: "Services", *, always: bool = False
) -> Recording:
    """Update everything that is made of a transcript, if its corrections have changed.

    Subtitles, index, tables of words and the item are written again if the corrections have changed
    since, and once more if they change meanwhile. ``always`` writes them even if the item has these
    corrections already, because an earlier attempt may have ended halfway. Safe to repeat, even at
    the same time: the call that writes last has also read last.
    """
    while recording.transcript is not None:
        applied = recording.transcript.corrections_etag
        if not always and services.corrections.read(recording.id).etag == applied:
            break
        always = False
        reading = read_transcript(recording, services)
        if reading is None:
            break  # removed meanwhile, together with the recording
        summary = _publish(recording, recording.transcript.transcript_key, reading, services)
        summary = replace(summary, heard_by=recording.transcript.heard_by)
        if recording.can_join_words:
            recording = write_word_tables(recording, services)
        written = services.recordings.write_transcript(recording, summary)
        if written is None:
            break  # the recording is processed again, and its new transcript gets the corrections
        recording = written
    return recording


def _publish(
    recording: Recording, key: str, reading: Reading, services: "Services"
) -> TranscriptSummary:
    """Write the subtitles and the index of a transcript; return the summary for the item."""
    options = services.settings.transcription
    duration_s = recording.duration_s or 0.0
    for extension in options.subtitles:
        text = find_export(extension).write(reading.transcript, recording.id, duration_s)
        services.results.write(keys.subtitles(recording.id, extension), text.encode())
    n_entries = index_words(recording, reading.transcript, services)
    summary = _summary(recording, key, reading.transcript, options, n_entries)
    return replace(summary, corrections_etag=reading.etag)


def take_over(upload: Upload, services: "Services") -> None:
    """Create the recording of an upload that has a transcript already, with this transcript.

    The table has then lost the recording. The recording's id is made of its bytes, so the
    transcript is of these bytes, and it has been paid for.
    """
    key = services.settings.transcription.transcript_key(upload.recording_id)
    try:
        document = services.results.read(key, most=DOCUMENT_BYTES)
        if document is None:
            return
        load_transcript(document)
    except (TranscriptFormatError, TooLargeError):
        return  # the transcript is made again
    created_at = services.clock().isoformat()
    recording = services.recordings.create(Recording.of(upload, created_at=created_at))
    recording, is_first = begin(recording, Branch.TRANSCRIPTION, services, kind=keys.TRANSCRIBE)
    if is_first:
        store_transcript(recording, key, services)


def index_again(recording: Recording, services: "Services") -> None:
    """Index a stored transcript again, if rows of it are missing."""
    summary = recording.transcript
    if summary is None or services.search_table.count(recording.id) >= summary.search_entries:
        return
    reading = read_transcript(recording, services)
    if reading is not None:
        index_words(recording, reading.transcript, services)


def index_words(recording: Recording, transcript: "Transcript", services: "Services") -> int:
    """Index a recording's transcript; return the number of rows. Safe to repeat."""
    return services.search_table.write(recording, index_transcript(transcript))


def _summary(
    recording: Recording,
    key: str,
    transcript: "Transcript",
    options: TranscriptionOptions,
    n_entries: int,
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
        # The output has a language only if it was identified.
        language_code=transcript.language_code or _asked_language(recording, options),
        word_count=len(transcript.words),
        mean_confidence=transcript.mean_confidence,
        speakers=tuple(transcript.speakers),
        subtitles_srt_key=srt,
        subtitles_vtt_key=vtt,
        search_entries=n_entries,
    )


def _asked_language(recording: Recording, options: TranscriptionOptions) -> str | None:
    own = recording.transcription_options.get("language")
    languages = options.languages if own is None else tuple(own.split(","))
    return languages[0] if len(languages) == 1 and languages[0] != "auto" else None


def store_failure(recording: Recording, services: "Services") -> Recording:
    """Write why a recording's job has failed, if it has failed."""
    name = job_of(recording, Branch.TRANSCRIPTION, services).name
    job = services.transcriber.find(name)
    if job is None or job["TranscriptionJobStatus"] != "FAILED":
        return recording
    reason = job.get("FailureReason") or "Amazon Transcribe gave no reason."
    internal = not reason.startswith(FAULTS_OF_THE_FILE)
    return _fail_job(recording, reason, services, internal=internal)


def _fail_job(
    recording: Recording, reason: str, services: "Services", *, internal: bool
) -> Recording:
    """End a recording's job with a reason, or begin again if it has lost its copy of the upload."""
    if internal and _has_lost_its_copy(recording, services):
        # A late clean-up has removed it. The one retry is for failures of Transcribe itself.
        state = recording.transcription
        recording = move(recording, Branch.TRANSCRIPTION, Status.PENDING, services, state=state)
        services.features_queue.send_look(recording.id, delay_s=0)
        return recording
    folder = job_of(recording, Branch.TRANSCRIPTION, services).folder
    recording = fail(recording, Branch.TRANSCRIPTION, reason, services, internal=internal)
    delete_job_objects(folder, services)
    return recording


def _has_lost_its_copy(recording: Recording, services: "Services") -> bool:
    """Return whether a recording's job has lost its copy of the upload."""
    is_track = formats.needs_audio_track(formats.extension(recording.source_key))
    if is_track or keys.is_original(recording.source_key):
        return False  # it reads no copy
    copy = job_of(recording, Branch.TRANSCRIPTION, services).input("")
    return not services.media.keys(copy)
