"""Length, sampling rate and channels of a sound file, from its header alone.

Nothing is decoded and no decoder is needed, so this can be checked before anything costs money.
If a header lacks a value, or the value is impossible, it is None, and the decoder finds it.
"""

import struct

from chalicelib.core.audio.formats import HEAD_BYTES, kind_of
from chalicelib.core.audio.ogg import first_packet, read_last_page
from chalicelib.core.audio.source import BufferedSource
from chalicelib.core.probe.contents import Contents

_Told = tuple[int, int, float | None]
"""Sampling rate in hertz, number of channels, and number of samples in each."""

OPUS_HZ = 48_000  # RFC 7845: positions count at this rate, for any recorded rate
MP3_SEARCH_BYTES = 1 << 16
MP3_FRAMES = 32
AMR_SAMPLE_BYTES = 1 << 20
AMR_FRAMES_PER_S = 50

# MPEG-1 layer III, and MPEG-2 and 2.5 layer III, in kbit/s (ISO/IEC 11172-3 and 13818-3).
_MP3_KBPS = (
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
)
_MP3_HZ = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_AMR = {  # bytes of a frame by its type (RFC 4867, section 5.3), and the rate
    b"#!AMR-WB\n": ((18, 24, 33, 37, 41, 47, 51, 59, 61, 6), 16_000),
    b"#!AMR\n": ((13, 14, 16, 18, 20, 21, 27, 32, 6), 8_000),
}


def read_header(source: BufferedSource) -> Contents:
    """Return the values in the header of a wav, flac, ogg, mp3 or amr file."""
    try:
        told = _read(source)
    except (IndexError, ValueError, struct.error):
        told = None  # the file ends within its header
    if told is None or told[0] <= 0:
        return Contents(has_sound=True)
    rate, channels, frames = told
    return Contents(
        has_sound=True,
        duration_s=None if frames is None else frames / rate,
        sample_rate_hz=rate,
        channels=channels,
    )


def _read(source: BufferedSource) -> _Told | None:
    source.seek(0)
    head = source.read(HEAD_BYTES)
    match kind_of(head):
        case "wav":
            return _wav(source)
        case "flac":
            return _flac(head)
        case "ogg":
            return _ogg(source, head)
        case "amr":
            return _amr(source)
        case "mp3":
            return _mp3(source, head)
    return None


def _wav(source: BufferedSource) -> _Told | None:
    # The module needs numpy, whose import takes longer than the handling of most events.
    from chalicelib.core.audio.wav import UNCOMPRESSED, read_wav_header  # noqa: PLC0415  # needs numpy, see above

    header = read_wav_header(source)
    if header is None or header.tag not in UNCOMPRESSED or not header.bytes_per_frame:
        return None
    # The size of the file counts, not the header: a recording may be truncated.
    n_bytes = source.size - header.data_start
    if header.promised_frames is not None:
        n_bytes = min(n_bytes, header.data_bytes)
    return header.sample_rate_hz, header.channels, n_bytes // header.bytes_per_frame


def _flac(head: bytes) -> _Told | None:
    """Read STREAMINFO, which comes first (RFC 9639, section 8.2)."""
    if head[4] & 0x7F or len(head) < 26:  # noqa: PLR2004  # bytes up to the last count
        return None
    packed = int.from_bytes(head[18:26], "big")
    n_samples = packed & ((1 << 36) - 1)
    return packed >> 44, (packed >> 41 & 7) + 1, n_samples or None


def _ogg(source: BufferedSource, head: bytes) -> _Told | None:
    body = first_packet(head)
    if body.startswith(b"OpusHead"):
        channels, n_skipped = struct.unpack("<BH", body[9:12])
        rate = OPUS_HZ
    elif body.startswith(b"\x01vorbis"):
        channels, rate = struct.unpack("<BI", body[11:16])
        n_skipped = 0
    else:
        return None
    last = read_last_page(source)
    # The page of another stream says nothing about this one (RFC 3533, section 6).
    if last is None or last.position is None or last.stream != head[14:18]:
        return rate, channels, None
    return rate, channels, last.position - n_skipped if last.position > n_skipped else None


