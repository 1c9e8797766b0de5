"""Notices for people and programs: a recording is done, or a branch of it has failed."""

import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.core import keys
from chalicelib.core.recording import Branch, Outcome, Recording, Status

SUBJECT_LENGTH = 99
"""Longest subject in Amazon SNS: fewer than 100 characters, ASCII, in one line."""

REASON_LENGTH = 1000


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice: JSON for programs, a subject and a text for people."""

    outcome: Outcome
    owner: str
    subject: str
    text: str
    body: Mapping[str, Any]

    @property
    def json(self) -> str:
        """The body of the message."""
        return json.dumps(self.body)  # in ASCII, so that it is one line

    @property
    def attributes(self) -> dict[str, str]:
        """Attributes that a subscription can filter by."""
        return {"event": self.outcome.value, "owner": self.owner}


def outcome_of(recording: Recording) -> Outcome | None:
    """Return the outcome that a recording needs a notice for, or None."""
    if any(recording.status_of(branch) == Status.FAILED for branch in Branch):
        return Outcome.FAILED
    return Outcome.DONE if recording.is_settled else None


def failed_branches(recording: Recording) -> str:
    """Return the failed branches, joined by a plus sign, which is the dimension of failures."""
    failed = (branch for branch in Branch if recording.status_of(branch) == Status.FAILED)
    return "+".join(branch.value for branch in failed)


def notice_of(recording: Recording, outcome: Outcome, *, api_url: str) -> Notice:
    """Return the notice of a recording's outcome.

    It does not contain the transcript, because mail and queues must not have spoken words.
    """
    name = _line(recording.source_key.rpartition("/")[2])
    link = f"{api_url.rstrip('/')}/#/recordings/{recording.id}" if api_url else None
    body = {
        "event": outcome.value,
        "recording_id": recording.id,
        "owner": recording.owner,
        "source_key": recording.source_key,
        "status": recording.status.value,
        "statuses": recording.statuses,
        "reason": _excerpt(recording.reason),
        "keys": _keys(recording),
        "link": link,
    }
    verb = {Outcome.DONE: "is done", Outcome.FAILED: "has failed"}[outcome]
    lines = [f"Your recording {name} {verb}.", ""]
    lines += [f"{branch}: {status}" for branch, status in recording.statuses.items()]
    if body["reason"]:
        lines += ["", _line(str(body["reason"]))]
    if link:
        lines += ["", link]
    return Notice(
        outcome=outcome,
        owner=recording.owner,
        subject=_subject(name, verb, recording.id),
        text="\n".join(lines) + "\n",
        body=body,
    )


def _keys(recording: Recording) -> dict[str, Any]:
    transcript, measurement = recording.transcript, recording.measurement
    files = recording.rendered.rendition_files
    return {
        "transcript": transcript.transcript_key if transcript else None,
        # The transcript's object never changes, so whoever reads it needs these too.
        "corrections": (
            keys.corrections(recording.id) if transcript and transcript.corrections_etag else None
        ),
        "features": dict(measurement.feature_keys) if measurement else {},
        "words": dict(recording.word_table_keys),
        "renditions": {name: file.key for name, file in files.items()},
    }


def _subject(name: str, verb: str, recording_id: str) -> str:
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    readable = ascii_name.strip()
    # A name in another script than ASCII leaves only an extension, or nothing.
    shown = readable if any(map(str.isalnum, readable.rpartition(".")[0])) else recording_id
    room = SUBJECT_LENGTH - len(f"Earshot:  {verb}")
    if len(shown) > room:
        shown = shown[: room - 3] + "..."
    return f"Earshot: {shown} {verb}"


def _line(text: str) -> str:
    """Return a text without line breaks and control characters.

    A name or a reason could otherwise add lines of its own to a message.
    """
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _excerpt(reason: str | None) -> str | None:
    return reason[:REASON_LENGTH] if reason else None
