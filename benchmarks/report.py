"""The benchmark's results as Markdown, and a plot of time and memory against length."""

import platform
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from processes import Cost

PACKAGES = (
    "earshot-kernels",
    "numpy",
    "soundfile",
    "soxr",
    "orjson",
    "librosa",
    "numba",
    "scipy",
    "pandas",
    "kaldi_native_fbank",
    "torchaudio",
    "python_speech_features",
    "opensmile",
    "praat-parselmouth",
)


RATES = ("44.1 kHz", "16 kHz")
# Source: the plugin's code, version 2 (PYinVamp.cpp, Yin.cpp, MonoPitchHMM.cpp, MonoPitch.cpp).
PYIN_DIFFERS = (
    ("Frames", "2,048 samples, hop 512, at 22,050 Hz", "2,048 samples, hop 256, at any rate"),
    ("Prior of the threshold", "Beta(2, 18), mean 0.10", "Beta, mean 0.15"),
    ("States", "10 cents, from fmin to fmax", "20 cents, 345 from 61.7 Hz up"),
    ("From frame to frame", "at most 35.92 octaves a second", "at most 100 cents a hop"),
    ("Weight of unvoiced", "1 - p, p that of all candidates", "1 - p / 2"),
    ("Quiet frames", "as any other", "candidates count less below an RMS of 0.1"),
    ("f0", "that of the state", "that of the candidate nearest to the state"),
)


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table of goals."""

    work: str
    theirs: str
    ours: str
    reached: str
    goal: str
    met: bool

    @property
    def cells(self) -> tuple[str, ...]:
        """The line's cells, in order."""
        verdict = "yes" if self.met else "**no**"
        return (self.work, self.theirs, self.ours, self.reached, self.goal, verdict)


@dataclass(frozen=True, slots=True)
class PeerRow:
    """One program: CPU seconds and agreement with librosa at 44.1 and at 16 kHz, if known."""

    name: str
    cpu_s: tuple[float | None, ...]
    agreement: tuple[dict[str, float] | None, ...]

    @property
    def cost_cells(self) -> tuple[str, ...]:
        """For each rate the CPU seconds, and the number of frames in a second."""
        pairs = zip(self.cpu_s, self.agreement, strict=True)
        return tuple(
            cell
            for seconds, found in pairs
            for cell in (
                ("not installed", "")
                if seconds is None or found is None
                else (f"{seconds:.2f}", f"{found['frames_per_s']:.0f}")
            )
        )


@dataclass(frozen=True, slots=True)
class Growth:
    """Costs for recordings of one length, each in a whole process."""

    length: str
    seconds: int
    original: Cost | None
    mfcc: Cost
    everything: Cost


