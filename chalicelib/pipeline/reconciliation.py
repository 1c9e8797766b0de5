"""Finds what events have left undone, and does it: events may be lost, and functions may die.

Three questions, each safe to ask again; a run ends in time for the function that it is in:

* Which recordings have not been found well since they last moved? They are listed by the time of
  their next look, and struck off when everything that was to be made of them is there.
* Which uploads have no recording, and which results belong to none? A walk through the bucket
  tells, a page in each run, and begins anew at its end.
* Which recordings have lost their upload? The same walk ends with the table.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from chalicelib.core import keys
from chalicelib.core.jobs import mediaconvert_events
from chalicelib.core.notices import outcome_of
from chalicelib.core.recording import Branch, Recording, Status
from chalicelib.journal import note
from chalicelib.pipeline import events
from chalicelib.pipeline.branches import settle
from chalicelib.pipeline.removal import remove_everything, remove_results

if TYPE_CHECKING:
    from chalicelib.services import Services

LOOKS = 200
"""How many recordings are asked for at once that are due for a look."""

PAGES = 1
"""How many pages one run walks: of 1,000 objects, or of as many items."""

READS_A_PAGE = 20
"""Items may be large, so they are read 50 at a time."""

LASTING = timedelta(minutes=12)
"""How long a run of the function goes on looking; it has 15 minutes, and comes every 15."""

SOONEST = timedelta(minutes=15)
LATEST = timedelta(days=1)
"""A recording that is still on its way is looked at again after as long as it has taken so far."""

MESSAGE_LASTS = timedelta(hours=6)
"""When a message that has been received must be lost: the queue gives it again every 90 minutes."""

HANGS_AFTER = timedelta(days=1)
"""When somebody is told that a recording is still on its way: Transcribe takes hours at most."""

ITEMS = "items"
STAGES = (keys.UPLOADS, keys.FEATURES, keys.RENDITIONS, keys.TRANSCRIPTS, ITEMS)

GONE = "What was made of the recording was removed."
DIED = "each ended without an answer: it needed too much memory or time"

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Findings:
    """What a run has looked at; ``failures`` are what it could not settle and will try again."""

    looks: int = 0
    walked: int = 0
    is_round: bool = False
    hanging: int = 0
    failures: list[Exception] = field(default_factory=list)

    def attempt(self, work: Callable[[], object], what: str) -> None:
        """Do one thing, and go on with the next whatever comes of it."""
        try:
            work()
        except Exception as exc:
            log.exception("reconcile could not settle %s", what)
            self.failures.append(exc)

    def raise_failures(self) -> None:
        """Raise what could not be settled: that is a failed run, and tried again as such."""
        if self.failures:
            raise ExceptionGroup("not everything could be settled", self.failures)


def reconcile(
    services: "Services", *, lasting: timedelta | None = None, pages: int = PAGES
) -> Findings:
    """Walk on, and look at the recordings that are due, as many as there is time for.

    One that cannot be settled keeps no other waiting, and many that are due keep no walk waiting.
    """
    findings = Findings()
    now = services.clock()
    overdue = now - (services.watchlist.longest_due(now) or now)
    for _ in range(pages):
        _walk(services, findings)
    for recording_id in _due(now, lasting, services):
        findings.attempt(partial(_look_at, recording_id, services, findings), recording_id)
    note(
        looks=findings.looks,
        walked=findings.walked,
        look_overdue_seconds=overdue.total_seconds(),
        recordings_hanging=findings.hanging,
        walk_rounds=int(findings.is_round),
    )
    return findings


def _due(now: datetime, lasting: timedelta | None, services: "Services") -> Iterator[str]:
    """Yield each recording that is due by now, until there are no more or the time is over."""
    seen: set[str] = set()
    while due := set(services.watchlist.due(now, LOOKS)) - seen:
        for recording_id in sorted(due):
            if lasting and services.clock() - now >= lasting:
                return
            yield recording_id
        # One that could not be put off would be the first again.
        seen |= due


def _look_at(recording_id: str, services: "Services", findings: Findings) -> None:
    findings.looks += 1
    look(recording_id, services)
    found = services.recordings.find(recording_id)
    if found and not found.is_settled:
        age = services.clock() - datetime.fromisoformat(found.attributes["created_at"])
        findings.hanging += age > HANGS_AFTER


def look(recording_id: str, services: "Services") -> None:
    """Do what is missing of one recording; strike it off the list if nothing is."""
    recording = services.recordings.find(recording_id)
    if recording is None:
        return
    # First of all, for what cannot be settled must not keep others from being looked at.
    again = _next_look(recording, services.clock())
    services.watchlist.put_off(recording_id, again)
    if services.media.find_source(recording) is None:
        remove_everything(recording_id, services)
        return
    _ask_transcribe(recording, services)
    _ask_mediaconvert(recording, services)
    _ask_for_features(recording, services)
    _miss_results(recording_id, services)
    events.resume(recording_id, services)
    found = services.recordings.find(recording_id)
    if found and _is_well(found):
        services.watchlist.strike_off(recording_id, again.isoformat())


def _next_look(recording: Recording, now: datetime) -> datetime:
    taken = now - datetime.fromisoformat(recording.attributes["created_at"])
    return now + min(max(taken, SOONEST), LATEST)


def _is_well(recording: Recording) -> bool:
    outcome = outcome_of(recording)
    return (
        recording.is_settled
        and f"notice_{outcome}_sent_at" in recording.attributes
        and not any(_is_worth_a_retry(recording, branch) for branch in Branch)
    )


def _is_worth_a_retry(recording: Recording, branch: Branch) -> bool:
    return (
        recording.status_of(branch) == Status.FAILED
        and f"{branch}_internal" in recording.attributes
        and f"{branch}_retried" not in recording.attributes
    )


def _ask_transcribe(recording: Recording, services: "Services") -> None:
    """Take a job's own answer for an event that has not come."""
    if recording.status_of(Branch.TRANSCRIPTION) == Status.IN_PROGRESS:
        job = services.transcriber.find(recording.id)
        key = services.settings.transcription.transcript_key(recording.id)
        if job is None:
            _reopen(recording, Branch.TRANSCRIPTION, services)
        elif job["TranscriptionJobStatus"] == "FAILED":
            events.record_transcription_failure(recording.id, services)
        elif job["TranscriptionJobStatus"] == "COMPLETED":
            if services.results.find(key):
                events.store_transcript(key, services)
            else:
                _retry(recording, Branch.TRANSCRIPTION, services)
    elif _is_worth_a_retry(recording, Branch.TRANSCRIPTION):
        _retry(recording, Branch.TRANSCRIPTION, services)


