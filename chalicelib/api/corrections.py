"""Corrections of a transcript: shown, and replaced unless another person has changed them first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from chalicelib.api.requests import Request
from chalicelib.core import keys
from chalicelib.core.recording import Branch, Recording
from chalicelib.core.transcripts.correcting import correct
from chalicelib.core.transcripts.corrections import (
    Correction,
    dump_corrections,
    load_corrections,
    read_corrections,
    replaced,
)
from chalicelib.errors import NotThereError, RequestError
from chalicelib.pipeline.alignment import align
from chalicelib.pipeline.transcripts import read_transcript

if TYPE_CHECKING:
    from chalicelib.services import Services

NONE_YET = "none"
"""The ETag of corrections that nobody has written yet."""

SETTLED_S = 5
"""Seconds after which the outputs are made again, so that they get several corrections at once."""

LOOK_AFTER = timedelta(minutes=15)
"""Time after which ``reconcile`` makes the outputs that the message has not made."""


@dataclass(frozen=True, slots=True)
class Corrections:
    """An answer: the present corrections, their ETag, and whether the new ones were refused."""

    body: dict[str, Any]
    etag: str
    is_refused: bool = False

    @property
    def headers(self) -> dict[str, str]:
        """The header fields of the answer."""
        return {"ETag": f'"{self.etag}"', "Cache-Control": "no-cache"}


def show_corrections(recording: Recording, services: "Services") -> Corrections:
    """Return a recording's corrections, each with whether its words are in the transcript."""
    reading = read_transcript(recording, services)
    if reading:
        return _shown(recording, reading.corrections, reading.corrected.matches, reading.etag)
    stored = services.corrections.read(recording.id)
    there = load_corrections(stored.body)
    return _shown(recording, there, [False] * len(there), stored.etag)


def write_corrections(recording: Recording, request: Request, services: "Services") -> Corrections:
    """Replace a recording's corrections, if they are still those that the caller has seen.

    New corrections get the caller's name and the time. If another person has changed them
    meanwhile, nothing is written, and the present ones are returned with ``is_refused``.
    """
    seen = request.header("if-match").removeprefix("W/").strip('"')
    if not seen:
        raise RequestError("If-Match must be the ETag that the corrections were shown with.")
    wanted = read_corrections(request.body())
    reading = read_transcript(recording, services)
    if reading is None:
        status = recording.status_of(Branch.TRANSCRIPTION)
        raise NotThereError(f"The recording has no transcript: transcription is {status}.")
    present = reading.corrections
    made = replaced(
        present, wanted, by=request.caller.owner, at=services.clock().isoformat(timespec="seconds")
    )
    known = set(present)
    made = align(made, known, reading.original, recording, services)
    matches = correct(reading.original, made).matches
    for one, matched in zip(made, matches, strict=True):
        if not matched and one not in known:
            raise RequestError(
                f"There is no {' '.join(one.words)[:100]!r} at {one.start_s:.2f} s of the"
                " transcript. Take words and start_s from the transcript with version=original."
            )
    body = dump_corrections(made)
    # In case this function ends before it can ask for the outputs.
    services.watchlist.put_off(recording.id, services.clock() + LOOK_AFTER)
    etag = (
        services.corrections.write(recording.id, body, over=reading.etag)
        if seen == (reading.etag or NONE_YET)
        else None
    )
    stored = services.corrections.read(recording.id) if etag is None else None
    if stored and stored.body == body:
        etag = stored.etag  # a repeated request meets its own first attempt
    elif stored:
        there = load_corrections(stored.body)
        found = _shown(recording, there, correct(reading.original, there).matches, stored.etag)
        return Corrections(found.body, found.etag, is_refused=True)
    if services.recordings.find(recording.id) is None:
        services.results.remove(keys.corrections(recording.id))
        raise NotThereError("The recording was deleted meanwhile.")
    services.features_queue.send_corrections(recording.id, delay_s=SETTLED_S)
    return _shown(recording, made, matches, etag)


def _shown(
    recording: Recording,
    corrections: Sequence[Correction],
    matches: Sequence[bool],
    etag: str | None,
) -> Corrections:
    entries = [
        {
            "kind": one.kind.value,
            "words": list(one.words),
            "start_s": one.start_s,
            "channel": one.channel,
            "text": one.text,
            "by": one.by,
            "at": one.at,
            "matches": matched,
        }
        for one, matched in zip(corrections, matches, strict=True)
    ]
    return Corrections({"recording_id": recording.id, "corrections": entries}, etag or NONE_YET)
