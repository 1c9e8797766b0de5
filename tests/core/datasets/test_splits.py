"""Splits depend on one key alone, so they stay as they are when a data set grows."""

from collections import Counter
from dataclasses import replace

import pytest
from support.dataset import Recordings

from chalicelib.core.datasets.sources import read_utterances
from chalicelib.core.datasets.splits import key_of, parse_splits, split_of
from chalicelib.errors import ParameterError

SHARES = parse_splits("train=0.8,dev=0.1,test=0.1")


def test_the_split_of_a_recording_never_changes():
    # Written down, because a different split on another day would let a model see its test set.
    known = {"a": "train", "talk-1": "train", "talk-5": "test", "talk-12": "dev"}

    assert {key: split_of(key, SHARES) for key in known} == known


def test_the_shares_are_those_of_many_recordings():
    found = Counter(split_of(f"talk-{n}", SHARES) for n in range(5000))

    assert found["train"] == pytest.approx(4000, rel=0.03)
    assert found["dev"] == pytest.approx(500, rel=0.15)


def test_a_larger_share_of_the_first_split_takes_from_the_next_alone():
    more = parse_splits("train=0.85,dev=0.05,test=0.1")
    keys = [f"talk-{n}" for n in range(500)]

    moved = {(split_of(key, SHARES), split_of(key, more)) for key in keys}

    assert moved == {("train", "train"), ("dev", "train"), ("dev", "dev"), ("test", "test")}


@pytest.mark.parametrize(
    ("speaker", "key"),
    [("spk_0", "{id} spk_0"), ("ch_1", "{id} ch_1"), ("Anna Berg", "me Anna Berg"), (None, "{id}")],
)
def test_a_named_speaker_is_the_same_person_in_every_recording(speaker, key):
    recordings = Recordings(1)
    source = recordings.source(recordings.ids[0])
    utterances, _ = read_utterances(
        source, recordings.transcript(source), recordings.segments(source), longest_s=60
    )

    found = key_of(source, replace(utterances[0], speaker=speaker), "speaker")

    assert found == key.format(id=source.recording_id)
    assert (
        key_of(source, replace(utterances[0], speaker=speaker), "recording") == source.recording_id
    )


@pytest.mark.parametrize(
    "text", ["", "train", "train=0.8", "train=0.5,train=0.5", "Train=1", "train=2,dev=-1", "a=nan"]
)
def test_splits_that_cannot_be_used_are_refused(text):
    with pytest.raises(ParameterError, match=r"as in train=0\.8,dev=0\.1,test=0\.1"):
        parse_splits(text)
