"""A picture of librosa's and Earshot's tables of one recording, and of their difference."""

from pathlib import Path

import librosa.display
import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

mpl.use("Agg")
SR_HZ, HOP_LENGTH = 22050, 512


def draw(title: str, librosa_npz: Path, earshot_npz: Path, target: Path) -> None:
    """Write a PNG of three MFCC panels and one of f0, from two archives."""
    theirs, ours = np.load(librosa_npz), np.load(earshot_npz)
    n = min(len(theirs["f0"]), len(ours["f0"]))
    figure = Figure(figsize=(10, 9), layout="constrained")
    figure.suptitle(title)
    axes = figure.subplots(4, 1, sharex=True)
    gap = np.abs(theirs["mfcc"][:, :n] - ours["mfcc"][:, :n])
    panels = (
        ("MFCC, librosa", theirs["mfcc"]),
        ("MFCC, Earshot", ours["mfcc"]),
        (f"absolute difference, at most {gap.max():.1e}", gap),
    )
    for axis, (name, mfcc) in zip(axes[:3], panels, strict=True):
        image = librosa.display.specshow(
            mfcc, sr=SR_HZ, hop_length=HOP_LENGTH, x_axis="time", ax=axis
        )
        axis.set(title=name, ylabel="coefficient", xlabel="")
        figure.colorbar(image, ax=axis)
    times = np.arange(n) * HOP_LENGTH / SR_HZ
    axes[3].plot(times, theirs["f0"][:n], linewidth=4, alpha=0.4, label="librosa.pyin")
    axes[3].plot(times, ours["f0"][:n], linewidth=1, label="Earshot")
    axes[3].set(title="f0", ylabel="Hz", xlabel="seconds")
    axes[3].legend(loc="upper right")
    figure.savefig(target, dpi=100)
