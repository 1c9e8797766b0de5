"""Kaldi: a data directory for each split, and archives of features.

https://kaldi-asr.org/doc/data_prep.html
"""

import re
import shlex
from collections.abc import Iterable

from chalicelib.core.datasets.archives import ArchiveWriter
from chalicelib.core.datasets.batches import Example
from chalicelib.core.datasets.models import Recipe, Source, Utterance
from chalicelib.core.datasets.outputs import Outputs
from chalicelib.core.datasets.parameters import DatasetParameters

Line = tuple[str, str]


class KaldiWriter:
    """Writes the lines of ``wav.scp``, ``segments``, ``text`` and so on, and archives.

    Kaldi wants every file in the order of its first words, as bytes, and utterances in the order of
    their speakers too. So an utterance's id begins with its speaker's, and a speaker's with the
    recording's. Recordings come in the order of their ids, and the lines of one are sorted here.
    """

    def __init__(self, outputs: Outputs, parameters: DatasetParameters, recipe: Recipe) -> None:
        del recipe
        self._outputs = outputs
        self._source: Source | None = None
        self._waiting: list[tuple[Utterance, str | None]] = []
        path = f"feats/{outputs.split}-{outputs.batch:05d}-{{:03d}}.ark"
        self._archives = ArchiveWriter(outputs, path, shard_bytes=parameters.shard_bytes)

    def add(self, example: Example) -> None:
        """Write an utterance's matrix, and its lines when the recording has ended."""
        if self._source and self._source != example.source:
            self._write_lines(self._source)
        self._source = example.source
        place = None
        if example.frames is not None:
            place = self._archives.add(
                utterance_id(example.utterance, example.source), example.frames
            )
        self._waiting.append((example.utterance, place))

    def close(self) -> None:
        """Write the last lines, and finish the archive."""
        if self._source:
            self._write_lines(self._source)
        self._archives.close()

    def _write_lines(self, source: Source) -> None:
        utterances = [one for one, _ in self._waiting]
        ids = [utterance_id(one, source) for one in utterances]
        speakers = [speaker_id(one, source) for one in utterances]
        self._write("text", zip(ids, (one.text for one in utterances), strict=True))
        self._write(
            "segments",
            (
                (id_, f"{recording(one, source)} {one.start:.6f} {one.end:.6f}")
                for id_, one in zip(ids, utterances, strict=True)
            ),
        )
        self._write("utt2spk", zip(ids, speakers, strict=True))
        self._write(
            "utt2dur",
            ((id_, f"{one.duration:.6f}") for id_, one in zip(ids, utterances, strict=True)),
        )
        self._write(
            "spk2utt",
            (
                (
                    speaker,
                    " ".join(
                        id_ for id_, of in sorted(zip(ids, speakers, strict=True)) if of == speaker
                    ),
                )
                for speaker in set(speakers)
            ),
        )
        channels = {recording(one, source): one.channel for one in utterances}
        self._write("wav.scp", ((id_, wav(source, channel)) for id_, channel in channels.items()))
        self._write("reco2dur", ((id_, f"{source.duration_s:.6f}") for id_ in channels))
        places = [(id_, place) for id_, (_, place) in zip(ids, self._waiting, strict=True) if place]
        if places:
            self._write("feats.scp", places)
        self._waiting = []

    def _write(self, name: str, lines: Iterable[Line]) -> None:
        part = self._outputs.part(name)
        for key, rest in sorted(lines, key=lambda line: line[0].encode()):
            part.write(f"{key} {rest}\n".encode())


def speaker_id(utterance: Utterance, source: Source) -> str:
    """Return the id of a speaker in a recording; the recording's if the speaker is unknown."""
    label = re.sub(r"\s+", "_", utterance.speaker or "")
    return f"{recording(utterance, source)}-{label}" if label else recording(utterance, source)


def utterance_id(utterance: Utterance, source: Source) -> str:
    """Return an utterance's id, which begins with its speaker's."""
    return f"{speaker_id(utterance, source)}-{utterance.id.rpartition('-')[2]}"


def recording(utterance: Utterance, source: Source) -> str:
    """Return the id of the one-channel recording that an utterance is in."""
    channel = "" if utterance.channel is None else f"-ch{utterance.channel}"
    return f"{source.recording_id}{channel}"


def wav(source: Source, channel: int | None) -> str:
    """Return how Kaldi gets a recording as WAV with one channel: a path, or a command.

    Kaldi reads one-channel WAV files, and the output of a command that ends with a bar.
    """
    is_remote = source.audio.startswith("s3://")
    if source.audio.lower().endswith(".wav") and source.n_channels == 1 and not is_remote:
        return source.audio
    fetched = f"aws s3 cp {shlex.quote(source.audio)} - | " if is_remote else ""
    name = "pipe:0" if is_remote else shlex.quote(source.audio)
    mixed = "-ac 1" if channel is None else f"-af 'pan=mono|c0=c{channel}'"
    return f"{fetched}ffmpeg -loglevel error -i {name} {mixed} -c:a pcm_s16le -f wav - |"
