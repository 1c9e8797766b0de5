"""Clips of a recording's sound, through the API."""

import io
from urllib.parse import unquote, urlsplit

import pytest
import soundfile
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