def write(
    path: Path,
    figures: list[Figure],
    kernels: list[tuple[str, float, float]],
    peers: list[PeerRow],
    growth: list[Growth],
    *,
    runs: int,
) -> None:
    """Write the results as Markdown."""
    lines = [
        "# Benchmark",
        "",
        "Written by `python benchmarks/run.py`; do not edit.",
        f"Medians of {runs} runs on one core, of 3 where a run takes over 15 s in a warm process;",
        "memory is one run.",
        "CPU seconds are user and system together, so what waits for the disk does not count.",
        "Recordings are 44.1 kHz, 16 bits, mono speech.",
        "",
        f"Machine: {_processor()}, {platform.system()}, Python {platform.python_version()}.",
        f"Versions: {_versions()}.",
        "",
        "## Goals",
        "",
        *_table(
            ("Work", "Against", "Earshot", "Reached", "Goal", "Met"),
            [figure.cells for figure in figures],
        ),
        "",
        "## The compiled kernels, warm",
        "",
        *_table(
            ("Work", "numpy alone, CPU s", "with the kernels, CPU s", "Times as fast"),
            [(work, f"{a:.3f}", f"{b:.3f}", f"{a / b:.2f}x") for work, a, b in kernels],
        ),
        "",
        "## Peers, 1 minute, warm",
        "",
        "The same speech at 44.1 kHz, and at the 16 kHz that Kaldi, openSMILE and Praat are mostly",
        "used at. Earshot and librosa resample both to 22,050 Hz.",
        "",
        *_table(
            ("What", "44.1 kHz, CPU s", "frames/s", "16 kHz, CPU s", "frames/s"),
            [(peer.name, *peer.cost_cells) for peer in peers],
        ),
        "",
        "The Vamp plugin takes part where Vamp's host finds it:",
        "in Debian, with `vamp-examples`, `ardour` and `VAMP_PATH=/usr/lib/ardour7/vamp`.",
        "",
        "## How far the peers' values differ, 1 minute",
        "",
        "Pitch, of the frames of librosa.pyin over all moves; f0 where both call a frame voiced.",
        "",
        *_table(
            (
                "What",
                "Rate",
                "Voiced",
                "Voiced as librosa",
                "f0 apart, median, cents",
                "95 %, cents",
            ),
            _agreement_rows(peers, _pitch_cells),
        ),
        "",
        "Cepstra: correlation with the coefficients of librosa.feature.mfcc, the median of those",
        "after the first.",
        "",
        *_table(("What", "Rate", "Correlation"), _agreement_rows(peers, _mfcc_cells)),
        "",
        "pYIN is Mauch and Dixon's (ICASSP 2014).",
        "Their own program is the Vamp plugin, which differs from librosa by default:",
        "",
        *_table(("", "librosa.pyin, and Earshot", "pYIN Vamp plugin"), list(PYIN_DIFFERS)),
        "",
        "## Growth with length, a fresh process each",
        "",
        f"![time and memory against length]({path.with_suffix('.svg').name})",
        "",
        *_table(
            (
                "Length",
                "Original, CPU s",
                "Earshot MFCC, CPU s",
                "Earshot all, CPU s",
                "Original, MB",
                "Earshot MFCC, MB",
                "Earshot all, MB",
            ),
            [_growth_cells(row) for row in growth],
        ),
        "",
        # The load is measured separately, for an hour, and has a separate section here.
        f"#{Path(__file__).with_name('load.md').read_text(encoding='utf-8').rstrip()}",
    ]
    path.write_text("\n".join(lines) + "\n")


def _agreement_rows(
    peers: list[PeerRow], cells: Callable[[dict[str, float]], tuple[str, ...]]
) -> list[tuple[str, ...]]:
    return [
        (peer.name, rate, *found_cells)
        for peer in peers
        for rate, found in zip(RATES, peer.agreement, strict=True)
        if found and (found_cells := cells(found))
    ]


def _pitch_cells(found: dict[str, float]) -> tuple[str, ...]:
    if "voiced" not in found:
        return ()
    return (
        f"{found['voiced']:.1%}",
        f"{found['voiced_alike']:.2%}",
        f"{found['median_cents']:.1f}",
        f"{found['most_cents']:.1f}",
    )


def _mfcc_cells(found: dict[str, float]) -> tuple[str, ...]:
    return (f"{found['correlation']:.3f}",) if "correlation" in found else ()


def plot(path: Path, growth: list[Growth]) -> None:
    """Draw time and memory against length, both axes logarithmic, as SVG."""
    from matplotlib.figure import Figure as Canvas

    figure = Canvas(figsize=(10, 4), layout="constrained")
    sides: dict[str, list[Cost | None]] = {
        "original recipe (librosa)": [row.original for row in growth],
        "Earshot, MFCC": [row.mfcc for row in growth],
        "Earshot, MFCC, energy and pitch": [row.everything for row in growth],
    }
    for axis, name in zip(figure.subplots(1, 2), ("cpu_s", "peak_mb"), strict=True):
        for side, costs in sides.items():
            known = [i for i, cost in enumerate(costs) if cost is not None]
            minutes = [growth[i].seconds / 60 for i in known]
            axis.loglog(minutes, [getattr(costs[i], name) for i in known], marker="o", label=side)
        axis.set(xlabel="length, minutes", ylabel={"cpu_s": "CPU s", "peak_mb": "peak MB"}[name])
        axis.grid(visible=True, alpha=0.3)
    figure.axes[0].legend()
    figure.savefig(path, metadata={"Date": None})


def _growth_cells(row: Growth) -> tuple[str, ...]:
    sides = (row.original, row.mfcc, row.everything)
    seconds = ("" if cost is None else f"{cost.cpu_s:.2f}" for cost in sides)
    memory = ("" if cost is None else f"{cost.peak_mb:.0f}" for cost in sides)
    return (row.length, *seconds, *memory)


def _table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    lines = [header, tuple("---" for _ in header), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        if names:
            return names[0].split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _versions() -> str:
    found = []
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)
