import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core import keys

# Transcribe's patterns for a job's name and for an OutputKey.
JOB_NAME = re.compile(r"[0-9a-zA-Z._-]{1,200}")
OUTPUT_KEY = re.compile(r"[a-zA-Z0-9\-_.!*'()/]{1,1024}")


def test_names_that_a_simple_slug_would_confuse_are_different_recordings():
    names = ["a b.wav", "a-b.wav", "A-B.WAV", "a.wav", "a.mp3", "ä b.wav", "日本.wav", "中国.wav"]

    ids = {
        keys.recording_id(f"uploads/me/{name}", bucket="media", etag="e", size=1) for name in names
    }

    assert len(ids) == len(names)


def test_other_bytes_under_the_same_key_are_another_recording():
    first = keys.recording_id("uploads/a.wav", bucket="media", etag="one", size=10)

    assert keys.recording_id("uploads/a.wav", bucket="media", etag="two", size=10) != first
    assert keys.recording_id("uploads/a.wav", bucket="media", etag="one", size=11) != first


def test_the_same_bytes_under_the_same_key_of_two_stages_are_two_recordings():
    ids = {
        keys.recording_id("uploads/a.wav", bucket=bucket, etag="e", size=1)
        for bucket in ("earshot-dev", "earshot-prod")
    }

    assert len(ids) == 2


def test_the_quotes_that_s3_puts_around_an_etag_do_not_matter():
    assert keys.recording_id(
        "uploads/a.wav", bucket="media", etag='"e"', size=1
    ) == keys.recording_id("uploads/a.wav", bucket="media", etag="e", size=1)


def test_an_id_starts_with_the_readable_name_of_the_upload():
    recording_id = keys.recording_id(
        "uploads/alice/My Talk (final).M4A", bucket="media", etag="e", size=1
    )

    assert recording_id.startswith("alice-my-talk-final-m4a-")


@given(st.text(min_size=1, max_size=300), st.text(max_size=40), st.integers(0, 10**13))
def test_any_name_makes_an_id_that_every_service_takes(name, etag, size):
    recording_id = keys.recording_id(f"uploads/{name}", bucket="media", etag=etag, size=size)

    assert JOB_NAME.fullmatch(recording_id)
    assert OUTPUT_KEY.fullmatch(keys.transcript(recording_id))
    assert keys.recording_id_of(keys.transcript(recording_id)) == recording_id
    assert keys.recording_id_of(keys.redacted_transcript(recording_id)) == recording_id


@pytest.mark.parametrize(
    ("key", "owner"),
    [
        ("uploads/alice/talk.wav", "alice"),
        ("uploads/alice/2024/talk.wav", "alice"),
        ("uploads/talk.wav", "-"),
        ("uploads//talk.wav", "-"),
    ],
)
def test_the_first_folder_is_the_owner(key, owner):
    assert keys.owner(key) == owner


@pytest.mark.parametrize(
    "key", ["transcripts/notes.json", "transcripts/a/b-0123456789ab.json", "transcripts/.json"]
)
def test_a_stray_file_among_the_transcripts_belongs_to_no_recording(key):
    assert keys.recording_id_of(key) is None


def test_no_recording_lies_below_the_prefixes_of_another():
    short = keys.recording_id("uploads/a.wav", bucket="media", etag="e", size=1)
    longer = f"{short}-0123456789ab"

    for name in (keys.transcript(longer), keys.features(longer, "mfcc.csv")):
        assert not name.startswith(keys.derived_prefixes(short))


@pytest.mark.parametrize("name", ["redacted", "redacted-", "redacted-redacted", "Redacted/-|"])
def test_no_recording_is_named_like_another_ones_redacted_transcript(name):
    recording_id = keys.recording_id(f"uploads/{name}", bucket="media", etag="e", size=1)

    assert keys.recording_id_of(keys.transcript(recording_id)) == recording_id
    assert keys.recording_id_of(keys.redacted_transcript(recording_id)) == recording_id
