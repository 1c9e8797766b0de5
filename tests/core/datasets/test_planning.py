"""A plan has the same batches for the same recordings, in any order."""

import pytest

from chalicelib.core.datasets.models import LeftOut, Recipe
from chalicelib.core.datasets.parameters import DatasetParameters
from chalicelib.core.datasets.planning import MOST_RECORDINGS, Candidate, make_plan
from chalicelib.errors import ParameterError

RECIPE = Recipe(16000, 160, 13)
PARAMETERS = DatasetParameters.parse({"shard_mb": "1"})


def candidates(n, **changed):
    given = {"recipe": RECIPE, "stamp": "s", "n_bytes": 400_000} | changed
    return [Candidate(f"talk-{number:05d}", **given) for number in range(n)]


def test_batches_are_in_the_order_of_ids_and_within_the_bound():
    plan = make_plan(reversed(candidates(5)), PARAMETERS)

    assert plan.batches == (
        ("talk-00000", "talk-00001"),
        ("talk-00002", "talk-00003"),
        ("talk-00004",),
    )


def test_a_recording_larger_than_a_file_is_a_batch_alone():
    plan = make_plan(candidates(2, n_bytes=5_000_000), PARAMETERS)

    assert plan.batches == (("talk-00000",), ("talk-00001",))


def test_a_batch_has_few_enough_recordings_for_one_function():
    plan = make_plan(candidates(MOST_RECORDINGS + 1, n_bytes=1), PARAMETERS)

    assert [len(batch) for batch in plan.batches] == [MOST_RECORDINGS, 1]


def test_the_version_changes_with_what_decides_on_the_bytes():
    same = make_plan(candidates(3), PARAMETERS)

    assert make_plan(reversed(candidates(3)), PARAMETERS).version == same.version
    others = [
        make_plan(candidates(4), PARAMETERS),
        make_plan(candidates(3, stamp="corrected"), PARAMETERS),
        make_plan(candidates(3), PARAMETERS, provenance="pyarrow 99"),
        make_plan(candidates(3), DatasetParameters.parse({"format": "kaldi"})),
    ]
    assert len({plan.version for plan in (same, *others)}) == 5


def test_recordings_with_other_parameters_than_most_are_left_out_with_the_reason():
    other = Candidate("odd", Recipe(22050, 512, 20), "s", 1)
    gone = LeftOut("gone", "It has no transcript.")

    plan = make_plan([*candidates(2), other], PARAMETERS, left_out=[gone])

    assert plan.recipe == RECIPE
    assert [one.recording_id for one in plan.left_out] == ["gone", "odd"]
    assert "sr=22050, hop_length=512 and n_mfcc=20" in plan.left_out[1].reason


def test_nothing_gives_an_empty_plan():
    plan = make_plan([], PARAMETERS)

    assert (plan.recipe, plan.batches) == (None, ())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"format": "csv"}, "format: 'csv' is none of parquet, lhotse, shar, webdataset, kaldi"),
        ({"frames": "mfcc,pitch"}, "neither none nor a list of mfcc, f0, voiced, rms"),
        ({"frames": "mfcc,mfcc"}, "neither none nor a list"),
        ({"format": "kaldi", "dtype": "float16"}, "Kaldi has float32 only"),
        ({"shard_mb": "0"}, "shard_mb: '0' is not 1 to 1000"),
        ({"longest_s": "an hour"}, "longest_s: 'an hour' is not 1 to 600"),
        ({"split": "train=1"}, "split: a data set has no such parameter"),
    ],
)
def test_parameters_that_cannot_be_used_are_refused(given, message):
    with pytest.raises(ParameterError, match=message):
        DatasetParameters.parse(given)


def test_parameters_survive_a_message():
    parameters = DatasetParameters.parse(
        {"format": "shar", "frames": "mfcc,f0", "splits": "train=0.9,test=0.1", "shard_mb": "7"}
    )

    assert DatasetParameters.parse(parameters.to_text()) == parameters
