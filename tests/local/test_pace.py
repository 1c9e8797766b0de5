"""The pace of a run gives the time left, once enough of it is done."""

import time

import pytest

from local.pace import Pace, clock


def test_the_time_left_follows_from_the_bytes_that_were_processed(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    pace = Pace(4, 1000)
    now[0] = 160.0
    pace.skip(200)
    assert str(pace) == "1 of 4 recordings are done"

    now[0] = 190.0
    pace.done(300)

    assert str(pace) == "2 of 4 recordings are done, 2 a minute, about 0:50 left"


def test_too_little_is_no_pace():
    pace = Pace(100, 1000)

    pace.done(10)

    assert str(pace) == "1 of 100 recordings are done"


@pytest.mark.parametrize(("seconds", "shown"), [(5.2, "0:05"), (61, "1:01"), (7322, "2:02:02")])
def test_hours_are_shown_where_there_are_any(seconds, shown):
    assert clock(seconds) == shown
