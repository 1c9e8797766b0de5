"""The benchmark of Earshot, librosa and other programs: python benchmarks/run.py.

Every process runs on one core, and the programs run in turn. Writes results-3.11.md and
results-3.11.svg beside this file on Python 3.11, with librosa 0.11, and results-3.12.md and .svg
on Python 3.12, with librosa 1.0.
"""

import argparse
import compileall
import json
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from peers import SPEECH_SR
from processes import HERE, Cost, fresh, pin, printed, side_by_side, warm
from report import Figure, Growth, PeerRow, plot, write

LENGTHS_S = {"10 s": 10, "1 min": 60, "10 min": 600, "1 h": 3600, "4 h": 14_400}
ORIGINAL, EARSHOT = str(HERE / "original_recipe.py"), str(HERE / "earshot_mfcc.py")
WITH_BOTO3 = (
    "import boto3, runpy, sys; sys.argv = sys.argv[1:]; "
    "runpy.run_path(sys.argv[0], run_name='__main__')"
)
LIBROSA = f"librosa {version('librosa')}"
PEERS = {
    "librosa-mfcc": f"{LIBROSA}, MFCC alone, no table: the reference",
    "kaldi": "kaldi-native-fbank: 25 ms Povey windows, 23 bands, log energy",
    "torchaudio": "torchaudio: HTK mel, no resampling, dB over the whole",
    "python_speech_features": "python_speech_features: 25 ms windows, 26 bands",
    "opensmile": "openSMILE eGeMAPSv02: 25 descriptors, 4 of them MFCC",
    "librosa-pyin": f"{LIBROSA}, pyin over all moves, fmax 500, no table: the reference",
    "librosa-pyin-default": f"{LIBROSA}, pyin by its own default, fmax 500, no table",
    "praat": "praat-parselmouth: autocorrelation, not pYIN",
    "pyin-vamp": "pYIN Vamp plugin: hop 256, not resampled",
}
OURS = {
    "mfcc": "Earshot, MFCC to CSV",
    "pitch": "Earshot, pitch to CSV, fmax 500",
}


COMPILED = {
    "mfcc": ("MFCC to CSV", "10 min"),
    "pitch": ("pitch to CSV, fmax 500", "10 min"),
    "pitch-2093": ("pitch to CSV, fmax 2093", "10 min"),
}
# How many times as fast a process from start to end is: librosa 1.0 starts faster than 0.11.
STARTS_FASTER = int(version("librosa").split(".")[0]) >= 1
TIMES_AS_FAST = (
    {"10 s": 12.0, "10 min": 5.0, "1 h": 4.0}
    if STARTS_FASTER
    else {"10 s": 18.0, "10 min": 7.0, "1 h": 5.0}
)
TIMES_SOONER = 10.0 if STARTS_FASTER else 15.0
MOST_OF_THE_FLOOR = 1.8
MOST_OF_THE_PARTS = 1.05
MOST_OF_AN_HOUR_S = 5.0


