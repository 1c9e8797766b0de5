"""Limits of Amazon Transcribe, checked first, so that a refusal costs nothing.

The figures are those of the service's quotas and of its API reference (``MediaSampleRateHertz``,
``FailureReason``). If a header lacks a value, the file passes, and the service decides.
"""

from chalicelib.core.probe.contents import Contents

LONGEST_S = 4 * 3600
LARGEST_BYTES = 2 * 2**30
"""Amazon Transcribe's "2 GB". Its API reference counts in powers of two: of ``SyncMedia`` it writes
"25 MB (26,214,400 bytes)"."""

SHORTEST_S = 0.5
LOWEST_MEASURED_HZ = 100
"""Lowest rate to measure; below it, a few bytes become very many samples at ``sr``."""

LOWEST_HZ, HIGHEST_HZ = 8_000, 48_000
MOST_CHANNELS = 2

_GB, _HOUR_S = 2**30, 3600


def refusal(size: int, contents: Contents) -> str | None:
    """Return why a file of ``size`` bytes is refused completely, or None."""
    if size > LARGEST_BYTES:
        return (
            f"The recording is too large: it has {size / _GB:.1f} GB, "
            f"and at most {LARGEST_BYTES / _GB:.0f} GB can be taken."
        )
    if contents.duration_s is not None and contents.duration_s > LONGEST_S:
        return (
            f"The recording is too long: it lasts {contents.duration_s / _HOUR_S:.1f} h, "
            f"and at most {LONGEST_S / _HOUR_S:.0f} h can be taken."
        )
    rate = contents.sample_rate_hz
    if rate is not None and rate < LOWEST_MEASURED_HZ:
        return (
            f"The recording's sampling rate is too low: it has {rate} samples a second, "
            f"and at least {LOWEST_MEASURED_HZ} are needed."
        )
    return None


def speech_refusal(contents: Contents) -> str | None:
    """Return why a file cannot be transcribed, although it can be measured, or None."""
    if contents.duration_s is not None and contents.duration_s < SHORTEST_S:
        return (
            f"The recording is too short to be transcribed: it lasts {contents.duration_s:.2f} s, "
            f"and Amazon Transcribe needs {SHORTEST_S} s."
        )
    rate = contents.sample_rate_hz
    if rate is not None and not LOWEST_HZ <= rate <= HIGHEST_HZ:
        return (
            f"The recording cannot be transcribed at {rate} samples a second: "
            f"Amazon Transcribe takes {LOWEST_HZ} to {HIGHEST_HZ}."
        )
    if contents.channels is not None and contents.channels > MOST_CHANNELS:
        return (
            f"The recording cannot be transcribed with {contents.channels} channels: "
            f"Amazon Transcribe takes {MOST_CHANNELS} at most."
        )
    return None
