"""Local mode's recognisers side by side: word errors, punctuation, word times and CPU.

Real recordings come from a folder with a ``references.tsv`` (columns ``file`` and ``reference``),
and from Debian's package ``pocketsphinx-testdata``; synthesised ones come from flite, which
prints the end of each phone. Missing sources are left out.
"""

import argparse
import csv
import difflib
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from chalicelib.core.speech.recogniser import Engine, RecognisedWord, recognise  # noqa: E402  # imported after the paths are set
from local.transcribe.decoding import samples  # noqa: E402  # imported after the paths are set
from local.transcribe.engines import WITH_MODEL, EngineChoice, is_installed, load_engine  # noqa: E402  # imported after the paths are set

CORPUS = Path("/usr/share/pocketsphinx/test/data")
"""Debian's ``pocketsphinx-testdata``: sentences read aloud, and card games, with their words."""

VOICES = ("rms", "slt", "awb", "kal16")
PACKAGES = ("moonshine-voice", "pocketsphinx", "faster-whisper", "vosk")
SENTENCES = (
    "Good morning. The old man walked along the river, and the birds were singing in the trees.",
    "When the meeting was over, nobody wanted to be the first to leave the room.",
    "She bought seven apples, two loaves of bread and a small bottle of milk.",
    "Please send the letter to my brother, because he lives near the station.",
    "The weather will be cold in the north, but it should stay dry until Sunday.",
    "He opened the window and looked at the garden for a long time.",
    "Most of the children had never seen the ocean before that summer.",
    "If you turn left at the church, you will find the library on your right.",
    "The doctor said that my father should drink more water and sleep longer.",
    "Last winter the lake was frozen, so we walked across it every evening.",
    "The museum opens at nine in the morning and closes before dinner.",
    "It was a quiet street with old houses, tall trees and very little traffic.",
)
NEAR_S = 0.060
"""Largest error of a word's start, in seconds, that counts as correct."""


@dataclass(slots=True)
class Clip:
    """A recording with its words, and the start of each word if it is known."""

    path: Path
    said: str
    starts_s: list[float] | None = None


@dataclass(slots=True)
class Tally:
    """Sums over clips."""

    n_words: int = 0
    n_errors: int = 0
    n_marks: int = 0
    n_marks_heard: int = 0
    n_marks_right: int = 0
    audio_s: float = 0.0
    cpu_s: float = 0.0
    off_s: list[float] = field(default_factory=list)

    def row(self) -> list[str]:
        """Return the cells of a line of the table."""
        cells = [f"{self.n_words}", f"{100 * self.n_errors / self.n_words:.1f} %"]
        if self.off_s:
            off = np.array(self.off_s)
            cells += [
                f"{self.n_marks_right} of {self.n_marks}, {self.n_marks_heard} written",
                f"{1000 * np.median(off):.0f} ms",
                f"{100 * (off <= NEAR_S).mean():.0f} %",
            ]
        else:
            cells += ["", "", ""]
        return [*cells, f"{self.cpu_s / self.audio_s:.3f}"]


def plain(text: str) -> list[str]:
    """Return the words of a text in lower case, hyphenated words separately, no punctuation."""
    return re.findall(
        r"[a-z0-9']+", text.lower().replace("mr.", "mister").replace("mrs.", "missus")
    )


def n_errors(said: Sequence[str], heard: Sequence[str]) -> int:
    """Return the smallest number of words to insert, delete or replace."""
    costs = list(range(len(heard) + 1))
    for i, word in enumerate(said, 1):
        diagonal, costs[0] = costs[0], i
        for j, other in enumerate(heard, 1):
            substituted = diagonal + (word != other)
            diagonal, costs[j] = costs[j], min(costs[j] + 1, costs[j - 1] + 1, substituted)
    return costs[-1]


def hear(clips: Sequence[Clip], engine: Engine) -> Tally:
    """Recognise every clip and compare it with its reference."""
    tally = Tally()
    for clip in clips:
        before = time.process_time()
        heard = recognise(samples(clip.path), engine)
        tally.cpu_s += time.process_time() - before
        tally.audio_s += heard.duration_s
        said, words = plain(clip.said), [w for word in heard.words for w in plain(word.content)]
        tally.n_words += len(said)
        tally.n_errors += n_errors(said, words)
        if clip.starts_s is not None:
            _tally_times(tally, said, clip.starts_s, heard.words)
            _tally_marks(tally, clip.said.split(), [word.content for word in heard.words])
    return tally


def _tally_times(
    tally: Tally, said: list[str], starts_s: list[float], heard: Sequence[RecognisedWord]
) -> None:
    words = [" ".join(plain(word.content)) for word in heard]
    matcher = difflib.SequenceMatcher(None, said, words, autojunk=False)
    for block in matcher.get_matching_blocks():
        for i in range(block.size):
            off_s = heard[block.b + i].start_s - starts_s[block.a + i]
            tally.off_s.append(abs(off_s))


