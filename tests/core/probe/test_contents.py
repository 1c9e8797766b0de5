import io
import struct

import pytest
from support import video

from chalicelib.core.audio.source import BufferedSource
from chalicelib.core.probe.contents import Contents, Size, look_into


def contents(body: bytes) -> Contents:
    return look_into(BufferedSource(io.BytesIO(body)))


@pytest.mark.parametrize("extension", video.CODECS)
def test_each_container_gives_its_picture_its_sound_and_its_duration(extension):
    found = contents(video.make(extension))

    assert (found.picture, found.has_sound) == (Size(320, 240), True)
    assert found.duration_s == pytest.approx(2, abs=0.2)


@pytest.mark.parametrize("extension", video.CODECS)
def test_a_silent_video_has_no_sound(extension):
    assert contents(video.make(extension, sound=False)).has_sound is False


@pytest.mark.parametrize("extension", video.CODECS)
def test_sound_alone_has_no_picture(extension):
    found = contents(video.make(extension, size=None))

    assert (found.picture, found.has_sound) == (None, True)


def test_a_turned_picture_has_its_displayed_size():
    assert contents(video.make(rotation=90)).picture == Size(240, 320)


@pytest.mark.parametrize("size", [(321, 241), (240, 426)])
def test_a_size_is_read_unchanged(size):
    assert contents(video.make(size=size)).picture == Size(*size)


def test_an_index_after_the_media_is_found():
    body = video.make()

    assert body.index(b"mdat") < body.index(b"moov")
    assert contents(body).picture == Size(320, 240)


@pytest.mark.parametrize(
    "body", [b"", b"RIFF\x24\x00\x00\x00WAVE", b"\x00" * 100, b"\x1aE\xdf\xa3"]
)
def test_other_files_have_no_contents(body):
    assert contents(body) == Contents()


@pytest.mark.parametrize("extension", video.CODECS)
def test_a_truncated_file_has_no_more_contents_than_the_whole(extension):
    body = video.make(extension, duration_s=1)

    for n_bytes in range(0, len(body), 97):
        found = contents(body[:n_bytes])
        assert found.picture in (None, Size(320, 240))


@pytest.mark.parametrize(
    "element",
    [
        struct.pack(">I4s", 2 << 20, b"free"),
        b"\xec" + (0x1000_0000 | 2 << 20).to_bytes(4, "big"),  # Void, RFC 8794
    ],
    ids=["boxes", "elements"],
)
def test_little_is_read_of_a_large_file_of_empty_headers(element):
    class Headers(io.BytesIO):
        """500 GB of one header every 2 MiB."""

        n_reads = 0

        def seek(self, offset, whence=0):
            self.place = 500 << 30 if whence == 2 else offset
            return self.place

        def read(self, size):
            self.n_reads += 1
            return (element.ljust(2 << 20, b"\0") * 2)[self.place % (2 << 20) :][:size]

    source = Headers()

    assert look_into(BufferedSource(source)).picture is None
    assert source.n_reads <= 64


@pytest.mark.parametrize(
    "body",
    [
        b"\x00\x00\x00\x08ftyp" + struct.pack(">I4s", 0, b"moov") * 3,
        b"\x00\x00\x00\x08ftyp" + struct.pack(">I4sQ", 1, b"free", 0),
        b"\x00\x00\x00\x08ftyp" * 50_000,
        b"\x1aE\xdf\xa3\x80" * 50_000,
        b"\x1aE\xdf\xa3\x80\x18\x53\x80\x67\xff" + b"\xae\xff" * 50_000,
    ],
)
def test_a_file_with_an_endless_index_ends_the_search(body):
    assert contents(body) == Contents()
