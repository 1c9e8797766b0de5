"""Spans that are cut from blocks are those of the whole."""

import io

import numpy as np
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from support.dataset import Recordings

from chalicelib.core.datasets.cutting import cut, cut_audio
from chalicelib.core.datasets.models import Source, Utterance

SPAN = st.tuples(st.integers(0, 40), st.integers(0, 20))


@given(st.lists(SPAN, max_size=6), st.lists(st.integers(1, 30), min_size=1, max_size=5))
def test_blocks_of_any_length_give_the_spans_of_the_whole(spans, lengths):
    y = np.arange(sum(lengths))
    spans = sorted((first, first + length) for first, length in spans)
    ends = np.cumsum(lengths)
    blocks = [y[end - length : end] for end, length in zip(ends, lengths, strict=True)]

    found = list(cut(spans, blocks))

    assert [part.tolist() for part in found] == [y[a:b].tolist() for a, b in spans]


def test_what_is_cut_does_not_keep_the_block_in_memory():
    block = np.zeros(1000)

    (part,) = cut([(10, 20)], [block])

    assert not np.shares_memory(part, block)


def test_an_utterance_has_the_samples_of_its_channel_or_of_the_mix():
    left, right = np.full(8000, 8192, np.int16), np.full(8000, -4096, np.int16)
    body = io.BytesIO()
    soundfile.write(body, np.stack([left, right], axis=1), 8000, format="WAV")
    recordings = Recordings(1, seconds=1.0)
    source = recordings.source(recordings.ids[0])
    stereo = Source(
        **{name: getattr(source, name) for name in source.__slots__} | {"n_channels": 2}
    )

    found = [
        next(iter(cut_audio(stereo, [utterance(channel)], io.BytesIO(body.getvalue()))))
        for channel in (0, 1, None)
    ]

    assert [y.tolist() for y in found] == [[0.25] * 4000, [-0.125] * 4000, [0.0625] * 4000]


def utterance(channel):
    return Utterance("u", 0.25, 0.75, "hi", None, channel, None, None, {}, (), 0, 50)
