"""``python -m scripts.dataset`` makes a data set of a stage on this machine."""

import boto3
import duckdb
import pytest
from support.answers import SAID, conversation, put_answer
from support.media import wav

from chalicelib.pipeline import events
from scripts import dataset, stage


@pytest.fixture
def entered(services, monkeypatch):
    """A deployed stage of this account, with the environment that the services have."""
    variables = {"MEDIA_BUCKET_NAME": services.media.bucket}
    config = {"stages": {"dev": {"environment_variables": variables}}}
    monkeypatch.setattr(stage, "read_config", lambda _: config)


def test_parquet_is_made_here_and_stored_in_the_bucket(services, put, entered, capsys, tmp_path):
    key = "uploads/alice/talk.wav"
    recording_id = put(key, wav(5.0))
    events.receive_upload(key, services)
    events.extract_features(recording_id, services)
    events.store_transcript(put_answer(services, recording_id, conversation(SAID)), services)
    arguments = ["talks", "--format", "parquet", "--splits", "train=1", "--frames", "mfcc"]

    status = dataset.main([*arguments, "--query", "night"])

    told = capsys.readouterr()
    assert (status, told.err) == (0, "1 of 1 batches\n")
    address = told.out.split(": ")[0]
    (parquet,) = services.datasets.keys(address.split("/", 3)[3] + "data/")
    boto3.client("s3").download_file(services.datasets.bucket, parquet, tmp_path / "one.parquet")
    rows = duckdb.read_parquet(str(tmp_path / "one.parquet"))
    assert rows.select("text, audio, len(mfcc) = n_frames").fetchall() == [
        ("Helo wold", f"s3://{services.media.bucket}/{key}", True),
        ("Good night", f"s3://{services.media.bucket}/{key}", True),
    ]
    assert "train 2 (0.00 h)" in told.out
    assert entered is None


def test_what_cannot_be_used_is_said_in_one_sentence(services, entered, capsys):
    status = dataset.main(["talks", "--format", "csv"])

    assert status == 2
    assert capsys.readouterr().err.startswith("format: 'csv' is none of parquet")
    assert services.datasets.keys("datasets/") == set()
    assert entered is None
