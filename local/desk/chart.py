"""A picture of the words' pitch: the pitch contour, and each word at its median."""

import csv
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

mpl.use("Agg")
TABLES = ("words.csv", "pitch.csv")
CONTOUR, WORD, GRID = "#b0480f", "#0a655b", "#e3e0d9"
INCHES_A_SECOND = 1.1
OCTAVE = 2.0


def main(folder: Path, target: Path | None = None) -> int:
    """Draw the words of a folder of outputs; print the picture's path, or what is missing."""
    missing = [name for name in TABLES if not (folder / name).is_file()]
    if missing:
        others = sorted(path.parent for path in folder.glob("*/words.csv"))
        told = f" Name one of {', '.join(map(str, others))}." if others else ""
        print(
            f"{folder} has no {' and no '.join(missing)}. Name a folder that make process has "
            f"written for one recording, such as out/me-sample-wav-0123456789ab.{told}",
            file=sys.stderr,
        )
        return 1
    picture = target or folder / "words.png"
    draw(folder / "words.csv", folder / "pitch.csv", picture)
    print(picture)
    return 0


def draw(words_csv: Path, pitch_csv: Path, target: Path) -> None:
    """Write a PNG: f0 over time, each word's span, and its median from words.csv."""
    with words_csv.open(newline="", encoding="utf-8") as table:
        words = list(csv.DictReader(table))
    times, f0 = np.genfromtxt(pitch_csv, delimiter=",", skip_header=1, usecols=(0, 1), unpack=True)
    voiced = f0[~np.isnan(f0)]
    lowest, highest = np.quantile(voiced, (0.01, 0.99)) if len(voiced) else (75.0, 300.0)
    bottom, top = lowest / OCTAVE**0.6, highest * OCTAVE**0.2
    width = float(np.clip(times[-1] * INCHES_A_SECOND, 6, 40))
    figure = Figure(figsize=(width, 3.6), layout="constrained")
    axis = figure.subplots()
    axis.plot(times, f0, color=CONTOUR, linewidth=2, label="f0, frame by frame (pitch.csv)")
    for number, word in enumerate(words):
        start, end = float(word["start_s"]), float(word["end_s"])
        axis.axvspan(start, end, ymax=0.21, color=GRID if number % 2 else "#f2f0eb", linewidth=0)
        axis.annotate(
            word["word"],
            ((start + end) / 2, 0.015),
            xycoords=("data", "axes fraction"),
            ha="center",
            rotation=90 if len(word["word"]) * 0.078 > (end - start) * INCHES_A_SECOND else 0,
            va="bottom",
            fontsize=9,
        )
        if word["f0_median_hz"]:
            median = float(word["f0_median_hz"])
            label = "median of each word (words.csv)" if number == 0 else ""
            axis.hlines(median, start, end, color=WORD, linewidth=4, alpha=0.75, label=label)
    axis.set_yscale("log")
    ticks = [hz for hz in (75, 100, 150, 200, 300, 400) if bottom < hz < top]
    axis.set_yticks(ticks, [str(hz) for hz in ticks], minor=False)
    axis.set_yticks([], minor=True)
    axis.set(xlim=(0, times[-1]), ylim=(bottom, top), xlabel="seconds", ylabel="f0 in Hz")
    axis.grid(axis="y", color=GRID)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(loc="upper right", frameon=False, ncols=2, fontsize=9)
    figure.savefig(target, dpi=110)
