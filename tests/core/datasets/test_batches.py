"""Batches: the same bytes each time, within their bounds, in little memory, with every reason."""

import io
import tracemalloc
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from support.dataset import RECIPE, Recordings, make

from chalicelib.core.datasets.batches import make_batch
from chalicelib.core.datasets.formats import writer_of
from chalicelib.core.datasets.models import LeftOut
from chalicelib.core.datasets.parameters import FORMATS, DatasetParameters
from chalicelib.errors import MediaError

WITH_FRAMES = {"frames": "mfcc"}


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("form", FORMATS)
def test_a_data_set_made_again_is_the_same_bytes(form, tmp_path):
    recordings = Recordings(3)

    make(tmp_path / "a", recordings, format=form, **WITH_FRAMES)
    make(tmp_path / "b", recordings, ids=recordings.ids[::-1], format=form, **WITH_FRAMES)

    assert contents(tmp_path / "a") == contents(tmp_path / "b")


@pytest.mark.parametrize("form", FORMATS)
def test_no_file_is_larger_than_the_bound_and_nothing_is_lost(form, tmp_path):
    recordings = Recordings(4, seconds=120.0)

    manifest = make(tmp_path, recordings, format=form, shard_mb="1", frames="mfcc,rms")

    data = [file for file in manifest["files"] if file["n_utterances"]]
    assert max(file["n_bytes"] for file in data) <= 1_000_000
    n = sum(split["n_utterances"] for split in manifest["splits"].values())
    assert n == sum(
        len(recordings.transcript(recordings.source(one)).segments) for one in recordings.ids
    )
    per_file = {"shar": 3}.get(form, 1)  # cuts, recording and features hold the same utterances
    assert sum(file["n_utterances"] for file in data) == per_file * n


class NoFile(io.RawIOBase):
    """A file that keeps nothing, so that what is in memory is what a writer holds."""

    def writable(self):
        return True

    def write(self, data):
        return len(data)


@contextmanager
def nowhere(_path):
    yield NoFile()


@pytest.mark.parametrize("form", FORMATS)
def test_memory_does_not_grow_with_the_number_of_recordings(form):
    parameters = DatasetParameters.parse(
        {"format": form, "frames": "mfcc", "shard_mb": "1", "splits": "train=1"}
    )

    def peak(n):
        recordings = Recordings(n, seconds=8.0)
        tracemalloc.start()
        make_batch(0, recordings.ids, recordings, parameters, RECIPE, writer_of(form), nowhere)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    few, many = peak(40), peak(80)

    # The frames alone of 40 recordings more have 0.4 MB, their samples 5 MB.
    assert many - few < 150_000


class Odd(Recordings):
    """Recordings of which some cannot be used, each for a reason of its own."""

    def source(self, recording_id):
        if recording_id == self.ids[0]:
            return LeftOut(recording_id, "It has no transcript.")
        source = super().source(recording_id)
        if recording_id == self.ids[1]:
            return replace(source, recipe=replace(RECIPE, n_mfcc=20))
        return source

    def transcript(self, source):
        found = super().transcript(source)
        first, *rest = found.segments
        changes = {
            self.ids[2]: (),
            self.ids[3]: (replace(first, text=" "), *rest),
            self.ids[4]: (replace(first, start=first.end - 0.001), *rest),
            self.ids[5]: (replace(first, start=90.0, end=91.0), *rest),
        }
        return replace(found, segments=changes.get(source.recording_id, found.segments))

    def segments(self, source):
        if source.recording_id == self.ids[6]:
            return super().segments(self.source(self.ids[2]))
        self._table = None  # each has its own
        return super().segments(source)

    @contextmanager
    def audio(self, source):
        if source.recording_id == self.ids[7]:
            raise MediaError("The recording cannot be decoded")
        with super().audio(source) as body:
            yield body


def test_all_that_is_left_out_is_listed_with_its_reason():
    recordings = Odd(9)
    left_out = {}
    parameters = DatasetParameters.parse({"format": "webdataset", "longest_s": "60"})

    report = make_batch(
        0, recordings.ids, recordings, parameters, RECIPE, writer_of("webdataset"), nowhere
    )
    for one in report.left_out:
        left_out[recordings.ids.index(one.recording_id)] = (one.utterance_id, one.reason)

    assert left_out == {
        0: (None, "It has no transcript."),
        1: (None, "It was processed again meanwhile, with other parameters."),
        2: (None, "Nothing was said in it."),
        3: (f"{recordings.ids[3]}-00000", "It has no text."),
        4: (
            f"{recordings.ids[4]}-00000",
            "It is shorter than half a frame, or after the end of the recording.",
        ),
        5: (
            f"{recordings.ids[5]}-00000",
            "It is shorter than half a frame, or after the end of the recording.",
        ),
        6: (None, "Its transcript and its tables differ: a correction is being applied."),
        7: (None, "The recording cannot be decoded."),
    }
    assert sum(one.n_utterances for one in report.splits.values()) == 2 + 3 * 1


def test_the_manifest_counts_what_is_left_out(tmp_path):
    manifest = make(tmp_path, Recordings(2), format="kaldi", longest_s="1")

    assert manifest["left_out"] == {"n": 4, "reasons": {"It is longer than 1 s.": 4}}
    assert len((tmp_path / "left-out.jsonl").read_text().splitlines()) == 4
    assert manifest["splits"] == {}


def test_an_error_discards_every_open_file():
    kept, discarded = [], []

    @contextmanager
    def open_file(path):
        try:
            yield NoFile()
        except OSError:
            discarded.append(path)
            raise
        kept.append(path)

    class Failing(Recordings):
        def frames(self, source):
            if source.recording_id == self.ids[-1]:
                raise OSError("the network is down")
            return super().frames(source)

    recordings = Failing(3)
    parameters = DatasetParameters.parse({"format": "kaldi", "splits": "train=1"})

    with pytest.raises(OSError, match="the network is down"):
        make_batch(0, recordings.ids, recordings, parameters, RECIPE, writer_of("kaldi"), open_file)

    assert not kept
    assert "feats/train-00000-000.ark" in discarded
    assert "parts/00000/train/text" in discarded


def test_frames_of_an_utterance_are_those_between_its_times():
    recordings = Recordings(1)
    source = recordings.source(recordings.ids[0])
    seen = []

    class Seeing:
        def __init__(self, *_):
            pass

        def add(self, example):
            seen.append(example)

        def close(self):
            pass

    parameters = DatasetParameters.parse({"format": "kaldi", "frames": "mfcc,f0,voiced,rms"})
    make_batch(0, recordings.ids, recordings, parameters, RECIPE, Seeing, nowhere)

    one = seen[0]
    frames = np.arange(len(one.frames)) + one.utterance.first_frame
    assert np.allclose(frames * RECIPE.frame_s, frames / 100)
    assert frames[0] * RECIPE.frame_s == pytest.approx(one.utterance.start, abs=RECIPE.frame_s)
    assert np.array_equal(one.frames[:, 0], frames)
    assert one.frames[:, 4].tolist() == [120.0 if n % 2 == 0 else 0.0 for n in frames]
    assert one.frames[:, 5].tolist() == [n % 2 == 0 for n in frames]
    assert np.allclose(one.frames[:, 6], 0.1)
    assert source.recipe.n_mfcc == 4
