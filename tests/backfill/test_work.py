"""A backfill loses nothing and does nothing twice, at a pace that leaves room."""

import multiprocessing
import resource
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from support.archive import Shelf, Stage, entry, listed, planned, rows, run, settled

from chalicelib.core.recording import Status
from scripts.backfill.listing import Source
from scripts.backfill.state import State


@pytest.fixture
def shelf(tmp_path):
    return Shelf(tmp_path)


def begun(shelf, entries) -> State:
    """Begin a round, as another process has."""
    state = State(shelf, "calls")
    for _ in state.write_list(entries):
        pass
    state.write_plan({})
    return State(shelf, "calls")


@pytest.mark.parametrize("steps", [1, 3])
def test_counts_add_up_however_often_it_is_interrupted(shelf, steps):
    refused = "The format is not supported: .txt."
    entries = [entry(f"{n}.wav", refusal=refused if n % 10 == 3 else None) for n in range(1_340)]
    begun(shelf, entries)
    stage = Stage()

    for _ in range(1_000):
        doing = run(stage, State(shelf, "calls"), planned(1_340), steps=steps, at_once=200)
        if doing.is_done:
            break

    found = rows(State(shelf, "calls"), 1_340)
    assert [row.key for row in found] == [one.key for one in entries]
    assert Counter(row.outcome for row in found) == {"COMPLETED": 1_206, "REFUSED": 134}
    assert doing.progress.outcomes == Counter(row.outcome for row in found)
    # Asked for again only if it was asked for, and not received, when a process ended.
    assert {key for _, key in stage.asked} == {one.key for one in entries if not one.refusal}


def test_without_an_interruption_each_is_asked_for_once(shelf):
    begun(shelf, [entry(f"{n}.wav") for n in range(1_234)])
    stage = Stage()

    run(stage, State(shelf, "calls"), planned(1_234))

    assert len(stage.asked) == 1_234


def test_what_the_queue_does_not_take_is_sent_again(shelf):
    begun(shelf, [entry(f"{n}.wav") for n in range(95)])
    stage = Stage()
    answers = iter([[0, 3, 9], [1], list(range(10))])
    stage.refuse = lambda _: next(answers, [])

    run(stage, State(shelf, "calls"), planned(95))

    assert Counter(row.outcome for row in rows(State(shelf, "calls"), 95)) == {"COMPLETED": 95}
    assert len(stage.asked) == len({key for _, key in stage.asked}) == 95


def test_neither_the_window_nor_the_starts_of_a_second_are_passed(shelf):
    begun(shelf, [entry(f"{n}.wav") for n in range(400)])
    stage = Stage(takes_s=9.5)

    run(stage, State(shelf, "calls"), planned(400), at_once=60, a_second=7.5)

    a_second = Counter(int(at) for at, _ in stage.asked)
    assert max(a_second.values()) <= 8  # 7.5, of which the halves are saved
    assert (
        max(sum(1 for at, _ in stage.asked if now - 9.5 < at <= now) for now in sorted(a_second))
        == 60
    )


def test_it_stops_at_the_budget_and_goes_on_with_a_larger_one(shelf):
    begun(shelf, [entry(f"{n}.wav") for n in range(300)])
    stage, made = Stage(), planned(300)
    half = made.total_usd / 2

    stopped = run(stage, State(shelf, "calls"), made, budget=half)

    assert stopped.progress.is_over_budget
    assert 140 <= len(stage.asked) <= 150
    run(stage, State(shelf, "calls"), made)
    assert len(stage.asked) == 300


def test_what_was_there_before_is_neither_asked_for_nor_charged(shelf):
    entries = [entry(f"{n}.wav") for n in range(3)]
    begun(shelf, entries)
    old = {one.recording_id: settled(one.recording_id) for one in entries[:2]}
    old[entries[1].recording_id] = settled(entries[1].recording_id, Status.FAILED, "It is broken.")
    stage = Stage(existing=old)

    run(stage, State(shelf, "calls"), planned(3))

    assert [key for _, key in stage.asked] == [entries[2].key]
    told = [(row.outcome, row.reason) for row in rows(State(shelf, "calls"), 3)]
    assert told == [("COMPLETED", ""), ("FAILED", "It is broken."), ("COMPLETED", "")]


def test_what_is_in_work_already_is_waited_for(shelf):
    one = entry("a.wav")
    begun(shelf, [one])
    busy = settled(one.recording_id, Status.IN_PROGRESS)
    stage = Stage(existing={one.recording_id: busy})

    doing = run(stage, State(shelf, "calls"), planned(1), steps=3)
    assert (doing.progress.in_flight, stage.asked) == (1, [])
    stage.existing[one.recording_id] = settled(one.recording_id)
    run(stage, State(shelf, "calls"), planned(1))

    assert [row.outcome for row in rows(State(shelf, "calls"), 1)] == ["COMPLETED"]


def test_what_was_removed_after_it_was_listed_is_said(shelf):
    entries = [entry("a.wav"), entry("b.wav")]
    begun(shelf, entries)
    stage = Stage(gone={entries[0].recording_id})

    doing = run(stage, State(shelf, "calls"), planned(2), steps=12)

    assert doing.is_done, "it waited longer than ten seconds for an object that is not there"
    assert [row.outcome for row in rows(State(shelf, "calls"), 2)] == ["GONE", "COMPLETED"]


def test_a_list_that_names_an_object_twice_asks_once(shelf):
    begun(shelf, [entry("a.wav"), entry("b.wav"), entry("a.wav")])
    stage = Stage()

    run(stage, State(shelf, "calls"), planned(3))

    assert len(stage.asked) == 2
    assert len(rows(State(shelf, "calls"), 3)) == 3


def test_a_round_ends_with_its_report_and_the_next_begins_anew(shelf):
    state = begun(shelf, [entry('a, "b"\n.wav'), entry("c.wav")])
    doing = run(Stage(), state, planned(2))

    state.write_report(doing.n_parts)

    report = shelf.read(state.report_key).decode()
    assert report.startswith("key,recording_id,outcome,reason,usd\n")
    assert report.count("COMPLETED") == 2
    following = State(shelf, "calls")
    assert (following.number, following.read_plan()) == (2, None)


class Forgetful(Stage):
    """A stage that counts, and remembers nothing: recordings come in the order of the list."""

    n_asked = 0

    def _send(self, asked):
        self.n_asked += len(asked)
        return []

    def _state(self, recording_id):
        number = int(recording_id.split("-")[1])
        return settled(recording_id) if number < self.n_asked else None


def process(folder, n: int) -> None:
    """List and process ``n`` objects."""
    shelf = Shelf(folder)
    source = Source("archive", "calls/", "media")
    state = State(shelf, "calls")
    listing = (source.entry(listed(f"calls/{number:06}.wav")) for number in range(n))
    for _ in state.write_list(listing):
        pass
    state.write_plan({})
    made = replace(planned(10), n_listed=n)
    doing = run(Forgetful(), State(shelf, "calls"), made, at_once=500)
    state.write_report(doing.n_parts)
    assert doing.progress.outcomes == {"COMPLETED": n}


def growth_mb(folder: Path) -> float:
    """Return by how much the greatest memory of a process grows from 2,000 objects to 20,000."""
    process(folder / "few", 2_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    process(folder / "many", 20_000)
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


@pytest.mark.slow
def test_memory_is_flat_from_2_000_objects_to_20_000(tmp_path):
    """In a process of its own, whose greatest memory nothing else has set."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        # The entries alone, held in a list, have 3 MB.
        assert pool.apply(growth_mb, (tmp_path,)) < 2
