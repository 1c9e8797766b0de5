"""Values of a data set: a recording as a source, and its utterances."""

from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.core.transcripts.models import Word

MANIFEST = "dataset.json"
"""The file that lists all others; it is written last, so a data set that has it is complete."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """The parameters of the tables that all recordings of a data set share."""

    sr: int
    hop_length: int
    n_mfcc: int

    @property
    def frame_s(self) -> float:
        """Seconds from one frame to the next."""
        return self.hop_length / self.sr


@dataclass(frozen=True, slots=True)
class Source:
    """A recording as a data set needs it.

    Parameters
    ----------
    recording_id, owner : str
        those of the recording
    audio : str
        address of the upload: a path, or an ``s3://`` address
    sample_rate_hz, n_samples, n_channels : int
        of the upload
    n_frames : int
        rows of each of its tables
    recipe : Recipe
        the parameters of the tables
    language : str or None
        the language, if the transcript itself names none
    """

    recording_id: str
    owner: str
    audio: str
    sample_rate_hz: int
    n_samples: int
    n_channels: int
    n_frames: int
    recipe: Recipe
    language: str | None = None

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.n_samples / self.sample_rate_hz


@dataclass(frozen=True, slots=True)
class Utterance:
    """A segment of a transcript as one example of a data set.

    Parameters
    ----------
    id : str
        the recording's id and the number of the segment
    start, end : float
        seconds from the recording's start
    text : str
        on one line
    speaker : str or None
        the label within the recording, or the name that a person has given
    channel : int or None
        number of the channel that it was heard in, None if all channels are one
    language : str or None
        such as ``en-US``
    confidence : float or None
        mean of its words, 0 to 1
    functionals : mapping of str to float or None
        the numbers of its row in ``segments.csv``, by their columns
    words : tuple of Word
        with times in seconds from the recording's start
    first_frame, n_frames : int
        its frames in the recording's tables
    """

    id: str
    start: float
    end: float
    text: str
    speaker: str | None
    channel: int | None
    language: str | None
    confidence: float | None
    functionals: Mapping[str, float | None]
    words: tuple[Word, ...]
    first_frame: int
    n_frames: int

    @property
    def duration(self) -> float:
        """Length in seconds, to the microsecond."""
        return round(self.end - self.start, 6)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A recording, or one utterance of it, that is not in a data set, and the reason."""

    recording_id: str
    reason: str
    utterance_id: str | None = None