def _mp3(source: BufferedSource, head: bytes) -> _Told | None:
    start = 0
    if head.startswith(b"ID3"):
        start = 10 + sum(
            byte << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True)
        )
    source.seek(start)
    data = source.read(MP3_SEARCH_BYTES)
    found = next((i for i in range(len(data) - 4) if _is_mp3_frame(data, i)), None)
    if found is None:
        return None
    n_bytes, kbps, rate, n_samples, channels = _mp3_frame(data, found)
    # The first frame may be a tag with the number of frames: Xing's, LAME's, or Fraunhofer's.
    tag = data[found : found + n_bytes]
    for name, offset in ((b"Xing", 8), (b"Info", 8), (b"VBRI", 14)):
        place = tag.find(name)
        if place > 0 and (name == b"VBRI" or tag[place + 7] & 1):
            n_frames = int.from_bytes(tag[place + offset : place + offset + 4], "big")
            return rate, channels, n_frames * n_samples
    # Without a tag, the length follows from the bit rate, if it is constant.
    rates: set[int] = set()
    place = found
    while len(data) - place > 4 and len(rates) < 2 and place < found + MP3_FRAMES * n_bytes:  # noqa: PLR2004  # bits and sizes of the format
        if not _is_mp3_frame(data, place):
            break
        rates.add(_mp3_frame(data, place)[1])
        place += _mp3_frame(data, place)[0]
    if rates != {kbps}:
        return rate, channels, None
    return rate, channels, (source.size - start - found) * 8 / (kbps * 1000) * rate


def _is_mp3_frame(data: bytes, i: int) -> bool:
    """Return whether a frame begins here, and another one at its end."""
    if not _has_mp3_header(data, i):
        return False
    following = i + _mp3_frame(data, i)[0]
    return following > len(data) - 4 or _has_mp3_header(data, following)


def _has_mp3_header(data: bytes, i: int) -> bool:
    first, second, third = data[i : i + 3]
    is_layer_3 = first == 0xFF and second & 0xE6 == 0xE2 and second >> 3 & 3 in _MP3_HZ  # noqa: PLR2004  # bits and sizes of the format
    return is_layer_3 and 0 < third >> 4 < 15 and third >> 2 & 3 < 3  # noqa: PLR2004  # bits and sizes of the format


def _mp3_frame(data: bytes, i: int) -> tuple[int, int, int, int, int]:
    """Return a frame's bytes, its kbit/s, Hz, samples and channels."""
    _, second, third, fourth = data[i : i + 4]
    version = second >> 3 & 3
    is_first = version == 3  # noqa: PLR2004  # MPEG-1
    kbps = _MP3_KBPS[0 if is_first else 1][third >> 4]
    rate = _MP3_HZ[version][third >> 2 & 3]
    n_samples = 1152 if is_first else 576
    n_bytes = n_samples * kbps * 125 // rate + (third >> 1 & 1)
    return n_bytes, kbps, rate, n_samples, 1 if fourth >> 6 == 3 else 2  # noqa: PLR2004  # bits and sizes of the format


def _amr(source: BufferedSource) -> _Told | None:
    source.seek(0)
    data = source.read(AMR_SAMPLE_BYTES)
    for magic, (sizes, rate) in _AMR.items():
        if not data.startswith(magic):
            continue
        place, n_frames = len(magic), 0
        while place < len(data):
            kind = data[place] >> 3 & 0xF
            place += sizes[kind] if kind < len(sizes) else 1
            n_frames += 1
        # In a longer file, the beginning gives the number of bytes a second.
        n_frames = n_frames * source.size // place if source.size > len(data) else n_frames
        return rate, 1, n_frames / AMR_FRAMES_PER_S * rate
    return None
