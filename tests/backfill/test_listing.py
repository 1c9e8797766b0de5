"""The list of an archive: which of its objects are recordings, and whose."""

from datetime import UTC, datetime

import boto3
import pytest
from moto import mock_aws
from support import inventory
from support.archive import BUCKET, MODIFIED_AT, listed

from chalicelib.core import keys
from local.stack import CREDENTIALS
from scripts.backfill.inventory import list_inventory
from scripts.backfill.listing import Listed, list_bucket, source_of
from scripts.backfill.state import name_of
from scripts.console import CommandError

STAGE = {"media_bucket": "media", "results_bucket": "results", "source_buckets": (BUCKET,)}


def source(address: str, **asked):
    return source_of(address, **(STAGE | asked))


def test_an_object_of_another_bucket_is_an_original_and_one_below_uploads_an_upload():
    ours, theirs = source("s3://media/uploads/bob/"), source(f"s3://{BUCKET}/calls/")

    upload = ours.entry(listed("uploads/bob/a.wav"))
    original = theirs.entry(listed("calls/alice/2019/a.wav"))

    # An upload's key names its owner; of an original, the first folder after the prefix does.
    assert (upload.key, upload.owner) == ("uploads/bob/a.wav", None)
    assert (original.key, original.owner) == (f"s3://{BUCKET}/calls/alice/2019/a.wav", "alice")
    assert theirs.entry(listed("calls/a.wav")).owner == "-"
    assert theirs.entry(listed("others/a.wav")) is None
    assert theirs.entry(listed("calls/alice/", size=0)) is None


@pytest.mark.parametrize(
    ("owner", "key", "found"),
    [
        ("bob", "calls/x/a.wav", "bob"),
        ("calls/{owner}/", "calls/carol/2019/a.wav", "carol"),
        ("calls/*/{owner}-", "calls/2019/dora-17.wav", "dora"),
        ("calls/{owner}/", "talks/a.wav", "-"),
    ],
)
def test_the_owner_is_given_or_found_by_a_pattern(owner, key, found):
    assert source(f"s3://{BUCKET}/", owner=owner).entry(listed(key)).owner == found


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (listed("a.txt"), "not supported: .txt"),
        (listed("wav"), "not supported: no extension"),
        (listed("a.wav", size=0), "is empty"),
        (listed("a.wav", size=3 * 2**30), "too large: it has 3.0 GB"),
        (listed("a.wav", storage_class="DEEP_ARCHIVE"), "restore it first"),
        (listed("a.wav", storage_class="GLACIER_IR"), None),
    ],
)
def test_what_cannot_be_a_recording_is_refused_unread(one, reason):
    refusal = source(f"s3://{BUCKET}/").entry(one).refusal

    assert reason in refusal if reason else refusal is None


def test_what_a_stage_has_made_is_never_an_original():
    mine = source("s3://results/", source_buckets=("results",))

    assert mine.entry(listed("renditions/a-0123456789ab/1/web.mp4")) is None
    assert mine.entry(listed("old/a.mp4")) is not None
    assert {mine.entry(listed(f"{prefix}a.wav")) for prefix in keys.MADE} == {None}


def test_only_what_changed_since_a_day_is_taken():
    later = source(f"s3://{BUCKET}/", since="2025-07-01")
    same = source(f"s3://{BUCKET}/", since="2025-06-30")

    assert (later.entry(listed("a.wav")), same.entry(listed("a.wav")) is None) == (None, False)


@pytest.mark.parametrize(
    ("address", "asked", "told"),
    [
        ("/home/me", {}, "must be an address such as s3://bucket/prefix"),
        ("s3://other/x", {}, "SOURCE_BUCKETS names archive"),
        ("s3://media/old/", {}, "only uploads/"),
        (f"s3://{BUCKET}/", {"since": "yesterday"}, "must be a date such as 2019-06-30"),
        (f"s3://{BUCKET}/", {"owner": "a/b"}, "--owner must be a name without slashes"),
        (f"s3://{BUCKET}/", {"owner": "{owner}/{owner}"}, "once, not 2 times"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_with_what_to_do(address, asked, told):
    with pytest.raises(CommandError, match=told):
        source(address, **asked)


def test_the_same_question_has_the_same_name_and_another_has_another():
    asked = {"source": f"s3://{BUCKET}/Calls 2019/", "only": None}

    assert name_of(asked) == name_of(dict(asked))
    assert name_of(asked).startswith("archive-calls-2019-")
    assert name_of(asked) != name_of(asked | {"only": "features"})


IN_INVENTORY = [
    Listed(key, "e1", 17, datetime(2025, 6, 30, tzinfo=UTC))
    for key in ("calls/a b+c.wav", "calls/ü.mp3", 'calls/"x", y.wav')
]


@pytest.fixture
def s3(monkeypatch):
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="lists")
        yield client


@pytest.mark.parametrize("written_as", inventory.FORMATS)
def test_an_inventory_lists_the_same_as_the_bucket(s3, written_as):
    body = inventory.FORMATS[written_as](BUCKET, IN_INVENTORY)
    address = inventory.store(s3, "lists", written_as, BUCKET, body)

    assert list(list_inventory(s3, address, bucket=BUCKET)) == IN_INVENTORY


def test_a_manifest_may_be_a_file_and_must_be_of_this_bucket(s3, tmp_path):
    file, body = str(tmp_path / "manifest.json"), inventory.csv_file(BUCKET, IN_INVENTORY)
    address = inventory.store(s3, "lists", "CSV", BUCKET, body)
    s3.download_file("lists", address.removeprefix("s3://lists/"), file)

    assert len(list(list_inventory(s3, file, bucket=BUCKET))) == 3
    with pytest.raises(CommandError, match="lists the bucket 'archive', not 'other'"):
        list(list_inventory(s3, file, bucket="other"))


@pytest.mark.parametrize(
    ("written_as", "heads", "told"),
    [
        ("ORC", inventory.HEADS, "only CSV and Parquet"),
        ("CSV", "Bucket, Key, Size", "lacks ETag, Last"),
    ],
)
def test_an_inventory_that_cannot_be_used_says_what_to_change(s3, written_as, heads, told):
    address = inventory.store(s3, "lists", written_as, BUCKET, b"", heads=heads)

    with pytest.raises(CommandError, match=told):
        list(list_inventory(s3, address, bucket=BUCKET))


class Pages:
    def get_paginator(self, _):
        return self

    def paginate(self, *, Bucket, Prefix):  # noqa: N803  # S3's own names
        for number in range(3):
            found = {"ETag": '"e1"', "Size": 17, "LastModified": MODIFIED_AT}
            yield {"Contents": [{"Key": f"{Prefix}{Bucket}/{number}.wav", **found}]}
        yield {}  # S3 leaves the list out of an empty page


def test_a_listing_goes_through_every_page():
    found = list(list_bucket(Pages(), BUCKET, "calls/"))

    assert found == [listed(f"calls/archive/{number}.wav", 17) for number in range(3)]