def _ask_mediaconvert(recording: Recording, services: "Services") -> None:
    job_id = recording.attributes.get("renditions_job_id")
    if recording.status_of(Branch.RENDITIONS) == Status.IN_PROGRESS and job_id:
        job = services.transcoder.get(job_id)
        if job is None:
            _reopen(recording, Branch.RENDITIONS, services)
        elif job["Status"] in ("COMPLETE", "ERROR", "CANCELED"):
            events.store_renditions(mediaconvert_events.detail_of(job), services)
    elif _is_worth_a_retry(recording, Branch.RENDITIONS):
        _retry(recording, Branch.RENDITIONS, services)


def _ask_for_features(recording: Recording, services: "Services") -> None:
    if recording.status_of(Branch.FEATURES) == Status.IN_PROGRESS:
        moved = datetime.fromisoformat(recording.attributes["features_at"])
        if recording.attributes.get("features_attempts", 1) >= events.ATTEMPTS:
            # Its message has been put aside, and whoever had it last is no longer alive.
            events.give_up_features(recording.id, DIED, services)
        elif services.clock() - moved > MESSAGE_LASTS:
            _reopen(recording, Branch.FEATURES, services)
    elif _is_worth_a_retry(recording, Branch.FEATURES):
        _retry(recording, Branch.FEATURES, services)


