"""Nothing lost, nothing twice: with any faults, every upload ends in one correct state."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.faults.checking import all_violations, describe
from support.faults.histories import REAL_EVERY, tell
from support.faults.plan import SMALL_PART_BYTES, Plan
from support.faults.rules import Rules
from support.faults.shrinking import shrunk

from chalicelib.pipeline import events, reconciliation

HISTORIES = 2_000
AT_ONCE = 50
WRONG_ONCE = (52, 706, 1895)
"""Histories that once went wrong: V1, V1 for a moment, and V2 of docs/faults.md."""

ONCE_LEFT_TO_RECONCILE = (57, 198, 266, 708, 914, 1383, 3700, 3833, 4114, 5740, 9038, 45990)
"""Histories without a fault in which something was wrong until reconcile ran."""

AS_TOLD_THEN = Rules().without(
    "whole_api", "own_recogniser", "ladders_fail", "item_by_item", "in_parts"
)
"""The rules with which these seeds were told."""

FOLDER = Path(__file__).parent


@pytest.mark.parametrize("first", range(0, HISTORIES, AT_ONCE))
def test_every_upload_ends_in_exactly_one_correct_state(first):
    for seed in range(first, first + AT_ONCE):
        world = tell(seed)
        wrong = all_violations(world)
        assert not wrong, describe(world, wrong)


@pytest.mark.parametrize("seed", WRONG_ONCE)
def test_a_history_that_went_wrong_goes_well(seed):
    assert all_violations(tell(seed, AS_TOLD_THEN)) == []


def test_without_a_fault_all_is_right_before_reconcile_runs():
    """At most one history in a thousand; the seeds are those that went wrong once."""
    for seed in ONCE_LEFT_TO_RECONCILE:
        world = tell(seed, AS_TOLD_THEN)
        assert not world.plan.spent
        assert world.wrong_before == []


def test_a_function_that_leaves_parts_behind_without_a_fault_is_seen():
    world = told_in_parts()
    assert not world.plan.spent
    assert all_violations(world) == []

    world.results.create_multipart_upload(Key="features/a/mfcc.csv")

    assert all_violations(world) == ["parts of features/a/mfcc.csv are left"]


def test_a_function_that_fails_without_a_fault_is_seen(monkeypatch):
    def break_off(*_):
        raise LookupError("nobody expects this")

    monkeypatch.setattr(events, "join_words", break_off)
    seed = next(seed for seed in range(100) if Plan(seed).left == 0)

    world = tell(seed)

    assert not world.plan.spent
    (first, *_) = world.failed_alone
    assert "failed: LookupError('nobody expects this'), without any fault\nTraceback" in first
    assert first in all_violations(world)


def told_in_parts():
    """Return the first history without a fault in which tables are written in parts."""
    for seed in range(100):
        plan = Plan(seed)
        if plan.part_bytes == SMALL_PART_BYTES and plan.left == 0:
            world = tell(seed)
            assert world.requests["complete_multipart_upload"]
            return world
    raise AssertionError("no history has parts")


def test_a_history_that_goes_wrong_is_shrunk_to_its_cause(monkeypatch):
    monkeypatch.setattr(events, "announce", lambda *_, **__: None)

    world = shrunk(1, Rules())

    assert any("never told of" in wrong for wrong in all_violations(world))
    assert [move.kind for move in world.told] == ["put"]


def test_every_kind_of_fault_occurs():
    missing = {
        "throttled",
        "fails",
        "times out",
        "takes effect unheard",
        "killed",
        "asked twice",
        "partly",
        "is lost",
        "comes twice",
        "minutes pass",
    }

    for seed in range(150):
        spent = "\n".join(tell(seed).plan.spent)
        missing = {fault for fault in missing if fault not in spent}
        if not missing:
            break

    assert not missing


def test_a_seed_gives_the_same_history_in_every_process():
    code = (
        "import json, logging, sys; logging.disable(); from support.faults.histories import tell;"
        "worlds = [tell(seed) for seed in range(1, 12)];"
        "print(json.dumps([[w.log, w.plan.spent, sorted(w.bucket.objects)] for w in worlds]))"
    )
    paths = [FOLDER.parents[1], FOLDER.parent]

    told = [
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": number, "PYTHONPATH": ":".join(map(str, paths))},
            capture_output=True,
            check=True,
        ).stdout
        for number in ("1", "2")
    ]

    assert json.loads(told[0])
    assert told[0] == told[1]


def wrong_in_some(seeds) -> bool:
    return any(all_violations(tell(seed)) for seed in seeds)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (events, "announce"),
        (reconciliation, "reopen"),
        (reconciliation, "look"),
        (reconciliation, "walk"),
    ],
)
def test_a_defect_is_found(module, name, monkeypatch):
    """Check that histories can fail: without each of these, some history goes wrong."""
    monkeypatch.setattr(module, name, lambda *_, **__: None)

    assert wrong_in_some(seed for seed in range(400) if seed % REAL_EVERY)
