"""Agreement of pitch trackers with librosa.pyin: python benchmarks/agreement.py WAV.

Prints for each tracker, over librosa's frames (hop 512 at 22,050 Hz, fmax 500 Hz): the share of
frames that the tracker calls voiced, the share on which it agrees with librosa about voicing, and,
for frames that both call voiced, the distance of f0 in cents (median and 95th percentile). If a
tracker has other frames, its nearest frame is used. A tracker that is not installed is null.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from warm import earshot, librosa_pyin, praat_pitch, pyin_vamp

FMAX = 500.0
# Times of frames in seconds, and f0 in Hz: NaN where a frame is unvoiced.
Track = tuple[np.ndarray, np.ndarray]


def by_librosa(wav: Path, folder: Path) -> Track:
    import librosa

    f0, _, _ = librosa_pyin(FMAX)(wav, folder)
    return librosa.times_like(f0), f0


def by_earshot(wav: Path, folder: Path) -> Track:
    earshot("pitch", fmax=FMAX)(wav, folder)
    times_s, f0 = np.genfromtxt(
        folder / "pitch.csv", delimiter=",", skip_header=1, usecols=(0, 1), unpack=True
    )
    return times_s, f0


def by_praat(wav: Path, folder: Path) -> Track:
    pitch = praat_pitch(wav, folder)
    f0 = pitch.selected_array["frequency"]
    return pitch.xs(), np.where(f0 > 0, f0, np.nan)


def by_pyin_vamp(wav: Path, folder: Path) -> Track:
    """Add the unvoiced frames, because the plugin returns only voiced ones.

    They are the frames in the gaps, and one at each end.
    """
    pyin_vamp(wav, folder)
    voiced_s, voiced_f0 = np.loadtxt(folder / "vamp.txt", delimiter=":", unpack=True)
    hop_s = np.diff(voiced_s).min()
    frames = 1 + np.rint((voiced_s - voiced_s[0]) / hop_s).astype(int)
    f0 = np.full(frames[-1] + 2, np.nan)
    f0[frames] = voiced_f0
    return voiced_s[0] + hop_s * (np.arange(len(f0)) - 1), f0


TRACKERS: dict[str, Callable[[Path, Path], Track]] = {
    "librosa.pyin, fmax 500": by_librosa,
    "Earshot": by_earshot,
    "pYIN Vamp plugin": by_pyin_vamp,
    "praat-parselmouth": by_praat,
}


def agreement(reference: Track, track: Track) -> dict[str, float]:
    times_s, expected = reference
    after = np.clip(np.searchsorted(track[0], times_s), 1, len(track[0]) - 1)
    nearest = after - (times_s - track[0][after - 1] < track[0][after] - times_s)
    f0 = track[1][nearest]
    voiced, as_expected = ~np.isnan(f0), ~np.isnan(expected)
    both = voiced & as_expected
    cents = np.abs(1200 * np.log2(f0[both] / expected[both]))
    return {
        "voiced": float(voiced.mean()),
        "voiced_alike": float((voiced == as_expected).mean()),
        "median_cents": float(np.median(cents)),
        "most_cents": float(np.percentile(cents, 95)),
    }


def main(path: str) -> None:
    wav = Path(path)
    found: dict[str, dict[str, float] | None] = {}
    with TemporaryDirectory() as folder:
        reference = by_librosa(wav, Path(folder))
        for name, tracker in TRACKERS.items():
            try:
                found[name] = agreement(reference, tracker(wav, Path(folder)))
            except ModuleNotFoundError:
                found[name] = None
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:2])
