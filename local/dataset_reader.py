"""The recordings of a folder of results, as a data set reads them."""

import gzip
import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from chalicelib.core.datasets.candidates import source_of
from chalicelib.core.datasets.models import LeftOut, Source
from chalicelib.core.features.frames import Frames, read_frames
from chalicelib.core.keys import JOINED_TABLES
from chalicelib.core.transcripts.correcting import correct
from chalicelib.core.transcripts.corrections import load_corrections
from chalicelib.core.transcripts.models import Transcript
from chalicelib.core.transcripts.parsing import load_transcript
from chalicelib.errors import EarshotError
from local.outcomes import Outcome, Outcomes


@dataclass(slots=True)
class DeskReader:
    """Recordings of a folder of results; the last one is kept while its parts are read."""

    outcomes: Outcomes
    _last: Outcome | None = None

    def outcome(self, recording_id: str) -> Outcome:
        """Return the outcome of a recording."""
        last = self._last
        if last is None or last.recording is None or last.recording.id != recording_id:
            last = self._last = self.outcomes.read(recording_id)
        if last is None or last.recording is None:
            raise EarshotError("Its results are no longer in the folder")
        return last

    def source(self, recording_id: str) -> Source | LeftOut:
        """Return a recording, or the reason why it cannot be in a data set."""
        found = self.outcome(recording_id)
        if found.recording is None:
            raise TypeError(found)
        return source_of(found.recording, audio=_audio(found))

    def transcript(self, source: Source) -> Transcript:
        """Return the transcript with its corrections."""
        outputs = self.outcome(source.recording_id).outputs
        made = outputs.get("transcript.corrections")
        corrections = load_corrections(Path(made).read_bytes() if made else None)
        document = Path(outputs["transcript"]).read_bytes()
        return correct(load_transcript(document), corrections).transcript

    def segments(self, source: Source) -> bytes:
        """Return ``segments.csv``."""
        return Path(self.outcome(source.recording_id).outputs["segments"]).read_bytes()

    @contextmanager
    def frames(self, source: Source) -> Iterator[Iterator[Frames]]:
        """Open the tables as frames."""
        outputs = self.outcome(source.recording_id).outputs
        with ExitStack() as stack:
            tables = [_open(Path(outputs[name]), stack) for name in JOINED_TABLES]
            yield read_frames(*tables, frame_s=source.recipe.frame_s)

    @contextmanager
    def audio(self, source: Source) -> Iterator[BinaryIO]:
        """Open the file, or the audio track if the recording was measured from that."""
        try:
            with Path(source.audio).open("rb") as stream:
                yield stream
        except FileNotFoundError as exc:
            raise EarshotError(f"{source.audio} is no longer there") from exc

    def stamp(self, recording_id: str) -> str:
        """Return a text that changes with the transcript and the tables."""
        outputs = self.outcome(recording_id).outputs
        digest = hashlib.sha256()
        for name in ("transcript", "transcript.corrections", "segments"):
            if name in outputs:
                digest.update(Path(outputs[name]).read_bytes())
        return digest.hexdigest()


def _audio(outcome: Outcome) -> str:
    measured = outcome.recording.measurement if outcome.recording else None
    track = measured.measured_key if measured else None
    names = {Path(path).name: path for path in outcome.outputs.values()}
    return str(Path(names[Path(track).name] if track else outcome.file).resolve())


def _open(path: Path, stack: ExitStack) -> BinaryIO:
    if path.suffix == ".gz":
        return cast("BinaryIO", stack.enter_context(gzip.open(path)))
    return stack.enter_context(path.open("rb"))
