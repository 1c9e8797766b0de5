"""The results of a recording's branches: of the transcript, the tables and the renditions."""

from collections.abc import Mapping
from dataclasses import dataclass, field

ParameterValue = int | float | str | bool | list[str] | None


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