class Bench:
    """One run of the whole benchmark."""

    def __init__(self, folder: Path, runs: int) -> None:
        self._folder = folder
        self._runs = runs
        self._out = str(folder / "out.csv")
        self.figures: list[Figure] = []

    def wav(self, recording: str) -> Path:
        """Return a recording of a length, such as "1 min" or "1 min, 16 kHz"."""
        path = self._folder / f"{recording.replace(' ', '')}.wav"
        length, _, rate = recording.partition(", ")
        sr = [str(SPEECH_SR)] if rate else []
        # In a separate process, so that this one stays small: a child's memory includes its
        # parent's.
        fresh(str(HERE / "recordings.py"), str(path), str(LENGTHS_S[length]), *sr)
        return path

    def fresh_processes(self) -> None:
        for length, goal in TIMES_AS_FAST.items():
            wav = str(self.wav(length))
            costs = side_by_side(
                {"original": [ORIGINAL, wav, self._out], "earshot": [EARSHOT, wav, self._out]},
                self._runs,
            )
            self._add_ratio(
                f"MFCC to CSV, fresh process, {length}, CPU s",
                costs["original"].cpu_s,
                costs["earshot"].cpu_s,
                goal,
            )
            if length == "10 s":
                self._add_ratio(
                    "process start to the first MFCC of 10 s, elapsed s",
                    costs["original"].elapsed_s,
                    costs["earshot"].elapsed_s,
                    TIMES_SOONER,
                )

    def warm_mfcc(self) -> None:
        took = self._warm(("original", "mfcc", "floor"), "10 min")
        self._add_ratio(
            "MFCC to CSV, warm process, 10 min, CPU s", took["original"], took["mfcc"], 3.5
        )
        share = took["mfcc"] / took["floor"]
        self.figures.append(
            Figure(
                "share of the floor (decode, resample, FFT), 10 min",
                f"{took['floor']:.3f}",
                f"{took['mfcc']:.3f}",
                f"{share:.2f}x",
                f"<= {MOST_OF_THE_FLOOR}x",
                met=share <= MOST_OF_THE_FLOOR,
            )
        )

    def memory(self) -> None:
        boto3 = fresh("-c", "import boto3").peak_mb
        for length in ("10 min", "4 h"):
            wav = str(self.wav(length))
            peak = fresh("-c", WITH_BOTO3, EARSHOT, wav, self._out).peak_mb
            self._add_memory(
                f"MFCC, {length}, MB above an interpreter with boto3", peak - boto3, 64
            )
        pyin = fresh(str(HERE / "warm.py"), "librosa-pyin", str(self.wav("10 min")), "0").peak_mb
        peak = fresh(EARSHOT, str(self.wav("4 h")), self._out, "pitch").peak_mb
        self._add_memory("pitch, 4 h, MB (librosa at 10 min)", peak, 128, f"{pyin:.0f}")

    def pitch(self) -> None:
        for length in ("1 min", "10 min"):
            for suffix, fmax in (("", 500), ("-2093", 2093)):
                theirs, ours = f"librosa-pyin-default{suffix}", f"pitch{suffix}"
                took = self._warm((theirs, ours), length)
                self._add_ratio(
                    f"pitch, warm, {length}, fmax {fmax}, CPU s (pyin's own default)",
                    took[theirs],
                    took[ours],
                    10.0,
                )

    def together(self) -> None:
        parts = ("mfcc", "energy", "pitch", "decode")
        took = self._warm(("librosa-tables", *parts, "together"), "1 h")
        self.figures.append(
            Figure(
                "MFCC, energy and pitch to CSV, warm, 1 h, CPU s (pyin's own default)",
                f"{took['librosa-tables']:.2f}",
                f"{took['together']:.2f}",
                f"{took['librosa-tables'] / took['together']:.1f}x",
                f"<= {MOST_OF_AN_HOUR_S:g} s",
                met=took["together"] <= MOST_OF_AN_HOUR_S,
            )
        )
        apart = took["mfcc"] + took["energy"] + took["pitch"]
        expected = apart - 2 * took["decode"]
        ratio = took["together"] / expected
        self.figures.append(
            Figure(
                "MFCC, energy and pitch together, 1 h, CPU s (apart, less two decodes)",
                f"{expected:.2f}",
                f"{took['together']:.2f}",
                f"{ratio:.3f}x",
                f"<= {MOST_OF_THE_PARTS}x",
                met=ratio <= MOST_OF_THE_PARTS,
            )
        )

    def kernels(self) -> list[tuple[str, float, float]]:
        """Return the CPU seconds of each kind of work with numpy alone, and with the kernels."""
        rows = []
        for work, (name, length) in COMPILED.items():
            took = self._warm((f"{work}-numpy", work), length)
            rows.append((f"{name}, {length}", took[f"{work}-numpy"], took[work]))
        return rows

    def peers(self) -> list[PeerRow]:
        """Return the cost of each program, at 44.1 kHz and at 16 kHz."""
        rates = ("1 min", "1 min, 16 kHz")
        took = [
            warm((*OURS, *PEERS), self.wav(each), self.wav("10 s"), self._runs) for each in rates
        ]
        agreement = [self._agreement(each) for each in rates]
        return [
            PeerRow(
                name,
                cpu_s=tuple(each[work] for each in took),
                agreement=tuple(each.get(work) for each in agreement),
            )
            for work, name in (OURS | PEERS).items()
        ]

    def _agreement(self, recording: str) -> dict[str, dict[str, float] | None]:
        """Return the agreement of each program with librosa, or None if not installed."""
        found: dict[str, dict[str, float] | None] = json.loads(
            printed(str(HERE / "agreement.py"), str(self.wav(recording)))
        )
        return found

    def growth(self) -> list[Growth]:
        rows = []
        for length, seconds in LENGTHS_S.items():
            wav = str(self.wav(length))
            ours = fresh(EARSHOT, wav, self._out)
            everything = fresh(EARSHOT, wav, self._out, "mfcc,energy,pitch")
            theirs = self._original_if_it_fits(wav, seconds)
            rows.append(Growth(length, seconds, theirs, ours, everything))
        return rows

    def _original_if_it_fits(self, wav: str, seconds: int) -> Cost | None:
        available = Path("/proc/meminfo")
        needs_kb = 2.4e9 / 1024 * seconds / 3600
        if available.exists():
            line = next(x for x in available.read_text().splitlines() if "MemAvailable" in x)
            if int(line.split()[1]) < needs_kb:
                return None
        return fresh(ORIGINAL, wav, self._out)

    def _warm(self, works: tuple[str, ...], length: str) -> dict[str, float]:
        took = warm(works, self.wav(length), self.wav("10 s"), self._runs)
        missing = [work for work, seconds in took.items() if seconds is None]
        if missing:
            raise SystemExit(f"not installed: what {', '.join(missing)} needs")
        return {work: seconds for work, seconds in took.items() if seconds is not None}

    def _add_ratio(self, work: str, theirs: float, ours: float, goal: float) -> None:
        ratio = theirs / ours
        self.figures.append(
            Figure(
                work,
                f"{theirs:.3f}",
                f"{ours:.3f}",
                f"{ratio:.1f}x",
                f">= {goal:g}x",
                met=ratio >= goal,
            )
        )

    def _add_memory(self, work: str, peak_mb: float, goal_mb: float, theirs: str = "") -> None:
        self.figures.append(
            Figure(
                work,
                theirs,
                f"{peak_mb:.0f}",
                f"{peak_mb:.0f} MB",
                f"<= {goal_mb:g} MB",
                met=peak_mb <= goal_mb,
            )
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="number of runs for each median")
    parser.add_argument("--core", type=int, help="the core that every process runs on")
    parser.add_argument(
        "--folder", type=Path, help="folder that keeps the recordings for the next run"
    )
    options = parser.parse_args()
    pin(options.core)
    # Compile the bytecode, as pip has done for librosa. Otherwise a Python that writes no
    # bytecode would compile Earshot at each start.
    compileall.compile_dir(HERE.parent / "chalicelib", quiet=1)
    with tempfile.TemporaryDirectory() as temporary:
        bench = Bench(options.folder or Path(temporary), options.runs)
        steps = (
            bench.fresh_processes,
            bench.warm_mfcc,
            bench.memory,
            bench.together,
            bench.pitch,
        )
        for step in steps:
            before = len(bench.figures)
            step()
            for figure in bench.figures[before:]:
                print(*figure.cells, sep=" | ", flush=True)
        kernels = bench.kernels()
        peers = bench.peers()
        growth = bench.growth()
    results = HERE / f"results-{sys.version_info.major}.{sys.version_info.minor}.md"
    write(results, bench.figures, kernels, peers, growth, runs=options.runs)
    plot(results.with_suffix(".svg"), growth)
    print(results.read_text())


if __name__ == "__main__":
    main()
