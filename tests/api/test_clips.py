"""Clips of a recording's sound, and rows of its tables in a part, through the API."""

import csv
import gzip
import io
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
import soundfile
from support.answers import conversation, put_answer
from support.asking import Asker
from support.media import convert, wav
from support.running import SAMPLE

from chalicelib.pipeline import events

KEY = "uploads/alice/my talk.wav"


@pytest.fixture
def ask(application):
    return Asker(application)


@pytest.fixture
def talk(services, put):
    recording_id = put(KEY, wav(3.0))
    events.receive_upload(KEY, services)
    return recording_id


def test_a_clip_is_a_wav_file_of_the_part_and_goes_with_the_recording(ask, services, talk):
    answer = ask(f"/recordings/{talk}/clip?from=0.5&to=2")

    assert answer.status == 302
    address = urlsplit(answer.headers["Location"])
    key = f"features/{talk}/clips/500-2000.wav"
    assert unquote(address.path).endswith(key)
    assert "my%20talk.0.50-2.00.wav" in unquote(address.query)
    clip = soundfile.info(io.BytesIO(services.results.read(key)))
    assert clip.duration == 1.5
    assert ask(f"/recordings/{talk}/clip?from=0.5&to=2&redirect=no").json["url"]
    removed = ask(f"/recordings/{talk}", method="DELETE").json["removed"]
    assert key in removed["objects"]
    assert services.results.find(key) is None


@pytest.mark.parametrize("extension", ["m4a", "mp4", "webm", "amr", "mp3", "ogg", "flac", "wav"])
def test_a_clip_is_cut_of_each_format(ask, services, put, extension):
    key = f"uploads/alice/talk.{extension}"
    recording_id = put(key, convert(SAMPLE, extension))
    events.receive_upload(key, services)

    answer = ask(f"/recordings/{recording_id}/clip?from=2.5&to=4")

    assert answer.status == 302, answer.text
    assert "talk.2.50-4.00.wav" in unquote(urlsplit(answer.headers["Location"]).query)
    written = services.results.read(f"features/{recording_id}/clips/2500-4000.wav")
    clip = soundfile.info(io.BytesIO(written))
    assert (clip.format, clip.duration) == ("WAV", 1.5)


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("", "from must be a time in seconds, such as 12.5, not ''."),
        ("from=1", "to must be a time in seconds"),
        ("from=-1&to=2", "from must be a time in seconds"),
        ("from=2&to=1", "to must be after from, not 1 after 2."),
        ("from=7&to=8", "The recording has nothing after 7.00 s."),
    ],
)
def test_a_part_that_there_is_not_is_refused_in_a_sentence(ask, talk, query, sentence):
    answer = ask(f"/recordings/{talk}/clip?{query}")

    assert answer.status == 400
    assert sentence in answer.sentence


def test_another_persons_recording_gives_no_clip(ask, talk):
    assert ask(f"/recordings/{talk}/clip?from=0&to=1", by="bob").status == 404


@pytest.fixture
def measured(services, put):
    """Return a function that measures alice's talk, with parameters of its own."""

    def measure(**metadata):
        recording_id = put(KEY, wav(3.0), **metadata)
        events.receive_upload(KEY, services)
        events.store_transcript(put_answer(services, recording_id, conversation()), services)
        events.extract_features(recording_id, services)
        return recording_id

    return measure


def rows_of(ask, services, recording_id, table, query):
    answer = ask(f"/recordings/{recording_id}/features/{table}?{query}")
    assert answer.status == 302, answer.text
    key = unquote(urlsplit(answer.headers["Location"]).path).partition("features/")[2]
    return services.results.read(f"features/{key}").decode()


@pytest.mark.parametrize("metadata", [{}, {"gzip": "yes"}, {"mfcc-times": "yes"}])
def test_the_rows_of_a_part_have_their_times_in_every_table(ask, services, measured, metadata):
    recording_id = measured(**metadata)

    times = {}
    for table in ("mfcc", "pitch", "energy"):
        rows = list(
            csv.DictReader(io.StringIO(rows_of(ask, services, recording_id, table, "from=1&to=2")))
        )
        times[table] = [float(row["time_s"]) for row in rows]
        assert len(rows[0]) == {"mfcc": 14, "pitch": 4, "energy": 3}[table]
    frames = np.arange(200) * 512 / 22050
    expected = frames[(frames >= 1) & (frames <= 2)]
    np.testing.assert_allclose(times["pitch"], expected, atol=1e-6)
    assert times["mfcc"] == times["energy"] == times["pitch"]


def test_the_rows_of_a_part_are_those_of_the_whole_table(ask, services, measured):
    recording_id = measured(gzip="yes")

    part = rows_of(ask, services, recording_id, "mfcc", "from=1.5&to=1.7").splitlines()

    whole = gzip.decompress(services.results.read(f"features/{recording_id}/mfcc.csv.gz"))
    lines = whole.decode().splitlines()
    assert part[0] == f"time_s,{lines[0]}"
    first = lines.index(part[1].partition(",")[2])
    assert [row.partition(",")[2] for row in part[1:]] == lines[first : first + len(part) - 1]
    assert len(part) == 10


def test_the_words_of_a_part_are_those_that_are_said_in_it(ask, services, measured):
    recording_id = measured()

    part = rows_of(ask, services, recording_id, "words", "from=0.6&to=1.2").splitlines()

    whole = services.results.read(f"features/{recording_id}/words.csv").decode().splitlines()
    spans = [(float(row.split(",")[1]), float(row.split(",")[2])) for row in whole[1:]]
    expected = [
        row for row, (start, end) in zip(whole[1:], spans, strict=True) if start < 1.2 and end > 0.6
    ]
    assert 0 < len(expected) < len(whole) - 1
    assert part == [whole[0], *expected]


@pytest.mark.parametrize(
    ("table", "query", "sentence"),
    [
        ("pitch", "from=1", "to must be a time in seconds"),
        ("pitch", "from=2&to=1", "to must be after from, not 1 after 2."),
        ("summary", "from=0&to=1", "summary has no rows: ask for it without from and to."),
        ("quality", "from=0&to=1", "The rows of this table have no times"),
    ],
)
def test_rows_that_there_are_not_are_refused_in_a_sentence(ask, measured, table, query, sentence):
    answer = ask(
        f"/recordings/{measured(tables='mfcc,pitch,energy,quality')}/features/{table}?{query}"
    )

    assert answer.status == 400
    assert sentence in answer.sentence
