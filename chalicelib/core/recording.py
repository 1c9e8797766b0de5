"""The recording: the state of each branch, and what follows from them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from chalicelib.core import keys
from chalicelib.core.results import Measurement, RenditionSet, TranscriptSummary
from chalicelib.core.upload import Upload


class Status(StrEnum):
    """The status of a branch."""

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


class Outcome(StrEnum):
    """The subject of a notice; there is one notice at most for each recording and outcome."""

    DONE = "done"
    FAILED = "failed"


UNFINISHED = frozenset({Status.PENDING, Status.IN_PROGRESS})
ENDED = frozenset({Status.COMPLETED, Status.FAILED, Status.SKIPPED})
DONE = frozenset({Status.COMPLETED, Status.SKIPPED})


MOST_REMADE = 3
"""Most times that what a clean-up took of a branch is made again: it may be taken for ever."""

DAMAGE = ("The recording cannot be read", "The file is damaged", "The audio track of the file")
"""First words of the extraction's reasons when a file is damaged: they say what is wrong."""

DAMAGE_UNNAMED = (
    "The data in your input media file isn't valid",
    "Unsupported media format",
    "The media format provided does not match",
)
"""First words of Amazon Transcribe's reasons for the same file, which do not say what is wrong."""


@dataclass(frozen=True, slots=True)
class BranchState:
    """The state of one branch.

    Parameters
    ----------
    reason : str or None
        a sentence about the outcome, for the owner
    at : str or None
        time of the last change of status
    attempt : int
        number of the branch's latest attempt; each job, and each return to PENDING, draws a greater
        one, and 0 means that there is none
    internal : bool
        the recording has no part in the failure, so another try may help
    retried : bool
        the branch has failed, and was tried again
    remade : int
        number of times that clean-ups removed the branch's outputs, or canceled its job, and both
        were made again
    job_id : str or None
        the latest job: its name, or its id in MediaConvert
    receives : int
        number of times that the branch's message was received
    track_alone : bool
        the ladder has failed, so a job of the branch makes the audio track alone
    """

    status: Status = Status.PENDING
    reason: str | None = None
    at: str | None = None
    attempt: int = 0
    internal: bool = False
    retried: bool = False
    remade: int = 0
    job_id: str | None = None
    receives: int = 0
    track_alone: bool = False

    @property
    def may_be_remade(self) -> bool:
        """Return whether missing outputs are made again: several people may clean up at once."""
        return self.remade < MOST_REMADE

    @property
    def is_worth_a_retry(self) -> bool:
        """Return whether the branch has failed once, and the file is not the cause."""
        return self.status == Status.FAILED and self.internal and not self.retried


@dataclass(frozen=True, slots=True)
class NoticeState:
    """Times at which the notice of one outcome was claimed by a sender, and was sent."""

    claimed_at: str | None = None
    sent_at: str | None = None


