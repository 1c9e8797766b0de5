import pytest

from chalicelib.core.probe import formats

WAV = b"RIFF\x24\x00\x00\x00WAVEfmt "
MP4 = b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00"
M4A = b"\x00\x00\x00\x20ftypM4A \x00\x00\x02\x00"
WEBM = b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webm"
QT = b"\x00\x00\x00\x14ftypqt  \x00\x00\x02\x00"
MKV = WEBM[:-4] + b"matroska"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"


@pytest.mark.parametrize(
    ("key", "head", "media_format"),
    [
        ("uploads/a.wav", WAV, "wav"),
        ("uploads/A.WAV", WAV, "wav"),
        ("uploads/a.Mp3", b"ID3\x04", "mp3"),
        ("uploads/a.mp3", b"\xff\xfb\x90\x00", "mp3"),
        ("uploads/a.flac", b"fLaC\x00", "flac"),
        ("uploads/a.ogg", b"OggS\x00", "ogg"),
        ("uploads/a.m4a", M4A, "m4a"),
        ("uploads/a.m4a", MP4, "m4a"),
        ("uploads/a.mp4", MP4, "mp4"),
        ("uploads/a.webm", WEBM, "webm"),
        ("uploads/a.amr", b"#!AMR\n", "amr"),
        ("uploads/a.mov", QT, "mov"),
        ("uploads/a.MOV", b"\x00\x00\x00\x08wide\x00\x00\x00\x00mdat", "mov"),
        ("uploads/a.mkv", MKV, "mkv"),
    ],
)
def test_each_format_has_the_name_that_transcribe_gives_it(key, head, media_format):
    assert formats.media_format(key, head) == (media_format, None)


def test_a_recording_with_another_formats_extension_is_recognised():
    assert formats.media_format("uploads/a.wav", b"ID3\x04") == ("mp3", None)


@pytest.mark.parametrize(
    ("key", "head", "media_format"),
    [
        ("uploads/a.mov", MP4, "mp4"),
        ("uploads/a.mp4", QT, "mov"),
        ("uploads/a.mkv", WEBM, "webm"),
        ("uploads/a.webm", MKV, "mkv"),
    ],
)
def test_a_container_with_another_containers_extension_is_recognised(key, head, media_format):
    assert formats.media_format(key, head) == (media_format, None)


def test_the_name_decides_if_the_bytes_do_not():
    assert formats.media_format("uploads/a.mp3", b"\x00\x00\x00\x00") == ("mp3", None)


@pytest.mark.parametrize(
    "key", ["uploads/notes.txt", "uploads/wav", "uploads/.wav", "uploads/a.b/c"]
)
def test_other_files_are_refused_with_the_formats_named(key):
    media_format, reason = formats.media_format(key, b"hello")

    assert media_format is None
    assert all(name in reason for name in formats.FORMATS)


def test_a_picture_named_wav_is_called_a_picture():
    media_format, reason = formats.media_format("uploads/a.wav", PNG)

    assert media_format is None
    assert "is a PNG image" in reason


def test_an_empty_file_is_called_empty():
    assert formats.media_format("uploads/a.wav", b"") == (
        None,
        "The file is empty: it has 0 bytes.",
    )
