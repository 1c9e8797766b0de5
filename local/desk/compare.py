"""A comparison of librosa and Earshot on your own recordings."""

import inspect
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import Any, BinaryIO

from chalicelib.errors import MediaError

# librosa, numpy and matplotlib are imported where they are used. Each side is measured in a
# separate process, which must not contain the other side's packages.

F0_MIN_HZ, F0_MAX_HZ = 65.0, 500.0


@dataclass(frozen=True, slots=True)
class Run:
    """Cost of one side: CPU seconds of the work alone, and peak memory of its process."""

    cpu_s: float
    peak_mb: float
    duration_s: float


@dataclass(frozen=True, slots=True)
class Difference:
    """Difference of two arrays of numbers, in the numbers' unit."""

    name: str
    largest: float
    median: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both sides of one recording."""

    path: Path
    librosa: Run
    earshot: Run
    frames_librosa: int
    frames_earshot: int
    differences: tuple[Difference, ...]
    voicing_differs: int


def main(files: Sequence[str]) -> int:
    """Compare each file, print the comparison, and return 0 if all frames agree."""
    agree = True
    for file in files:
        with tempfile.TemporaryDirectory() as folder:
            try:
                comparison = compare(Path(file), Path(folder))
            except (MediaError, OSError) as exc:
                print(f"{file}: {_sentence(exc)}", file=sys.stderr)
                agree = False
                continue
            print(report(comparison))
            print(_picture(Path(file), Path(folder)))
        agree &= comparison.frames_librosa == comparison.frames_earshot
    return 0 if agree else 1


def compare(path: Path, folder: Path) -> Comparison:
    """Measure ``path`` on both sides, leaving ``librosa.npz`` and ``earshot.npz`` in ``folder``."""
    # Earshot first: it gives a reason if the file is not a recording.
    ours = _in_own_process(measure_with_earshot, path, folder / "earshot.npz")
    theirs = _in_own_process(measure_with_librosa, path, folder / "librosa.npz")
    import numpy as np  # noqa: PLC0415  # see the comment at the top

    a, b = np.load(folder / "librosa.npz"), np.load(folder / "earshot.npz")
    n = min(len(a["f0"]), len(b["f0"]))
    differences = []
    for name in ("mfcc", "f0", "voiced_prob", "rms", "zero_crossing_rate"):
        gap = np.abs(a[name][..., :n].astype(np.float64) - b[name][..., :n])
        gap = gap[np.isfinite(gap)]
        if gap.size:
            differences.append(Difference(name, float(gap.max()), float(np.median(gap))))
    return Comparison(
        path=path,
        librosa=theirs,
        earshot=ours,
        frames_librosa=len(a["f0"]),
        frames_earshot=len(b["f0"]),
        differences=tuple(differences),
        voicing_differs=int((a["voiced_flag"][:n] != b["voiced_flag"][:n]).sum()),
    )


def report(comparison: Comparison) -> str:
    """Return the comparison as a table of text."""
    theirs, ours = comparison.librosa, comparison.earshot
    ratio = theirs.cpu_s / ours.cpu_s
    lines = [
        f"{comparison.path.name}, {ours.duration_s:.1f} s",
        f"librosa {version('librosa')} on Python {python_version()}",
        f"{'':22}{'librosa':>12}{'Earshot':>12}",
        f"{'frames':22}{comparison.frames_librosa:>12}{comparison.frames_earshot:>12}",
        f"{'CPU seconds':22}{theirs.cpu_s:>12.3f}{ours.cpu_s:>12.3f}   ({ratio:.1f} to 1)",
        f"{'peak memory, MB':22}{theirs.peak_mb:>12.0f}{ours.peak_mb:>12.0f}",
        "",
        f"{'difference':22}{'largest':>12}{'median':>12}",
        *(f"{d.name:22}{d.largest:>12.1e}{d.median:>12.1e}" for d in comparison.differences),
        f"{'voicing':22}{comparison.voicing_differs:>12} frames differ",
    ]
    return "\n".join(lines)


def measure_with_librosa(path: Path, archive: Path) -> Run:
    """Compute Earshot's tables with librosa, and save them."""
    import librosa  # noqa: PLC0415  # see the comment at the top
    import numpy as np  # noqa: PLC0415  # see the comment at the top

    # Earshot searches all moves of pitch; librosa 1.0 leaves the unlikely ones out by default.
    takes = inspect.signature(librosa.pyin).parameters
    exact: dict[str, Any] = {"transition_min_prob": None} if "transition_min_prob" in takes else {}

    def features(y: np.ndarray, sr: float) -> dict[str, np.ndarray]:
        f0, voiced_flag, voiced_prob = librosa.pyin(
            y, sr=sr, fmin=F0_MIN_HZ, fmax=F0_MAX_HZ, **exact
        )
        return {
            "mfcc": librosa.feature.mfcc(y=y, sr=sr, n_mfcc=13),
            "f0": f0,
            "voiced_flag": voiced_flag,
            "voiced_prob": voiced_prob,
            "rms": librosa.feature.rms(y=y)[0],
            "zero_crossing_rate": librosa.feature.zero_crossing_rate(y)[0],
        }

    # Numba compiles on first use, which must not count as librosa's time.
    features(np.random.default_rng(0).normal(0, 0.1, 22050), 22050)
    start = time.process_time()
    y, sr = _load_for_librosa(path)
    arrays = features(y, sr)
    cpu_s = time.process_time() - start
    np.savez(archive, allow_pickle=False, **arrays)
    return Run(cpu_s, peak_memory_mb(), len(y) / sr)


