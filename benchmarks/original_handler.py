"""The original recipe as a Lambda function: fetch, librosa, pandas, put."""

import tempfile
from pathlib import Path
from typing import Any

import boto3
import librosa
import pandas as pd

s3 = boto3.client("s3")


def handler(event: dict[str, Any], _context: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        media, table = Path(folder, "media.wav"), Path(folder, "mfcc.csv")
        s3.download_file(event["bucket"], event["key"], str(media))
        y, sr = librosa.load(media)
        mfcc = librosa.feature.mfcc(y=y, sr=sr, n_mfcc=13)
        columns = [f"mfcc_{i}" for i in range(1, 14)]
        pd.DataFrame(mfcc.T, columns=columns).to_csv(table, index=False)
        s3.upload_file(str(table), event["bucket"], "original/mfcc.csv")
