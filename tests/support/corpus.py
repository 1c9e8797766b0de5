"""Malformed and malicious files, generated."""

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import soundfile

from support import video
from support.media import SR, convert, encode, wav

SAMPLE = Path(__file__).parents[2] / "samples" / "sample.wav"
TONE = 0.3 * np.sin(2 * np.pi * 220 * np.arange(2 * SR) / SR)


def truncated(extension: str, part: float) -> bytes:
    whole = convert(SAMPLE, extension)
    return whole[: round(len(whole) * part)]


def flipped(extension: str, *, every: int, first: int = 64) -> bytes:
    """Flip one bit in every few bytes, except in the header."""
    body = bytearray(convert(SAMPLE, extension))
    for place in range(first, len(body), every):
        body[place] ^= 1 << place % 8
    return bytes(body)


def flac_that_claims(hours: float) -> bytes:
    """Return a kilobyte of FLAC whose header claims so many hours (RFC 9639, section 8.2)."""
    body = bytearray(encode(np.zeros(SR), "FLAC"))
    claim = round(hours * 3600 * SR)
    kept = int.from_bytes(body[18:26], "big") >> 36 << 36
    body[18:26] = (kept | claim).to_bytes(8, "big")
    return bytes(body)


def packed_silence(hours: float, sr: int = 8_000) -> bytes:
    """Return hours of silence in FLAC, with a header that gives no length."""
    file = io.BytesIO()
    hour = np.zeros(3600 * sr, np.int16)
    with soundfile.SoundFile(
        file, "w", sr, 1, "PCM_16", format="FLAC", compression_level=1.0
    ) as writer:
        for _ in range(int(hours)):
            writer.write(hour)
        writer.write(hour[: round(hours % 1 * len(hour))])
    body = bytearray(file.getvalue())
    kept = int.from_bytes(body[18:26], "big") >> 36 << 36
    body[18:26] = kept.to_bytes(8, "big")
    return bytes(body)


def wav_with_chunks(n: int) -> bytes:
    """Return a WAV with a great many empty chunks before its samples."""
    whole = wav(1.0)
    return whole[:36] + n * struct.pack("<4sI", b"junk", 0) + whole[36:]


def chained_ogg(n: int) -> bytes:
    """Return several Ogg streams one after the other, in one file."""
    return n * encode(TONE, "OGG")


def ogg_without_end() -> bytes:
    """Return an Ogg whose last page says that another page follows."""
    body = bytearray(encode(TONE, "OGG"))
    page = bytes(body).rfind(b"OggS\x00")
    body[page + 5] &= ~4 & 0xFF
    body[page + 22 : page + 26] = bytes(4)
    checksum = 0
    for byte in body[page:]:  # RFC 3533, section 6: a CRC without reversed bits
        checksum ^= byte << 24
        for _ in range(8):
            checksum = checksum << 1 ^ (0x104C11DB7 if checksum >> 31 else 0)
    body[page + 22 : page + 26] = checksum.to_bytes(4, "little")
    return bytes(body)


def webm_of_unknown_lengths() -> bytes:
    """Return a live recording of a browser, in which no element gives its length."""
    body = bytearray(convert(SAMPLE, "webm"))
    for element in (b"\x18\x53\x80\x67", b"\x1f\x43\xb6\x75"):
        place = bytes(body).find(element) + len(element)
        body[place : place + 8] = b"\x01" + b"\xff" * 7
    return bytes(body)


def nested_boxes(depth: int) -> bytes:
    """Return an MP4 whose index contains an index, many levels deep."""
    body = b""
    for _ in range(depth):
        body = struct.pack(">I4s", len(body) + 8, b"moov") + body
    return struct.pack(">I4s4sI", 16, b"ftyp", b"isom", 0) + body


def boxes_going_nowhere() -> bytes:
    """Return an MP4 of boxes without length, in which a reader could loop for ever."""
    return struct.pack(">I4s4sI", 16, b"ftyp", b"isom", 0) + 100_000 * struct.pack(
        ">I4s", 8, b"free"
    )


def zip_with_sound() -> bytes:
    """Return a file that is a WAV if read from the start, and a ZIP if read from the end."""
    file = io.BytesIO()
    file.write(wav(1.0))
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("payload.txt", "not played")
    return file.getvalue()


