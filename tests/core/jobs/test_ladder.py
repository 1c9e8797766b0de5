"""The rendition ladder: its entries, and the errors for wrong ones."""

import json
from pathlib import Path

import pytest

from chalicelib.core.jobs.ladder import Ladder
from chalicelib.errors import PresetError

PRESETS = Path(__file__).parents[3] / "chalicelib" / "presets.json"


@pytest.fixture
def entries():
    return json.loads(PRESETS.read_text())


def test_the_ladder_of_the_project_has_five_renditions():
    ladder = Ladder.parse(PRESETS.read_text())

    assert [preset.file for preset in ladder.presets] == [
        "web.mp4",
        "phone.mp4",
        "audio.mp3",
        "preview.gif",
        "poster.jpg",
    ]
    assert ladder.audio_track.file == "audio.mp3"


def test_a_rendition_is_added_by_an_entry_alone(entries):
    entries["large"] = entries["web"] | {"file": "large.mp4", "max_height": 1080}

    assert "large" in [preset.name for preset in Ladder.parse(json.dumps(entries)).presets]


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        ("web", {"max_height": "720"}, "max_height '720'"),
        ("web", {"max_height": 0}, "max_height 0"),
        ("web", {"max_bitrate": None}, "max_bitrate None"),
        ("web", {"quality": True}, "quality True"),
        ("phone", {"file": "web.mp4"}, "'web'"),
        ("phone", {"file": "../phone.mp4"}, "file name"),
        ("phone", {"file": "phone.mp3"}, ".mp4"),
        ("phone", {"codec": "VP9"}, "'VP9'"),
        ("phone", {"codec": ["H_264"]}, "codec"),
        ("phone", {"heigth": 3}, "'heigth'"),
        ("audio", {"bitrate": 310_000}, "310000"),
        ("gif", {"max_frames": 1}, "max_frames 1"),
        ("poster", {"quality": 101}, "quality 101"),
    ],
)
def test_an_unusable_entry_is_named_with_what_is_wrong(entries, name, change, told):
    entries[name] |= change

    with pytest.raises(PresetError) as refused:
        Ladder.parse(json.dumps(entries))

    assert refused.value.name == name
    assert told in str(refused.value)


@pytest.mark.parametrize("missing", [["audio"], ["web", "phone"]])
def test_a_ladder_needs_an_audio_track_and_a_video(entries, missing):
    for name in missing:
        del entries[name]

    with pytest.raises(PresetError, match="must have"):
        Ladder.parse(json.dumps(entries))


@pytest.mark.parametrize("text", ["", "[]", "{", '{"web": 1}', '{"a": {}, "a": {}}'])
def test_a_file_that_is_not_a_ladder_is_refused_with_the_reason(text):
    with pytest.raises(PresetError, match=r"presets\.json"):
        Ladder.parse(text)


def test_a_recording_without_sound_gets_no_audio_track_and_without_picture_no_video():
    ladder = Ladder.parse(PRESETS.read_text())

    silent = {preset.name for preset in ladder.fitting(picture=True, sound=False)}
    unseen = {preset.name for preset in ladder.fitting(picture=False, sound=True)}

    assert silent == {"web", "phone", "gif", "poster"}
    assert unseen == {"audio"}
