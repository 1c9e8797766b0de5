"""WebDataset: tar files in which each utterance is a FLAC, a text, a JSON and an array."""

import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import orjson
import soundfile

from chalicelib.core.datasets.batches import Example
from chalicelib.core.datasets.models import Recipe
from chalicelib.core.datasets.outputs import HashedFile, Outputs
from chalicelib.core.datasets.parameters import DatasetParameters

TAR_BLOCK = 512
TAR_END = 10_240  # zeros at the end, which fill the last record
FULL_SCALE = 1 << 15
_FORMAT = tarfile.USTAR_FORMAT


@dataclass(slots=True)
class Tar:
    """A tar file that is written forwards, the same bytes each time: no times, no owners."""

    file: HashedFile
    _tar: tarfile.TarFile

    @classmethod
    def of(cls, file: HashedFile) -> "Tar":
        """Begin a tar file."""
        return cls(file, tarfile.TarFile(fileobj=cast("Any", file), mode="w", format=_FORMAT))

    def add(self, name: str, body: bytes) -> None:
        """Add a member."""
        member = tarfile.TarInfo(name)
        member.size = len(body)
        self._tar.addfile(member, io.BytesIO(body))

    def close(self) -> None:
        """Write the end of the tar file, not of the file below it."""
        self._tar.close()


def tar_bytes(members: Mapping[str, bytes]) -> int:
    """Return the bytes of members in a tar file, with their headers."""
    return sum(TAR_BLOCK + -(-len(body) // TAR_BLOCK) * TAR_BLOCK for body in members.values())


class WebDatasetWriter:
    """Writes ``{split}-{batch}-{number}.tar``.

    Memory holds one utterance.
    """

    def __init__(self, outputs: Outputs, parameters: DatasetParameters, recipe: Recipe) -> None:
        del recipe
        self._outputs = outputs
        self._parameters = parameters
        self._tar: Tar | None = None
        self._n_files = self._n_examples = 0

    def add(self, example: Example) -> None:
        """Add an utterance's members, which have its id as their names."""
        members = _members(example, self._parameters.dtype)
        n_bytes = tar_bytes(members) + TAR_END
        if self._tar and self._tar.file.tell() + n_bytes > self._parameters.shard_bytes:
            self.close()
        if self._tar is None:
            outputs = self._outputs
            name = f"{outputs.split}-{outputs.batch:05d}-{self._n_files:03d}.tar"
            self._tar = Tar.of(outputs.create(name))
            self._n_files += 1
        for suffix, body in members.items():
            self._tar.add(f"{example.utterance.id}.{suffix}", body)
        self._n_examples += 1

    def close(self) -> None:
        """Finish the file."""
        if self._tar:
            self._tar.close()
            self._outputs.keep(self._tar.file, n_utterances=self._n_examples)
            self._tar, self._n_examples = None, 0


def flac(y: np.ndarray, sr: int) -> bytes:
    """Return samples in [-1, 1] of shape (n,) as a FLAC file of 16 bits."""
    steps = np.clip(np.rint(y * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
    body = io.BytesIO()
    soundfile.write(body, steps, sr, format="FLAC", subtype="PCM_16")
    return body.getvalue()


def npy(matrix: np.ndarray, dtype: str) -> bytes:
    """Return an array as a ``.npy`` file."""
    body = io.BytesIO()
    np.save(body, np.ascontiguousarray(matrix, dtype=dtype), allow_pickle=False)
    return body.getvalue()


def _members(example: Example, dtype: str) -> dict[str, bytes]:
    source, utterance = example.source, example.utterance
    facts = {
        "recording_id": source.recording_id,
        "owner": source.owner,
        "audio": source.audio,
        "start_s": utterance.start,
        "end_s": utterance.end,
        "channel": utterance.channel,
        "speaker": utterance.speaker,
        "language": utterance.language,
        "confidence": utterance.confidence,
        "sample_rate_hz": source.recipe.sr,
        # Columns, because readers that make tables of it want lists of one type.
        "words": {
            "text": [word.text for word in utterance.words],
            "start_s": [round(word.start - utterance.start, 6) for word in utterance.words],
            "end_s": [round(word.end - utterance.start, 6) for word in utterance.words],
        },
    }
    members = {"json": orjson.dumps(facts), "txt": utterance.text.encode()}
    if example.y is not None:
        members["flac"] = flac(example.y, source.recipe.sr)
    if example.frames is not None:
        members["npy"] = npy(example.frames, dtype)
    return members