def page_with_sound() -> bytes:
    """Return an MP3 whose title is a web page."""
    tag = b"TIT2" + struct.pack(">IH", 40, 0) + b"\x00<script>alert(document.cookie)</script>"
    size = bytes(len(tag) >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x03\x00\x00" + size + tag + convert(SAMPLE, "mp3")


def playlist_of_secrets() -> bytes:
    """Return a playlist that makes FFmpeg read other files, if it is allowed to."""
    return b"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:10.0,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"


def mov_that_refers() -> bytes:
    """Return a QuickTime file that says its samples are in another file."""
    body = video.make("mov", duration_s=1)
    return body.replace(b"url \x00\x00\x00\x01", b"alis\x00\x00\x00\x00", 1)


def picture(extension: str) -> bytes:
    """Return a photograph with the first bytes of a recording before it."""
    heads = {"wav": b"RIFF\x24\x00\x00\x00WAVEfmt ", "flac": b"fLaC\x00\x00\x00\x22", "mp3": b"ID3"}
    file = io.BytesIO()
    with av.open(file, "w", format="image2pipe") as writer:
        stream = writer.add_stream("png", rate=1)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "rgb24"
        frame = av.VideoFrame.from_ndarray(video.frame(1, 64, 64), format="rgb24")
        writer.mux(stream.encode(frame))
        writer.mux(stream.encode(None))
    return heads[extension] + file.getvalue()


UPLOADS: dict[str, tuple[Callable[[], bytes], str, str]] = {
    # name: the function that makes it, the status of its features, and a part of the reason
    "cut in its head.wav": (lambda: wav(1.0)[:30], "FAILED", "cannot be read"),
    "cut in its samples.wav": (lambda: wav(2.0)[:20_000], "COMPLETED", "ends early"),
    "cut in its title.mp3": (lambda: page_with_sound()[:7], "FAILED", "cannot be read"),
    "cut.mp3": (lambda: truncated("mp3", 0.5), "COMPLETED", ""),
    "cut.flac": (lambda: truncated("flac", 0.5), "COMPLETED", "ends early"),
    "cut.ogg": (lambda: truncated("ogg", 0.5), "COMPLETED", "end is missing"),
    "cut.m4a": (lambda: truncated("m4a", 0.5), "FAILED", "damaged or cut short"),
    "cut.webm": (lambda: truncated("webm", 0.5), "COMPLETED", "ends early"),
    "cut.amr": (lambda: truncated("amr", 0.5), "COMPLETED", ""),
    "flipped.mp3": (lambda: flipped("mp3", every=97), "COMPLETED", ""),
    "flipped.flac": (lambda: flipped("flac", every=97), "", ""),
    "flipped.ogg": (lambda: flipped("ogg", every=97), "", ""),
    "flipped.m4a": (lambda: flipped("m4a", every=97), "", ""),
    "flipped.webm": (lambda: flipped("webm", every=97), "", ""),
    "claims ten hours.flac": (lambda: flac_that_claims(10), "FAILED", "too long"),
    "claims three hours.flac": (lambda: flac_that_claims(3), "COMPLETED", "ends early"),
    "chunks.wav": (lambda: wav_with_chunks(999), "", ""),
    "chunks for ever.wav": (lambda: wav_with_chunks(200_000), "", ""),
    "chained.ogg": (lambda: chained_ogg(50), "COMPLETED", ""),
    "endless.ogg": (ogg_without_end, "COMPLETED", "end is missing"),
    "endless.webm": (webm_of_unknown_lengths, "COMPLETED", ""),
    "nested.mp4": (lambda: nested_boxes(5_000), "FAILED", "damaged"),
    "nowhere.mp4": (boxes_going_nowhere, "FAILED", ""),
    "zip too.wav": (zip_with_sound, "COMPLETED", ""),
    "page too.mp3": (page_with_sound, "COMPLETED", ""),
    "playlist.mp4": (playlist_of_secrets, "FAILED", ""),
    "playlist.wav": (playlist_of_secrets, "FAILED", ""),
    "refers.mov": (mov_that_refers, "", ""),
    "picture.wav": (lambda: picture("wav"), "FAILED", "cannot be read"),
    "picture.flac": (lambda: picture("flac"), "FAILED", "too long"),
    "picture.mp3": (lambda: picture("mp3"), "FAILED", "cannot be read"),
    "zeros.mp3": (lambda: bytes(1 << 20), "FAILED", "begins with zeros"),
    "deflated.wav": (lambda: zlib.compress(bytes(1 << 20)), "FAILED", "cannot be read"),
}


def nested(opening: str, depth: int) -> bytes:
    return f'{{"results": {opening * depth}'.encode()


def transcript(**results: object) -> bytes:
    return json.dumps({"status": "COMPLETED", "results": results}).encode()


def item(**changes: object) -> dict:
    return {
        "type": "pronunciation",
        "start_time": "0.1",
        "end_time": "0.4",
        "alternatives": [{"confidence": "0.9", "content": "Hello"}],
    } | changes


TRANSCRIPTS: dict[str, tuple[Callable[[], bytes], str]] = {
    # name: the function that makes it, and the field in the error; None if it can be read
    "nothing": (lambda: b"", "JSON"),
    "no JSON": (lambda: b"\xff\xfe{", "JSON"),
    "cut short": (lambda: transcript(items=[item()])[:-30], "JSON"),
    "lists to the bottom": (lambda: nested("[", 1_000_000), "JSON"),
    "objects to the bottom": (lambda: nested('{"results":', 1_000_000), "JSON"),
    "a closed abyss": (lambda: b"[" * 100_000 + b"]" * 100_000, "JSON"),
    "a list": (lambda: b"[]", "document"),
    "a number": (lambda: b"1e999", "JSON"),
    "results are text": (lambda: b'{"results": "x"}', "document.results"),
    "items are an object": (lambda: transcript(items={"0": item()}), "items"),
    "an item is null": (lambda: transcript(items=[None]), "items[0]"),
    "a time is a list": (lambda: transcript(items=[item(start_time=[])]), "start_time"),
    "a time is true": (lambda: transcript(items=[item(start_time=True)]), "start_time"),
    "a time is not a number": (lambda: transcript(items=[item(end_time="NaN")]), "end_time"),
    "a time is beyond all": (lambda: transcript(items=[item(end_time="9" * 400)]), "end_time"),
    "time runs backwards": (lambda: transcript(items=[item(end_time="0.0")]), "end_time"),
    "half a letter": (
        lambda: transcript(items=[item()]).replace(b"Hello", rb"\ud800"),
        "JSON",
    ),
    "an unknown kind": (lambda: transcript(items=[item(type="song")]), "type"),
    "a confidence beyond one": (
        lambda: transcript(items=[item(alternatives=[{"confidence": "9", "content": "x"}])]),
        "confidence",
    ),
    "a word of a megabyte": (
        lambda: transcript(
            items=[item(alternatives=[{"confidence": "1", "content": "x" * 1_000_000}])]
        ),
        "",
    ),
    "a hundred thousand fields": (
        lambda: json.dumps(
            {str(n): n for n in range(100_000)} | {"results": {"items": []}}
        ).encode(),
        "",
    ),
}
