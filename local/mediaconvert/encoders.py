"""Encoders for the four kinds of file in the rendition ladder, by PyAV, frame by frame."""

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av

from local.mediaconvert.scaling import TICKS, Scaler
from local.mediaconvert.soundtrack import SoundTrack

_CRF_OF_QUALITY_10, _CRF_STEP = 18, 1.2
_Json = dict[str, Any]


class Sink:
    """One output: takes frames in order, and writes its files."""

    wants_picture = True
    wants_sound = False

    def __init__(self, folder: Path, base: str, output: _Json) -> None:
        self._folder = folder
        self._base = base
        self._output = output
        self._end_s = Fraction(0)
        self.files: list[str] = []
        video = output.get("VideoDescription")
        self.size: tuple[int, int] | None = (video["Width"], video["Height"]) if video else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close all open files, also after an error."""

    @property
    def duration_s(self) -> float:
        """End of the last frame, in seconds."""
        return float(self._end_s)

    def expect(self, frame_rate: Fraction) -> None:
        """Take the frame rate of the input, before the first frame."""

    def picture(self, frame: av.VideoFrame, at_s: Fraction, rotation: int) -> None:
        """Take a picture that is shown from ``at_s``."""

    def sound(self, frame: av.AudioFrame, at_s: Fraction) -> None:
        """Take sound that starts at ``at_s``."""

    def finish(self) -> None:
        """Take the end of the input."""

    def _path(self, name: str) -> str:
        self.files.append(name)
        return str(self._folder / name)

    def _codec(self, name: str) -> _Json:
        settings: _Json = self._output["VideoDescription"]["CodecSettings"][name]
        return settings


class Mp4File(Sink):
    """H.264 with AAC in MP4, with the index at the start."""

    def __init__(self, folder: Path, base: str, output: _Json) -> None:
        super().__init__(folder, base, output)
        sounds = output.get("AudioDescriptions") or []
        self.wants_sound = bool(sounds)
        name = f"{base}.{output.get('Extension', 'mp4')}"
        self._writer = av.open(
            self._path(name), "w", format="mp4", options={"movflags": "+faststart"}
        )
        settings = self._codec("H264Settings")
        quality = (settings.get("QvbrSettings") or {}).get("QvbrQualityLevel", 7)
        most = settings.get("MaxBitrate") or settings.get("Bitrate") or 5_000_000
        self._stream: Any = self._writer.add_stream(
            "libx264",
            options={
                "preset": "veryfast",
                "crf": str(_CRF_OF_QUALITY_10 + _CRF_STEP * (10 - quality)),
                "maxrate": str(most),
                "bufsize": str(2 * most),
            },
        )
        self._stream.width, self._stream.height = self.size or (0, 0)
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = TICKS
        self._scaler = Scaler(self.size or (0, 0), "yuv420p")
        self._track = None
        if sounds:
            aac = sounds[0]["CodecSettings"]["AacSettings"]
            self._track = SoundTrack(
                self._writer,
                "aac",
                layout="mono" if aac.get("CodingMode") == "CODING_MODE_1_0" else "stereo",
                rate=aac["SampleRate"],
                bitrate=aac.get("Bitrate", 96_000),
            )
        self._last: tuple[Fraction, Fraction] | None = None

    def __exit__(self, *exception: object) -> None:
        """Close the file."""
        self._writer.close()

    def expect(self, frame_rate: Fraction) -> None:
        """Set the encoder's frame rate, which also gives the duration of the last picture."""
        self._stream.codec_context.framerate = frame_rate

    def picture(self, frame: av.VideoFrame, at_s: Fraction, rotation: int) -> None:
        """Encode a picture."""
        self._scaler.push(frame, at_s, rotation)
        self._encode(self._scaler.pull())

    def sound(self, frame: av.AudioFrame, at_s: Fraction) -> None:
        """Encode sound."""
        if self._track:
            self._track.push(frame, at_s)

    def finish(self) -> None:
        """Write the rest, and the index."""
        self._encode(self._scaler.pull(is_end=True))
        self._writer.mux(self._stream.encode(None))
        if self._track:
            self._track.finish()
            self._end_s = max(self._end_s, self._track.end_s)

    def _encode(self, pictures: list[Any]) -> None:
        for picture in pictures:
            at_s = picture.pts * picture.time_base
            if self._last and at_s <= self._last[0]:
                continue  # two pictures at the same time: keep the first
            length_s = at_s - self._last[0] if self._last else Fraction(1, 25)
            self._last = (at_s, length_s)
            self._end_s = max(self._end_s, at_s + length_s)
            picture.duration = round(length_s / TICKS)
            # The encoder chooses the picture's type (I, P or B), not the input.
            picture.pict_type = 0
            self._writer.mux(self._stream.encode(picture))


