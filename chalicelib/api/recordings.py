"""The recordings that a caller may see: one, a page, a manifest; and their deletion."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from chalicelib.api.downloads import Download
from chalicelib.api.requests import Request, not_found
from chalicelib.core import keys, recording_item
from chalicelib.core.recording import Branch, Recording, Status
from chalicelib.core.transcripts import manifests
from chalicelib.core.transcripts.models import Transcript
from chalicelib.errors import NotThereError, RequestError
from chalicelib.pipeline import removal
from chalicelib.pipeline.branches import job_of
from chalicelib.pipeline.transcripts import read_transcript

if TYPE_CHECKING:
    from chalicelib.services import Services

PAGE = 100
"""Most recordings on a page."""

MANIFEST_PAGE = 50
MANIFEST_BYTES = 2_000_000
"""Bytes after which a page of a manifest ends; Lambda returns 6 MB, one recording may have half."""

RUNNING = ("QUEUED", "IN_PROGRESS")

EXCERPT = 200
"""Characters of a transcript in a list."""

MANIFESTS = {
    "recordings": manifests.write_recordings,
    "supervisions": manifests.write_supervisions,
}


@dataclass(frozen=True, slots=True)
class Removed:
    """A report of a deletion.

    ``objects`` are the keys of the recording's outputs; ``upload`` says whether the upload was in
    the bucket. ``transcription_job`` says whether Amazon Transcribe had a job of the recording, and
    ``still_running`` whether this job is still running: a running job cannot be deleted. Its answer
    will be deleted when it comes.
    """

    recording_id: str
    objects: tuple[str, ...]
    search_entries: int
    transcription_job: bool
    still_running: bool
    item: bool
    upload: bool

    def to_dict(self) -> dict[str, Any]:
        """Return the report in the API's form."""
        removed = asdict(self)
        return {"recording_id": removed.pop("recording_id"), "removed": removed}


def find_recording(recording_id: str, request: Request, services: "Services") -> Recording:
    """Return a recording. Raise NotThereError if it does not exist or is another owner's."""
    if not keys.is_recording_id(recording_id):
        raise not_found(recording_id)
    recording = services.recordings.find(recording_id)
    if recording is None or not request.caller.may_see(recording.owner):
        raise not_found(recording_id)
    return recording


def delete_recording(recording: Recording, services: "Services") -> Removed:
    """Remove an upload and all its outputs. Safe to repeat.

    The upload is removed first: without it late outputs are not stored, and the event of its
    removal finishes an interrupted deletion. If the upload has been replaced, the new one stays.
    An original stays where it lies.
    """
    is_original = keys.is_original(recording.source_key)
    upload = None if is_original else services.media.find_source(recording)
    # Listed before the upload is removed, because its event then removes the outputs as well.
    made = [services.results.keys(prefix) for prefix in keys.derived_prefixes(recording.id)]
    name = recording.transcription.job_id
    is_amazons = job_of(recording, Branch.TRANSCRIPTION, services).kind == keys.TRANSCRIBE
    job = services.transcriber.find(name) if name and is_amazons else None
    removed = Removed(
        recording.id,
        objects=tuple(sorted(set().union(*made))),
        search_entries=services.search_table.count(recording.id),
        transcription_job=job is not None,
        still_running=job is not None and job["TranscriptionJobStatus"] in RUNNING,
        item=True,
        upload=upload is not None,
    )
    if upload:
        services.media.remove_upload(upload)
    removal.delete_outputs_jobs_and_item(recording, services)
    return removed


def show(recording: Recording) -> dict[str, Any]:
    """Return a recording in the API's form: its item, its overall status and the reason."""
    shown = recording_item.flat(recording)
    return {**shown, "status": recording.status.value, "reason": recording.reason}


def list_recordings(request: Request, services: "Services") -> dict[str, Any]:
    """Return a page of recordings, newest first, each with an excerpt of its transcript."""
    page, cursor = _page(request, services, largest=PAGE)
    return {"recordings": [_summary(recording) for recording in page], "cursor": cursor}


def manifest(kind: str, request: Request, services: "Services") -> Download:
    """Return a page of a selection as JSON lines for Lhotse; pages may be concatenated.

    Recordings that have not been measured are left out, because their length is not known.
    """
    if kind not in MANIFESTS:
        raise NotThereError(f"There is no manifest {kind!r}: there are {' and '.join(MANIFESTS)}.")
    page, cursor = _page(request, services, largest=MANIFEST_PAGE)
    lines: list[str] = []
    size = 0
    for index, recording in enumerate(page):
        written = "".join(MANIFESTS[kind](_entries(recording, services)))
        lines.append(written)
        size += len(written.encode())
        if size > MANIFEST_BYTES and index + 1 < len(page):
            cursor = services.recordings.cursor_after(recording, owner=request.owner())
            break
    asked = {k: v for k, v in request.query.items() if k != "cursor"}
    following = f"{kind}?{urlencode(asked | {'cursor': cursor})}" if cursor else None
    return Download("".join(lines), "application/jsonl", f"{kind}.jsonl", next_page=following)


def _page(
    request: Request, services: "Services", *, largest: int
) -> tuple[list[Recording], str | None]:
    return services.recordings.page(
        owner=request.owner(),
        status=request.choice("status", Status),
        since=_moment(request, "from"),
        until=_moment(request, "to"),
        cursor=request.text("cursor"),
        limit=request.limit(largest),
    )


def _moment(request: Request, name: str) -> str | None:
    """Return a date or a time in the table's form. A date means the whole day."""
    text = request.text(name)
    return moment_of(text, name) if text is not None else None


def moment_of(text: str, name: str) -> str:
    """Return a date or a time in the table's form; a date as ``to`` means its end."""
    try:
        moment = datetime.fromisoformat(text)
        if len(text) == len("2024-01-31") and name == "to":
            moment = datetime.combine(moment, time.max)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return aware.astimezone(UTC).isoformat()
    except (ValueError, OverflowError) as exc:
        raise RequestError(
            f"{name} must be a date such as 2024-01-31 or a time such as 2024-01-31T12:00:00Z,"
            f" not {text!r}."
        ) from exc


def _summary(recording: Recording) -> dict[str, Any]:
    shown = show(recording)
    transcript = shown.pop("transcript", None)
    return shown if transcript is None else {**shown, "excerpt": transcript[:EXCERPT]}


def _entries(recording: Recording, services: "Services") -> list[manifests.ManifestEntry]:
    measured = recording.measurement
    if recording.features.status != Status.COMPLETED or measured is None:
        return []
    reading = read_transcript(recording, services)
    return [
        manifests.ManifestEntry(
            recording_id=recording.id,
            source=services.media.uri(recording.source_key),
            sample_rate_hz=measured.source_sample_rate_hz,
            n_samples=round(measured.duration_s * measured.source_sample_rate_hz),
            transcript=reading.transcript if reading else Transcript(),
            n_channels=measured.channels,
        )
    ]
