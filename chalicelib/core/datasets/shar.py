"""Lhotse Shar: cuts, their sound and their features, each in a shard of its own, read together.

https://lhotse.readthedocs.io/en/latest/datasets.html
"""

import gzip
from dataclasses import dataclass, replace
from typing import Any

import orjson

from chalicelib.core.datasets.batches import Example
from chalicelib.core.datasets.lhotse import (
    cut_manifest,
    features_manifest,
    n_columns,
    recording_manifest,
)
from chalicelib.core.datasets.models import Recipe
from chalicelib.core.datasets.outputs import HashedFile, Outputs
from chalicelib.core.datasets.parameters import DatasetParameters
from chalicelib.core.datasets.webdataset import TAR_END, Tar, flac, npy, tar_bytes
from chalicelib.core.features.tables import compressed
from chalicelib.core.transcripts.manifests import json_line

IN_A_SHARD = {"storage_type": "shar", "storage_path": "", "storage_key": ""}


@dataclass(slots=True)
class _Shard:
    cuts: HashedFile
    lines: gzip.GzipFile
    tars: dict[str, Tar]
    n_cuts: int = 0


class SharWriter:
    """Writes ``{split}/cuts.{batch}-{number}.jsonl.gz``, and ``recording`` and ``features`` tars.

    The sound of a cut is that of its utterance alone: its own channel, or the mix of all channels,
    at the rate of the features.
    """

    def __init__(self, outputs: Outputs, parameters: DatasetParameters, recipe: Recipe) -> None:
        del recipe
        self._outputs = outputs
        self._parameters = parameters
        self._shard: _Shard | None = None
        self._n_shards = 0

    def add(self, example: Example) -> None:
        """Write a cut, its sound and its features."""
        cut, members = self._entry(example)
        shard = self._shard_for(members)
        shard.lines.write(json_line(cut).encode())
        for name, pair in members.items():
            for suffix, body in pair.items():
                shard.tars[name].add(f"{example.utterance.id}.{suffix}", body)
        shard.n_cuts += 1

    def close(self) -> None:
        """Finish the shard."""
        if self._shard:
            shard, self._shard = self._shard, None
            shard.lines.close()
            for tar in shard.tars.values():
                tar.close()
            for file in (shard.cuts, *(tar.file for tar in shard.tars.values())):
                self._outputs.keep(file, n_utterances=shard.n_cuts)

    def _shard_for(self, members: dict[str, dict[str, bytes]]) -> _Shard:
        """Return the open shard, or a new one if a file of it would exceed the bound."""
        if self._shard and any(
            self._shard.tars[name].file.tell() + tar_bytes(pair) + TAR_END
            > self._parameters.shard_bytes
            for name, pair in members.items()
        ):
            self.close()
        if self._shard is None:
            outputs = self._outputs
            number = f"{outputs.batch:05d}-{self._n_shards:03d}"
            cuts = outputs.create(f"{outputs.split}/cuts.{number}.jsonl.gz")
            tars = {
                name: Tar.of(outputs.create(f"{outputs.split}/{name}.{number}.tar"))
                for name in members
            }
            self._shard = _Shard(cuts, compressed(cuts), tars)
            self._n_shards += 1
        return self._shard

    def _entry(self, example: Example) -> tuple[dict[str, Any], dict[str, dict[str, bytes]]]:
        # In a shard an utterance is a recording of its own, with one channel.
        one = replace(example.utterance, channel=None)
        y, sr = example.y, example.source.recipe.sr
        if y is None:
            raise TypeError(example)
        source = replace(
            example.source, n_channels=1, sample_rate_hz=sr, n_samples=len(y), audio=""
        )
        sound = recording_manifest(source, resampled=False)
        sound["sources"] = [{"type": "shar", "channels": [0], "source": ""}]
        members = {"recording": {"flac": flac(y, sr), "json": orjson.dumps(sound)}}
        features = None
        if example.frames is not None:
            kind = "+".join(self._parameters.frames)
            features = features_manifest(source, one, kind, n_columns(example))
            features |= {"start": 0, **IN_A_SHARD}
            matrix = npy(example.frames, self._parameters.dtype)
            members["features"] = {"npy": matrix, "json": orjson.dumps(features)}
        return cut_manifest(source, one, sound, features, start=0.0), members