class Mp3File(Sink):
    """The sound only, as MP3."""

    wants_picture = False
    wants_sound = True

    def __init__(self, folder: Path, base: str, output: _Json) -> None:
        super().__init__(folder, base, output)
        settings = output["AudioDescriptions"][0]["CodecSettings"]["Mp3Settings"]
        name = f"{base}.{output.get('Extension', 'mp3')}"
        self._writer = av.open(self._path(name), "w", format="mp3")
        self._track = SoundTrack(
            self._writer,
            "libmp3lame",
            layout="mono" if settings.get("Channels") == 1 else "stereo",
            rate=settings["SampleRate"],
            bitrate=settings.get("Bitrate", 128_000),
        )

    def __exit__(self, *exception: object) -> None:
        """Close the file."""
        self._writer.close()

    def sound(self, frame: av.AudioFrame, at_s: Fraction) -> None:
        """Encode sound."""
        self._track.push(frame, at_s)

    def finish(self) -> None:
        """Write the rest."""
        self._track.finish()
        self._end_s = self._track.end_s


class GifFile(Sink):
    """An animated GIF with one palette. Its few, small pictures are in memory until the end."""

    def __init__(self, folder: Path, base: str, output: _Json) -> None:
        super().__init__(folder, base, output)
        settings = self._codec("GifSettings")
        numerator = settings.get("FramerateNumerator", 5)
        self._rate = Fraction(numerator, settings.get("FramerateDenominator", 1))
        self._scaler = Scaler(
            self.size or (0, 0), "rgb24", ("fps", str(self._rate)), ("palette", "")
        )

    def picture(self, frame: av.VideoFrame, at_s: Fraction, rotation: int) -> None:
        """Take a picture."""
        self._scaler.push(frame, at_s, rotation)

    def finish(self) -> None:
        """Find the palette and write the file."""
        path = self._path(f"{self._base}.{self._output.get('Extension', 'gif')}")
        with av.open(path, "w", format="gif") as writer:
            stream: Any = writer.add_stream("gif", rate=self._rate)
            stream.width, stream.height = self.size or (0, 0)
            stream.pix_fmt = "pal8"
            stream.codec_context.time_base = 1 / self._rate
            for number, picture in enumerate(self._scaler.pull(is_end=True)):
                picture.pts, picture.time_base = number, 1 / self._rate
                writer.mux(stream.encode(picture))
                self._end_s = (number + 1) / self._rate
            writer.mux(stream.encode(None))


class FrameFiles(Sink):
    """JPEG pictures: the first, and then one for every interval, in numbered files."""

    def __init__(self, folder: Path, base: str, output: _Json) -> None:
        super().__init__(folder, base, output)
        settings = self._codec("FrameCaptureSettings")
        self._interval_s = Fraction(
            settings.get("FramerateDenominator", 1), settings.get("FramerateNumerator", 1)
        )
        self._most = settings.get("MaxCaptures", 10_000_000)
        # libjpeg's quality to FFmpeg's scale, where 2 is the best and 31 the worst.
        self._scale = str(round(2 + (100 - settings.get("Quality", 80)) * 29 / 100))

    def picture(self, frame: av.VideoFrame, at_s: Fraction, rotation: int) -> None:
        """Write a picture if it is time for one."""
        n_files = len(self.files)
        if n_files >= self._most or at_s < n_files * self._interval_s:
            return
        scaler = Scaler(self.size or (0, 0), "yuvj420p")
        scaler.push(frame, at_s, rotation)
        (picture,) = scaler.pull(is_end=True)
        codec: Any = av.CodecContext.create("mjpeg", "w")
        codec.width, codec.height = self.size or (0, 0)
        codec.pix_fmt, codec.time_base = "yuvj420p", Fraction(1, 25)
        codec.options = {"qmin": self._scale, "qmax": self._scale}
        picture.pts = 0
        name = f"{self._base}.{n_files:07}.{self._output.get('Extension', 'jpg')}"
        packets = [*codec.encode(picture), *codec.encode(None)]
        Path(self._path(name)).write_bytes(b"".join(bytes(packet) for packet in packets))
        self._end_s = (n_files + 1) * self._interval_s
