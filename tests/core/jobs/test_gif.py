"""The pace of an animated GIF."""

import io
from fractions import Fraction

import av
import numpy as np
import pytest
from support.video import gif

from chalicelib.core.jobs.gif import paced


def times_s(body: bytes) -> list[float]:
    with av.open(io.BytesIO(body)) as reader:
        return [frame.time for frame in reader.decode(video=0)]


def pictures(body: bytes) -> list[np.ndarray]:
    with av.open(io.BytesIO(body)) as reader:
        return [frame.to_ndarray(format="rgb24") for frame in reader.decode(video=0)]


@pytest.mark.parametrize("rate", [Fraction(1, 240), Fraction(1, 2), Fraction(8)])
def test_an_animation_gets_the_given_pace(rate):
    slow = gif(20, rate)

    animation = paced(slow, pictures_per_s=8)

    assert times_s(animation.body) == pytest.approx([0.12 * n for n in range(20)])
    assert animation.duration_s == pytest.approx(2.4)
    np.testing.assert_array_equal(pictures(animation.body), pictures(slow))


def test_an_animation_that_has_the_pace_is_unchanged():
    once = paced(gif(5, Fraction(1)), pictures_per_s=8)

    assert paced(once.body, pictures_per_s=8) == once


def test_bytes_that_are_not_a_gif_are_unchanged():
    whole = gif(5, Fraction(1))

    for body in (b"", b"GIF89a", b"\xff\xd8 a photograph" * 9, whole[:20]):
        assert paced(body, pictures_per_s=8).body == body
    for length in range(len(whole)):
        assert len(paced(whole[:length], pictures_per_s=8).body) == length
