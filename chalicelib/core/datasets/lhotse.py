"""Lhotse: manifests of recordings, supervisions, features and cuts, a cut for each utterance.

https://lhotse.readthedocs.io
"""

from typing import Any

from chalicelib.core.datasets.archives import ArchiveWriter
from chalicelib.core.datasets.batches import Example
from chalicelib.core.datasets.cutting import n_samples_of
from chalicelib.core.datasets.models import Recipe, Source, Utterance
from chalicelib.core.datasets.outputs import Outputs
from chalicelib.core.datasets.parameters import DatasetParameters
from chalicelib.core.transcripts.manifests import alignment, audio_source, json_line

KALDI_ARCHIVE = "kaldiio"
"""Lhotse's name for matrices in Kaldi's archives, which it reads with kaldi_native_io."""


class LhotseWriter:
    """Writes lines of ``{split}/cuts.jsonl.gz`` and so on, and the features' archives.

    Paths in the manifests begin in the data set's folder; ``with_features_path_prefix`` adds it.
    """

    def __init__(self, outputs: Outputs, parameters: DatasetParameters, recipe: Recipe) -> None:
        del recipe
        self._outputs = outputs
        self._kind = "+".join(parameters.frames)
        self._written: str | None = None
        path = f"feats/{outputs.split}-{outputs.batch:05d}-{{:03d}}.ark"
        self._archives = ArchiveWriter(outputs, path, shard_bytes=parameters.shard_bytes)

    def add(self, example: Example) -> None:
        """Write an utterance, and its recording before the first one."""
        source, utterance = example.source, example.utterance
        recording = recording_manifest(source, resampled=example.frames is not None)
        if self._written != source.recording_id:
            self._write("recordings", recording)
            self._written = source.recording_id
        features = None
        if example.frames is not None:
            place = self._archives.add(utterance.id, example.frames)
            features = {
                **features_manifest(source, utterance, self._kind, n_columns(example)),
                "storage_type": KALDI_ARCHIVE,
                "storage_path": place,
                "storage_key": utterance.id,
            }
            self._write("features", features)
        self._write("supervisions", supervision_manifest(source, utterance, start=utterance.start))
        self._write("cuts", cut_manifest(source, utterance, recording, features))

    def close(self) -> None:
        """Finish the archive."""
        self._archives.close()

    def _write(self, name: str, value: dict[str, Any]) -> None:
        self._outputs.part(f"{name}.jsonl.gz").write(json_line(value).encode())


def n_columns(example: Example) -> int:
    """Return the number of columns of an utterance's frames; 0 without frames."""
    return 0 if example.frames is None else int(example.frames.shape[1])


def channels_of(source: Source, utterance: Utterance) -> int | list[int]:
    """Return the channel of an utterance, or all channels of its recording."""
    if utterance.channel is None and source.n_channels > 1:
        return list(range(source.n_channels))
    return utterance.channel or 0


def recording_manifest(source: Source, *, resampled: bool) -> dict[str, Any]:
    """Return a recording, which Lhotse resamples when it reads the sound.

    A cut has one sampling rate, that of its features. So Lhotse reads the sound at this rate.
    """
    channels = list(range(source.n_channels))
    manifest = {
        "id": source.recording_id,
        "sources": [audio_source(source.audio, channels)],
        "sampling_rate": source.sample_rate_hz,
        "num_samples": source.n_samples,
        "duration": source.duration_s,
        "channel_ids": channels,
    }
    sr = source.recipe.sr
    if resampled and sr != source.sample_rate_hz:
        rates = {"source_sampling_rate": source.sample_rate_hz, "target_sampling_rate": sr}
        n_samples = n_samples_of(source.duration_s, sr)
        manifest |= {
            "sampling_rate": sr,
            "num_samples": n_samples,
            "duration": n_samples / sr,
            "transforms": [{"name": "Resample", "kwargs": rates}],
        }
    return manifest


def supervision_manifest(source: Source, utterance: Utterance, *, start: float) -> dict[str, Any]:
    """Return the text of an utterance, with its words.

    ``start`` is in seconds: of the utterance in its recording, or 0 within a cut.
    """
    manifest = {
        "id": utterance.id,
        "recording_id": source.recording_id,
        "start": start,
        "duration": utterance.duration,
        "channel": channels_of(source, utterance),
        "text": utterance.text,
        "language": utterance.language,
        "speaker": utterance.speaker,
        "alignment": alignment(utterance.words, start=utterance.start - start),
    }
    return {name: value for name, value in manifest.items() if value is not None}


def features_manifest(
    source: Source, utterance: Utterance, kind: str, n_features: int
) -> dict[str, Any]:
    """Return the facts about an utterance's matrix, without where it is stored."""
    return {
        "type": kind,
        "num_frames": utterance.n_frames,
        "num_features": n_features,
        "frame_shift": source.recipe.frame_s,
        "sampling_rate": source.recipe.sr,
        "start": utterance.start,
        "duration": utterance.duration,
        "recording_id": source.recording_id,
        "channels": channels_of(source, utterance),
    }


def cut_manifest(
    source: Source,
    utterance: Utterance,
    recording: dict[str, Any],
    features: dict[str, Any] | None,
    *,
    start: float | None = None,
) -> dict[str, Any]:
    """Return the cut of an utterance; ``start`` is where it begins in ``recording``."""
    channels = channels_of(source, utterance)
    cut = {
        "id": utterance.id,
        "start": utterance.start if start is None else start,
        "duration": utterance.duration,
        "channel": channels,
        "supervisions": [supervision_manifest(source, utterance, start=0.0)],
        "features": features,
        "recording": recording,
        "custom": {"owner": source.owner, "confidence": utterance.confidence},
        "type": "MultiCut" if isinstance(channels, list) else "MonoCut",
    }
    return {name: value for name, value in cut.items() if value is not None}
