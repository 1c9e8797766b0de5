"""Observers hear of changed recordings, once for all changes of a moment."""

import queue

from local.changes import Changes


def test_many_changes_of_a_moment_are_read_and_told_once():
    states = {"a": "state of a"}
    read, told = [], queue.SimpleQueue()

    def find(recording_id):
        read.append(recording_id)
        return states.get(recording_id)

    changes = Changes(find)
    changes.observe(lambda *seen: told.put(seen))

    for _ in range(20):
        changes.note("a")
    first = told.get(timeout=10)
    changes.note("gone")
    changes.stop()

    assert (first, told.get_nowait()) == (("a", "state of a"), ("gone", None))
    assert told.empty()
    assert read == ["a", "gone"]


def test_without_observers_nothing_is_read():
    changes = Changes(lambda _: 1 / 0)

    changes.note("a")
    changes.stop()