def _miss_results(recording_id: str, services: "Services") -> None:
    """Make again what is said to be there and is not: a late clean-up may have taken it."""
    recording = services.recordings.find(recording_id)
    if recording is None:
        return
    there = {
        key
        for prefix in keys.derived_prefixes(recording_id)
        for key in services.results.keys(prefix)
    }
    claimed = {
        Branch.TRANSCRIPTION: {recording.attributes.get("transcript_key")},
        Branch.FEATURES: {*(recording.attributes.get("feature_keys") or {}).values()},
        Branch.RENDITIONS: {
            file["key"] for file in (recording.attributes.get("rendition_files") or {}).values()
        },
    }
    for branch, made in claimed.items():
        if recording.status_of(branch) == Status.COMPLETED and not made <= there:
            _retry(recording, branch, services)
    words = (recording.attributes.get("word_table_keys") or {}).values()
    if not there.issuperset(words):
        services.recordings.note(recording_id, {"word_table_keys": None})


def _retry(recording: Recording, branch: Branch, services: "Services") -> None:
    """Start a branch once more; what has been tried again already stays failed."""
    if f"{branch}_retried" in recording.attributes:
        settle(
            recording.id,
            branch,
            Status.FAILED,
            services,
            reason=GONE,
            unless=frozenset(Status) - {recording.status_of(branch)},
        )
        return
    _reopen(recording, branch, services, retried=True)


def _reopen(
    recording: Recording, branch: Branch, services: "Services", *, retried: bool | None = None
) -> None:
    """Make a branch PENDING again, with nothing left of how it was; unless it has moved on."""
    if branch == Branch.TRANSCRIPTION:
        # Or a late event would find that the old job has failed, and take it for the new one.
        services.transcriber.delete(recording.id)
    left: dict[Branch, dict[str, Any]] = {
        Branch.TRANSCRIPTION: {"transcript_key": None},
        Branch.FEATURES: {"feature_keys": None, "features_attempts": None},
        Branch.RENDITIONS: {
            "rendition_files": None,
            "renditions_job_id": None,
            "renditions_started_at": None,
        },
    }
    settle(
        recording.id,
        branch,
        Status.PENDING,
        services,
        unless=frozenset(Status) - {recording.status_of(branch)},
        attributes=left[branch]
        | {"word_table_keys": None}
        | ({f"{branch}_retried": True} if retried else {}),
    )


def _walk(services: "Services", findings: Findings) -> None:
    """Walk one page on, and remember where to go on from."""
    stage, after = services.bookmark.read()
    if stage not in STAGES:
        stage, after = STAGES[0], ""
    if stage == ITEMS:
        following = _walk_items(after, services, findings)
    else:
        following = _walk_objects(stage, after, services, findings)
    if following is None:
        number = STAGES.index(stage) + 1
        findings.is_round |= number == len(STAGES)
        stage = STAGES[number % len(STAGES)]
    services.bookmark.write(stage, following or "")


def _walk_objects(prefix: str, after: str, services: "Services", findings: Findings) -> str | None:
    store = services.media if prefix == keys.UPLOADS else services.results
    page, has_more = store.page(prefix, after)
    work: dict[str, Callable[[], object]] = {}
    for found in page:
        if prefix == keys.UPLOADS:
            if not found.is_folder:
                work[found.recording_id] = partial(events.receive_upload, found.key, services)
        elif recording_id := keys.derived_id(found.key):
            work[recording_id] = partial(_remove_orphans, recording_id, services)
    for recording_id, put_right in work.items():
        findings.walked += 1
        if services.recordings.find(recording_id) is None:
            findings.attempt(put_right, recording_id)
    return page[-1].key if has_more else None


def _remove_orphans(recording_id: str, services: "Services") -> None:
    services.transcriber.delete(recording_id)
    remove_results(recording_id, services)


def _walk_items(after: str, services: "Services", findings: Findings) -> str | None:
    cursor = after or None
    for _ in range(READS_A_PAGE):
        page, cursor = services.recordings.page(cursor=cursor)
        for recording in page:
            findings.walked += 1
            if services.media.find_source(recording) is None:
                findings.attempt(partial(remove_everything, recording.id, services), recording.id)
        if cursor is None:
            break
    return cursor
