"""The walk of ``reconcile`` through everything that there is, a page in each run.

It goes through the buckets, and finds uploads without a recording and outputs without a recording.
Then it goes through the table, and finds recordings without an upload. At the end it starts again.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from chalicelib.core import keys
from chalicelib.core.recording import Recording
from chalicelib.core.upload import Upload
from chalicelib.errors import SourceClosedError
from chalicelib.pipeline import events, transcription
from chalicelib.pipeline.removal import delete_outputs, delete_outputs_jobs_and_item

if TYPE_CHECKING:
    from chalicelib.services import Services

READS_A_PAGE = 20
"""Number of reads for a page of the table; each reads 50 items only, because items may be large."""

ITEMS = "items"
WALK = (keys.UPLOADS, keys.FEATURES, keys.RENDITIONS, keys.TRANSCRIPTS, keys.JOBS, ITEMS)

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Findings:
    """Numbers of a run; ``failures`` are the looks that failed and will be repeated."""

    looks: int = 0
    walked: int = 0
    is_round: bool = False
    hanging: int = 0
    failures: list[Exception] = field(default_factory=list)

    def attempt(self, work: Callable[[], object], what: str) -> None:
        """Count a failure of one piece of work, and continue with the next."""
        try:
            work()
        except Exception as exc:
            log.exception("reconcile could not settle %s", what)
            self.failures.append(exc)

    def raise_failures(self) -> None:
        """Raise an error if there were failures, so that the run is repeated."""
        if self.failures:
            raise ExceptionGroup("not everything could be settled", self.failures)


def walk(services: "Services", findings: Findings) -> None:
    """Walk one page, and store the place for the next run.

    The places are the prefixes of the buckets, and then the table.
    """
    place, after = services.bookmark.read()
    if place not in WALK:
        place, after = WALK[0], ""
    if place == ITEMS:
        following = _walk_items(after, services, findings)
    else:
        following = _walk_objects(place, after, services, findings)
    if following is None:
        number = WALK.index(place) + 1
        findings.is_round |= number == len(WALK)
        place = WALK[number % len(WALK)]
    services.bookmark.write(place, following or "")


def _walk_objects(prefix: str, after: str, services: "Services", findings: Findings) -> str | None:
    store = services.media if prefix == keys.UPLOADS else services.results
    page, has_more = store.page(prefix, after)
    work: dict[str, Callable[[], object]] = {}
    for found in page:
        if prefix == keys.UPLOADS:
            if not found.is_folder:
                work[found.recording_id] = partial(_create, found, services)
        elif recording_id := keys.derived_id(found.key, services.settings.job_prefix):
            work[recording_id] = partial(delete_outputs, recording_id, services)
    for recording_id, put_right in work.items():
        findings.walked += 1
        if services.recordings.find(recording_id) is None:
            findings.attempt(put_right, recording_id)
    return page[-1].key if has_more else None


def _create(upload: Upload, services: "Services") -> None:
    """Create the recording of an upload that has none, and start it."""
    transcription.take_over(upload, services)
    events.receive_upload(upload.key, services)


def _walk_items(after: str, services: "Services", findings: Findings) -> str | None:
    cursor = after or None
    for _ in range(READS_A_PAGE):
        page, cursor = services.recordings.page(cursor=cursor)
        for recording in page:
            findings.walked += 1
            findings.attempt(partial(_delete_if_gone, recording, services), recording.id)
        if cursor is None:
            break
    return cursor


def _delete_if_gone(recording: Recording, services: "Services") -> None:
    try:
        if services.media.find_source(recording) is None:
            delete_outputs_jobs_and_item(recording, services)
    except SourceClosedError:
        return  # nobody can say whether the original is there, so its outputs stay
