"""Observers hear of changed recordings, once for all changes of a moment."""

import queue
import threading

from local import changes as under_test
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


def test_stopping_does_not_wait_until_thousands_are_told(monkeypatch):
    monkeypatch.setattr(under_test, "STOP_S", 0)
    first, go_on, told = threading.Event(), threading.Event(), []

    def find(recording_id):
        first.set()
        assert go_on.wait(60)
        return recording_id

    changes = Changes(find)
    changes.observe(lambda recording_id, _: told.append(recording_id))
    for number in range(1000):
        changes.note(f"{number}")
    assert first.wait(60)
    stopping = threading.Thread(target=changes.stop)
    stopping.start()
    assert changes._is_ending.wait(60)
    go_on.set()
    stopping.join(60)

    assert len(told) == 1


def test_without_observers_nothing_is_read():
    changes = Changes(lambda _: 1 / 0)

    changes.note("a")
    changes.stop()
