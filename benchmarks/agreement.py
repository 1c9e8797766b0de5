"""Agreement of other programs with librosa: python benchmarks/agreement.py WAV.

Prints the number of frames in a second for each program. Pitch trackers are compared on the frames
of librosa.pyin (hop 512 at 22,050 Hz, fmax 500 Hz, all moves). Printed are the share of frames that
the tracker calls voiced, the share on which both agree about voicing, and the distance of f0 in
cents (median and 95th percentile) on frames that both call voiced. For cepstra, each coefficient's
correlation with librosa's is computed; printed is the median over the coefficients after the first.
If a program has other frames, its nearest frame is used. A program that is not installed is null.
"""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from peers import PEERS, Peer, Track, librosa_mfcc, librosa_pyin
from warm import earshot

FMAX = 500.0
HOP_S = 512 / 22_050


def earshot_pitch(wav: Path, folder: Path) -> Track:
    earshot("pitch", fmax=FMAX)(wav, folder)
    times_s, f0 = np.genfromtxt(
        folder / "pitch.csv", delimiter=",", skip_header=1, usecols=(0, 1), unpack=True
    )
    return times_s, f0


def earshot_mfcc(wav: Path, folder: Path) -> Track:
    earshot("mfcc")(wav, folder)
    rows = np.loadtxt(folder / "mfcc.csv", delimiter=",", skiprows=1)
    return np.arange(len(rows)) * HOP_S, rows


TRACKERS: dict[str, Peer] = {
    "pitch": earshot_pitch,
    **{
        name: PEERS[name] for name in ("librosa-pyin", "librosa-pyin-default", "praat", "pyin-vamp")
    },
}
CEPSTRA: dict[str, Peer] = {
    "mfcc": earshot_mfcc,
    **{name: PEERS[name] for name in ("librosa-mfcc", "kaldi", "torchaudio", "opensmile")},
    "python_speech_features": PEERS["python_speech_features"],
}


def pitch_agreement(reference: Track, track: Track) -> dict[str, float]:
    times_s, expected = reference
    f0 = track[1][_nearest(track[0], times_s)]
    voiced, as_expected = ~np.isnan(f0), ~np.isnan(expected)
    both = voiced & as_expected
    cents = np.abs(1200 * np.log2(f0[both] / expected[both]))
    return {
        "frames_per_s": _frames_per_s(track),
        "voiced": float(voiced.mean()),
        "voiced_alike": float((voiced == as_expected).mean()),
        "median_cents": float(np.median(cents)),
        "most_cents": float(np.percentile(cents, 95)),
    }


def mfcc_agreement(reference: Track, track: Track) -> dict[str, float]:
    times_s, expected = reference
    rows = track[1][_nearest(track[0], times_s)]
    n = min(rows.shape[1], expected.shape[1])
    found = [np.corrcoef(rows[:, i], expected[:, i])[0, 1] for i in range(1, n)]
    return {"frames_per_s": _frames_per_s(track), "correlation": float(np.median(found))}


def _nearest(frames_s: np.ndarray, times_s: np.ndarray) -> np.ndarray:
    after = np.clip(np.searchsorted(frames_s, times_s), 1, len(frames_s) - 1)
    return np.asarray(after - (times_s - frames_s[after - 1] < frames_s[after] - times_s))


def _frames_per_s(track: Track) -> float:
    return float(1 / np.median(np.diff(track[0])))


def main(path: str) -> None:
    wav = Path(path)
    found: dict[str, dict[str, float] | None] = {}
    with TemporaryDirectory() as folder:
        for reference, peers, compare in (
            (librosa_pyin(FMAX), TRACKERS, pitch_agreement),
            (librosa_mfcc, CEPSTRA, mfcc_agreement),
        ):
            expected = reference(wav, Path(folder))
            for name, peer in peers.items():
                try:
                    found[name] = compare(expected, peer(wav, Path(folder)))
                except ModuleNotFoundError:
                    found[name] = None
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:2])
