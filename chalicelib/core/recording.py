"""A recording as the table holds it: where it came from, and how far each branch has come."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from chalicelib.core import keys


class Status(StrEnum):
    """How far one branch of the work has come."""

    PENDING = "PENDING"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"


class Branch(StrEnum):
    """One of the lines of work that an upload starts."""

    TRANSCRIPTION = "transcription"
    FEATURES = "features"
    RENDITIONS = "renditions"


KIND = "recording"
"""What every item is: all of them have it in common, so that one index holds them all by time."""

UNFINISHED = frozenset({Status.PENDING, Status.IN_PROGRESS})


@dataclass(frozen=True, slots=True)
class Upload:
    """What lies under an upload key now."""

    bucket: str
    key: str
    etag: str
    size: int
    metadata: Mapping[str, str] = field(default_factory=dict)
    modified_at: str = ""

    @property
    def recording_id(self) -> str:
        """The id of these bytes under this key of this bucket."""
        return keys.recording_id(self.key, bucket=self.bucket, etag=self.etag, size=self.size)

    @property
    def is_folder(self) -> bool:
        """Tell whether this is the empty object that consoles make for a folder."""
        return self.key.endswith("/") and self.size == 0


@dataclass(frozen=True, slots=True)
class Recording:
    """One upload and what is known of it.

    ``attributes`` is the whole item, as plain values: what it holds grows with each branch.
    """

    attributes: Mapping[str, Any]

    @classmethod
    def of(cls, upload: Upload, *, created_at: str) -> "Recording":
        """Return the recording of an upload that has just been seen, or is to be seen anew."""
        return cls(
            {
                "JsonFile": keys.transcript(upload.recording_id),
                "recording_id": upload.recording_id,
                "kind": KIND,
                "owner": keys.owner(upload.key),
                "source_key": upload.key,
                "etag": upload.etag,
                "size": upload.size,
                "created_at": created_at,
                "updated_at": created_at,
                **dict.fromkeys(Branch, Status.PENDING),
            },
        )

    @property
    def id(self) -> str:
        """The id that everything made from the recording is named by."""
        return str(self.attributes["recording_id"])

    @property
    def owner(self) -> str:
        """Whose it is."""
        return str(self.attributes["owner"])

    @property
    def source_key(self) -> str:
        """The upload key."""
        return str(self.attributes["source_key"])

    def status_of(self, branch: Branch) -> Status:
        """Return how far a branch has come."""
        return Status(self.attributes[branch])

    @property
    def statuses(self) -> dict[str, str]:
        """The status of each branch, by its name."""
        return {branch.value: self.status_of(branch).value for branch in Branch}

    @property
    def is_settled(self) -> bool:
        """Tell whether nothing more is to come."""
        unfinished = UNFINISHED.intersection(self.status_of(branch) for branch in Branch)
        return not unfinished and not self.awaits_words

    @property
    def awaits_words(self) -> bool:
        """Tell whether transcript and tables are there, and not yet joined.

        Tables of single channels, or without pitch, are not joined.
        """
        tables = self.attributes.get("feature_keys", {})
        return (
            self.status_of(Branch.TRANSCRIPTION) == Status.COMPLETED
            and self.status_of(Branch.FEATURES) == Status.COMPLETED
            and tables.keys() >= set(keys.JOINED_TABLES)
            and "word_table_keys" not in self.attributes
        )

    @property
    def status(self) -> Status:
        """Return the recording's status as a whole."""
        found = {self.status_of(branch) for branch in Branch}
        if found & UNFINISHED:
            return Status.PENDING if found <= {Status.PENDING} else Status.IN_PROGRESS
        return Status.FAILED if Status.FAILED in found else Status.COMPLETED

    @property
    def reason(self) -> str | None:
        """Return what there is to say about the outcome, failures first, each thing once."""
        noted = sorted(
            (
                (self.status_of(branch) != Status.FAILED, str(reason))
                for branch in Branch
                if (reason := self.attributes.get(f"{branch}_reason"))
                and self.status_of(branch) != Status.SKIPPED
            ),
            key=lambda pair: pair[0],
        )
        return " ".join(dict.fromkeys(reason for _, reason in noted)) or None

    def to_dict(self) -> dict[str, Any]:
        """Return the recording as the API shows it."""
        return {**self.attributes, "status": self.status.value, "reason": self.reason}
