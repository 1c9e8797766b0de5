"""The rendition ladder: the rules for ``presets.json``, checked entry by entry."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.errors import PresetError

MP3_BITRATES = frozenset({128_000, 160_000, 192_000, 256_000, 320_000})
MP3_SAMPLE_RATE_HZ = 44_100
# MediaConvert's own bounds: sizes from 32, an H.264 picture of 4096 at most.
MIN_PIXELS, MAX_PIXELS = 32, 4096

_STEM = re.compile(r"[a-z0-9-]+")


@dataclass(frozen=True, slots=True)
class Preset:
    """One entry of the ladder: the name of its file, and how the file is encoded."""

    name: str
    file: str
    codec: str
    values: Mapping[str, int]

    @property
    def stem(self) -> str:
        """The file's name without its extension, which MediaConvert builds names from."""
        return self.file.partition(".")[0]

    @property
    def has_picture(self) -> bool:
        """True if the rendition needs a picture."""
        return self.codec != "MP3"


@dataclass(frozen=True, slots=True)
class Kind:
    """Rules for the entries of one codec: the extension, and bounds for each number."""

    extension: str
    bounds: Mapping[str, tuple[int, int]]


KINDS = {
    "H_264": Kind(
        "mp4",
        {
            "max_height": (MIN_PIXELS, 2304),
            "max_bitrate": (1_000, 1_152_000_000),
            "quality": (1, 10),
            "audio_bitrate": (32_000, 320_000),
        },
    ),
    "MP3": Kind("mp3", {"bitrate": (min(MP3_BITRATES), max(MP3_BITRATES))}),
    "GIF": Kind(
        "gif",
        {
            # Small enough to fit into memory as a whole, where its pace is set.
            "max_height": (MIN_PIXELS, 360),
            "max_frames": (2, 240),
            "max_frames_per_s": (1, 25),
        },
    ),
    "FRAME_CAPTURE": Kind(
        "jpg",
        {
            "max_height": (MIN_PIXELS, 2304),
            "quality": (1, 100),
            "at_s": (1, 3600),
        },
    ),
}


@dataclass(frozen=True, slots=True)
class Ladder:
    """All presets; exactly one of them is the audio track."""

    presets: tuple[Preset, ...]

    @classmethod
    def parse(cls, text: str) -> "Ladder":
        """Read a ladder. Raise PresetError, with the entry's name, if it cannot be encoded."""
        try:
            entries = json.loads(text, object_pairs_hook=_distinct)
        except ValueError as exc:
            raise PresetError("the file", f"is not JSON: {exc}") from exc
        if not isinstance(entries, dict):
            raise PresetError("the file", "must be an object with one entry for each rendition")
        presets = tuple(_preset(name, entry) for name, entry in entries.items())
        seen: dict[str, str] = {}
        for preset in presets:
            if other := seen.get(preset.stem):
                raise PresetError(preset.name, f"has the file name of {other!r}: {preset.file!r}")
            seen[preset.stem] = preset.name
        codecs = [preset.codec for preset in presets]
        if codecs.count("MP3") != 1:
            raise PresetError("the file", "must have exactly one MP3, the audio track")
        if "H_264" not in codecs:
            # MediaConvert refuses a job whose only pictures are captured frames.
            raise PresetError("the file", "must have at least one H_264 rendition")
        return cls(presets)

    @property
    def audio_track(self) -> Preset:
        """The preset of the audio track, used if Transcribe cannot read the upload itself."""
        return next(preset for preset in self.presets if preset.codec == "MP3")

    def fitting(self, *, picture: bool, sound: bool) -> tuple[Preset, ...]:
        """Return the presets that fit a recording's tracks."""
        return tuple(
            preset for preset in self.presets if (picture if preset.has_picture else sound)
        )


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise PresetError(next(name for name in names if names.count(name) > 1), "is there twice")
    return found


def _preset(name: str, entry: object) -> Preset:
    if not isinstance(entry, dict):
        raise PresetError(name, "must be an object")
    codec = entry.get("codec")
    kind = KINDS.get(codec) if isinstance(codec, str) else None
    if kind is None:
        raise PresetError(name, f"has the codec {codec!r}; there are {', '.join(KINDS)}")
    stem, _, extension = str(entry.get("file")).partition(".")
    if not _STEM.fullmatch(stem) or extension != kind.extension:
        raise PresetError(
            name,
            f"has the file name {entry.get('file')!r}; for {codec} it must be small letters, "
            f"digits and hyphens, and end in .{kind.extension}",
        )
    unknown = entry.keys() - kind.bounds.keys() - {"file", "codec"}
    if unknown:
        raise PresetError(name, f"has the unknown setting {min(unknown)!r}")
    for setting, (least, most) in kind.bounds.items():
        value = entry.get(setting)
        if type(value) is not int or not least <= value <= most:
            raise PresetError(
                name, f"has {setting} {value!r}; it must be a whole number from {least} to {most}"
            )
    if codec == "MP3" and entry["bitrate"] not in MP3_BITRATES:
        choices = ", ".join(map(str, sorted(MP3_BITRATES)))
        raise PresetError(name, f"has bitrate {entry['bitrate']}; MP3 has {choices}")
    return Preset(name, f"{stem}.{extension}", str(codec), {k: entry[k] for k in kind.bounds})
