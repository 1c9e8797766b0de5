"""A message whose work fails comes back later each time."""

import pytest

from chalicelib.pipeline.retries import ATTEMPTS, tried_again


@pytest.mark.parametrize(("attempt", "minutes"), [(1, 1), (2, 2), (3, 4), (4, 8), (ATTEMPTS, 16)])
def test_work_that_fails_comes_back_after_twice_the_time(attempt, minutes):
    asked = []

    with (
        pytest.raises(ConnectionError),
        tried_again(lambda *given: asked.append(given), "handle", attempt),
    ):
        raise ConnectionError

    assert asked == [("handle", 60 * minutes)]


def test_work_that_succeeds_or_that_no_message_asked_for_does_not_come_back():
    asked = []

    with tried_again(lambda *given: asked.append(given), "handle", 1):
        pass
    with (
        pytest.raises(ConnectionError),
        tried_again(lambda *given: asked.append(given), "", 1),
    ):
        raise ConnectionError

    assert asked == []
