"""The recording: its upload, the state of its branches, and the results of each."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from chalicelib.core import keys


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

ParameterValue = int | float | str | bool | list[str] | None


OWN = (
    *("language", "multilingual", "max_speakers", "channels", "max_alternatives"),
    *("vocabulary", "vocabulary_filter", "vocabulary_filter_method", "language_model"),
    *("toxicity", "tags", "transcriber"),
)
"""Options that a recording's metadata can set; redaction and the role are the stage's own."""


CHOICES = frozenset(
    {"multilingual", "channels", "vocabulary_filter_method", "toxicity", "transcriber"}
)
"""Options with a few values, in small letters."""


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
class Upload:
    """An object under an upload key, as it is now."""

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
    def transcription_options(self) -> dict[str, str]:
        """Options of the transcription among the metadata, with ``_`` in their names."""
        texts = {name.lower().replace("-", "_"): text for name, text in self.metadata.items()}
        return {
            name: texts[name].strip().lower() if name in CHOICES else texts[name].strip()
            for name in OWN
            if texts.get(name, "").strip()
        }

    @property
    def is_folder(self) -> bool:
        """Return whether this is the empty object that consoles create for a folder."""
        return self.key.endswith("/") and self.size == 0


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
class TranscriptSummary:
    """The result of the transcription.

    ``transcript`` is an excerpt if ``transcript_truncated``; the whole lies under
    ``transcript_key``. ``search_entries`` is the number of the recording's rows in the index.
    ``corrections_etag`` is the ETag of the corrections that are in all of this, in the index and
    in the tables of words; None without corrections. ``heard_by`` is who heard the words.
    """

    transcript_key: str
    transcript: str
    word_count: int
    transcript_truncated: bool = False
    language_code: str | None = None
    mean_confidence: float | None = None
    speakers: tuple[str, ...] = ()
    subtitles_srt_key: str | None = None
    subtitles_vtt_key: str | None = None
    search_entries: int = 0
    corrections_etag: str | None = None
    heard_by: str | None = None


@dataclass(frozen=True, slots=True)
class Measurement:
    """The result of the features branch: tables by name, and what they were computed with.

    ``feature_parameters`` is a record of values that were valid when they were used.
    ``measured_key`` is the audio track, if the upload itself could not be decoded.
    """

    duration_s: float
    sample_rate_hz: int
    source_sample_rate_hz: int
    channels: int
    n_frames: int
    feature_parameters: Mapping[str, ParameterValue]
    feature_keys: Mapping[str, str]
    display_key: str | None = None
    measured_key: str | None = None

    @property
    def frame_s(self) -> float:
        """Seconds from one frame to the next."""
        hop_length = self.feature_parameters["hop_length"]
        if not isinstance(hop_length, int | float):
            raise TypeError(hop_length)
        return hop_length / self.sample_rate_hz


@dataclass(frozen=True, slots=True)
class Rendition:
    """One file made of a video; sizes in pixels and bytes."""

    key: str
    size: int
    width: int | None = None
    height: int | None = None
    duration_s: float | None = None


@dataclass(frozen=True, slots=True)
class RenditionSet:
    """The result of the renditions branch: files by the names of their presets.

    ``audio_track_key`` is where the audio track will be or is, if one is made. ``duration_s`` is
    the duration of a video without sound, which is not measured.
    """

    duration_s: float | None = None
    audio_track_key: str | None = None
    poster_key: str | None = None
    rendition_files: Mapping[str, Rendition] = field(default_factory=dict)


Result = TranscriptSummary | Measurement | RenditionSet


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
    rendered: RenditionSet = RenditionSet()
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