def measure_with_earshot(path: Path, archive: Path) -> Run:
    """Extract every table and the archive as in production, and keep the archive."""
    from chalicelib.core.features.extract import FeatureParameters, extract  # noqa: PLC0415  # see the comment at the top

    @contextmanager
    def open_table(name: str) -> Iterator[BinaryIO]:
        kept = archive if name == "features.npz" else archive.with_name(f"earshot-{name}")
        with kept.open("wb") as stream:
            yield stream

    parameters = FeatureParameters(f0_min=F0_MIN_HZ, f0_max=F0_MAX_HZ, npz=True)
    start = time.process_time()
    with path.open("rb") as source:
        summary = extract(source, parameters, open_table)
    return Run(time.process_time() - start, peak_memory_mb(), summary.duration_s)


def peak_memory_mb() -> float:
    """Return the peak resident memory of this process so far, in MB."""
    status = Path("/proc/self/status")
    if status.exists():
        # getrusage would also count the parent's memory at the start of this process.
        lines = status.read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
    import resource  # noqa: PLC0415  # not on every system

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def _load_for_librosa(path: Path) -> tuple[Any, float]:
    """Load with librosa; PyAV decodes the files for which librosa would need the ffmpeg program."""
    import librosa  # noqa: PLC0415  # see the comment at the top
    import numpy as np  # noqa: PLC0415  # see the comment at the top
    import soundfile  # noqa: PLC0415  # see the comment at the top

    try:
        with path.open("rb") as media:
            return librosa.load(media)
    except soundfile.LibsndfileError:
        import av  # noqa: PLC0415  # see the comment at the top

        with av.open(str(path)) as media:
            floats = av.AudioResampler(format="fltp")
            y = np.concatenate(
                [
                    piece.to_ndarray()
                    for frame in media.decode(audio=0)
                    for piece in floats.resample(frame)
                ],
                axis=1,
            )
            sr = media.streams.audio[0].rate
        return librosa.resample(librosa.to_mono(y), orig_sr=sr, target_sr=22050), 22050


def _in_own_process(work: Callable[[Path, Path], Run], path: Path, archive: Path) -> Run:
    # If a process crashes, this raises BrokenProcessPool; a Pool would wait for ever.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(work, path, archive).result()


def _sentence(exc: MediaError | OSError) -> str:
    """Return why a file cannot be compared, as a sentence."""
    told = exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)
    return told if told.endswith(".") else f"{told}."


def _picture(path: Path, folder: Path) -> str:
    """Draw both sides and their difference in the current folder; return a line with its path."""
    try:
        from local.desk.comparison_plot import draw  # noqa: PLC0415  # see the comment at the top
    except ImportError:
        return "no picture: matplotlib is not installed\n"
    target = Path(f"{path.stem}.compare.png")
    draw(path.name, folder / "librosa.npz", folder / "earshot.npz", target)
    return f"picture: {target}\n"
