"""The complete original recipe: python benchmarks/original_recipe.py IN OUT."""

import sys

import librosa
import pandas as pd


def main(media: str, table: str) -> None:
    y, sr = librosa.load(media)
    mfcc = librosa.feature.mfcc(y=y, sr=sr, n_mfcc=13)
    columns = [f"mfcc_{i}" for i in range(1, 14)]
    pd.DataFrame(mfcc.T, columns=columns).to_csv(table, index=False)


if __name__ == "__main__":
    main(*sys.argv[1:3])