@dataclass(frozen=True, slots=True)
class Recording:
    """One upload, the states of its branches and their results.

    ``transcription_options`` are the options of the transcription that its metadata sets.
    """

    id: str
    owner: str
    source_key: str
    etag: str
    size: int
    created_at: str
    updated_at: str
    restarted_at: str | None = None
    accepted_at: str | None = None
    look_at: str | None = None
    transcription_options: Mapping[str, str] = field(default_factory=dict)
    transcription: BranchState = BranchState()
    features: BranchState = BranchState()
    renditions: BranchState = BranchState()
    transcript: TranscriptSummary | None = None
    measurement: Measurement | None = None
    rendered: RenditionSet = field(default_factory=RenditionSet)
    word_table_keys: Mapping[str, str] = field(default_factory=dict)
    notice_done: NoticeState = NoticeState()
    notice_failed: NoticeState = NoticeState()

    @classmethod
    def of(cls, upload: Upload, *, created_at: str) -> "Recording":
        """Return the first state of an upload's recording."""
        return cls(
            id=upload.recording_id,
            owner=keys.owner(upload.key),
            source_key=upload.key,
            etag=upload.etag,
            size=upload.size,
            created_at=created_at,
            updated_at=created_at,
            transcription_options=upload.transcription_options,
        )

    @classmethod
    def of_archive(
        cls,
        upload: Upload,
        *,
        created_at: str,
        owner: str | None = None,
        skipped: Collection[Branch] = (),
        reason: str | None = None,
    ) -> "Recording":
        """Return the first state of a recording of an archive.

        An administrator has asked for it, so its hours do not count in anybody's quota, and there
        are no notices, because there would be one for each recording.

        Parameters
        ----------
        owner : str or None
            the owner; None for the one that the upload's key names
        skipped : collection of Branch
            branches that were not asked for, which are SKIPPED with the ``reason``
        """
        recording = cls.of(upload, created_at=created_at)
        states = {
            branch: BranchState(Status.SKIPPED, reason=reason, at=created_at)
            if branch in skipped
            else recording.state(branch)
            for branch in Branch
        }
        told = NoticeState(claimed_at=created_at, sent_at=created_at)
        return replace(
            recording,
            owner=owner or recording.owner,
            accepted_at=created_at,
            transcription=states[Branch.TRANSCRIPTION],
            features=states[Branch.FEATURES],
            renditions=states[Branch.RENDITIONS],
            notice_done=told,
            notice_failed=told,
        )

    def state(self, branch: Branch) -> BranchState:
        """Return the state of a branch."""
        states = {
            Branch.TRANSCRIPTION: self.transcription,
            Branch.FEATURES: self.features,
            Branch.RENDITIONS: self.renditions,
        }
        return states[branch]

    def status_of(self, branch: Branch) -> Status:
        """Return the status of a branch."""
        return self.state(branch).status

    def notice(self, outcome: Outcome) -> NoticeState:
        """Return the state of an outcome's notice."""
        return {Outcome.DONE: self.notice_done, Outcome.FAILED: self.notice_failed}[outcome]

    @property
    def statuses(self) -> dict[str, str]:
        """The status of each branch, by its name."""
        return {branch.value: self.status_of(branch).value for branch in Branch}

    @property
    def duration_s(self) -> float | None:
        """The duration, if it is known."""
        return self.measurement.duration_s if self.measurement else self.rendered.duration_s

    @property
    def is_settled(self) -> bool:
        """Return whether all branches are settled."""
        unfinished = UNFINISHED.intersection(self.status_of(branch) for branch in Branch)
        return not unfinished and not self.awaits_words

    @property
    def awaits_words(self) -> bool:
        """Return whether transcript and tables are there, and not joined yet."""
        return self.can_join_words and not self.word_table_keys

    @property
    def can_join_words(self) -> bool:
        """Return whether transcript and tables are there.

        Tables of single channels, or without pitch, are not joined.
        """
        return (
            self.transcription.status == Status.COMPLETED
            and self.features.status == Status.COMPLETED
            and self.transcript is not None
            and self.measurement is not None
            and self.measurement.feature_keys.keys() >= set(keys.JOINED_TABLES)
        )

    @property
    def status(self) -> Status:
        """Return the recording's overall status."""
        found = {self.status_of(branch) for branch in Branch}
        if found & UNFINISHED:
            return Status.PENDING if found <= {Status.PENDING} else Status.IN_PROGRESS
        return Status.FAILED if Status.FAILED in found else Status.COMPLETED

    @property
    def reason(self) -> str | None:
        """Return the reasons of the outcome, failures first, each reason once."""
        noted = sorted(
            (
                (state.status != Status.FAILED, state.reason)
                for state in map(self.state, Branch)
                if state.reason and state.status != Status.SKIPPED
            ),
            key=lambda pair: pair[0],
        )
        reasons = dict.fromkeys(reason for _, reason in noted)
        if any(reason.startswith(DAMAGE) for reason in reasons):
            reasons = dict.fromkeys(one for one in reasons if not one.startswith(DAMAGE_UNNAMED))
        return " ".join(reasons) or None