def _tally_marks(tally: Tally, said: list[str], heard: list[str]) -> None:
    """Count the words before a punctuation mark: in each text, and in both at the same place."""
    bare_said, bare_heard = ([" ".join(plain(word)) for word in words] for words in (said, heard))
    tally.n_marks += sum(word[-1] in ".,?!" for word in said)
    tally.n_marks_heard += sum(word[-1] in ".,?!" for word in heard)
    matcher = difflib.SequenceMatcher(None, bare_said, bare_heard, autojunk=False)
    for block in matcher.get_matching_blocks():
        for i in range(block.size):
            mark = said[block.a + i][-1]
            tally.n_marks_right += mark in ".,?!" and heard[block.b + i][-1] == mark


def real_clips(folder: Path) -> list[Clip]:
    """Return the clips of a folder with references, or none if the folder is missing."""
    table = folder / "references.tsv"
    if not table.exists():
        return []
    with table.open(newline="") as lines:
        return [
            Clip(folder / row["file"], row["reference"])
            for row in csv.DictReader(lines, delimiter="\t")
        ]


def corpus_clips(folder: Path) -> list[Clip]:
    """Return the clips of a folder of corpora in Sphinx's format: ``<s> words </s> (name)``."""
    clips = []
    for table in sorted(folder.glob("*/*transcription")):
        for line in table.read_text().splitlines():
            said, _, name = line.rpartition("(")
            path = table.parent / f"{name.rstrip(')')}.wav"
            clips.append(Clip(path, " ".join(re.sub(r"</?s>", "", said).split())))
    return clips


def synthesised_clips(folder: Path) -> Iterator[Clip]:
    """Yield every sentence in every voice of flite, with the times of its words."""
    if not shutil.which("flite"):
        return
    for voice in VOICES:
        for number, sentence in enumerate(SENTENCES):
            path = folder / f"{voice}-{number}.wav"
            printed = _flite(voice, sentence, "-psdur", path)
            segments = [part.rpartition(":")[::2] for part in printed.split()]
            starts_s = _word_starts(voice, plain(sentence), segments)
            # In a sentence, flite may use other phones than for the same words alone.
            if starts_s is not None:
                yield Clip(path, sentence, starts_s)


def _word_starts(
    voice: str, words: Sequence[str], segments: Sequence[tuple[str, str]]
) -> list[float] | None:
    starts_s, i = [], 0
    for word in words:
        phones = [p for p in _flite(voice, word, "-ps", Path("none")).split() if p != "pau"]
        while i < len(segments) and segments[i][0] == "pau":
            i += 1
        if len(segments[i : i + len(phones)]) < len(phones) or segments[i][0][0] != phones[0][0]:
            return None
        starts_s.append(float(segments[i - 1][1]) if i else 0.0)
        i += len(phones)
    return starts_s if {phone for phone, _ in segments[i:]} <= {"pau"} else None


def _flite(voice: str, text: str, what: str, path: Path) -> str:
    command = ["flite", "-voice", voice, "-t", text, what, "-o", str(path)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603  # our own words


def measure(choice: EngineChoice, clips: Mapping[str, list[Clip]]) -> list[list[str]]:
    """Return the rows of one engine, in a separate process, to measure its memory."""
    engine = load_engine(choice)
    # The first utterance also loads the model. It is not counted.
    next(iter(recognise(samples(ROOT / "samples" / "sample.wav"), engine).words))
    rows = [
        [choice.name, name, *hear(of_a_kind, engine).row()]
        for name, of_a_kind in clips.items()
        if of_a_kind
    ]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return [[*row, f"{peak:.0f}"] for row in rows]


HEAD = """\
| Engine | Recordings | Words | Word errors | Punctuation marks right | Word starts off, median \
| Within 60 ms | CPU s per s | Memory, MB |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |"""


def main() -> None:
    """Print the table for every engine that is installed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "folder",
        type=Path,
        nargs="?",
        default=Path(os.environ.get("SPEECH") or ROOT.parent / "shared" / "speech"),
        help="real recordings with references.tsv",
    )
    given = parser.parse_args()
    choices = [EngineChoice(name) for name in sorted(WITH_MODEL) if is_installed(name)]
    chosen = EngineChoice.from_environ(os.environ)
    choices += [chosen] if chosen not in choices else []
    installed = [name for name in PACKAGES if _version(name)]
    print(", ".join(f"{name} {_version(name)}" for name in installed), end="\n\n")
    print(HEAD)
    with tempfile.TemporaryDirectory() as folder:
        clips = {
            "real": real_clips(given.folder),
            "pocketsphinx-testdata": corpus_clips(CORPUS),
            "synthesised": list(synthesised_clips(Path(folder))),
        }
        for choice in choices:
            with get_context("spawn").Pool(1) as pool:
                for row in pool.apply(measure, (choice, clips)):
                    print(f"| {' | '.join(row)} |", flush=True)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except ModuleNotFoundError:
        return None


if __name__ == "__main__":
    main()
