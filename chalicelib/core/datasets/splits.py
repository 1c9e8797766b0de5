"""The splits of a data set: which part an utterance belongs to, for ever."""

import hashlib
import math
import re
from collections.abc import Mapping

from chalicelib.core.datasets.models import Source, Utterance
from chalicelib.errors import ParameterError

DEFAULT = "train=0.8,dev=0.1,test=0.1"
SPLIT_BY = ("recording", "speaker")
MOST = 10

_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")
# Amazon Transcribe's labels; they mean a different person in every recording.
_LABEL = re.compile(r"(spk|ch)_[0-9]+")


def parse_splits(text: str) -> dict[str, float]:
    """Return the share of each split, from ``train=0.8,dev=0.1,test=0.1``.

    Raise ParameterError if a name or a number cannot be used, or the shares do not add up to 1.
    """
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    shares: dict[str, float] = {}
    for name, _, share in ((a.strip(), b, c.strip()) for a, b, c in pairs):
        if not _NAME.fullmatch(name) or name in shares:
            raise ParameterError(
                "splits", f"{name!r} is not a new name in small letters, as in {DEFAULT}"
            )
        if not re.fullmatch(r"[01]?(\.[0-9]{1,9})?", share) or not share:
            raise ParameterError(
                "splits", f"{name} must have a share from 0 to 1, not {share!r}, as in {DEFAULT}"
            )
        shares[name] = float(share)
    if not shares or len(shares) > MOST or not math.isclose(sum(shares.values()), 1.0):
        raise ParameterError(
            "splits",
            f"{text!r} must name 1 to {MOST} splits whose shares add up to 1, as in {DEFAULT}",
        )
    return shares


def split_of(key: str, shares: Mapping[str, float]) -> str:
    """Return the split of a key, which depends on nothing but the key and the shares.

    The first 8 bytes of the key's SHA-256 are a number from 0 to 1, and the splits are its ranges
    in their order. So a split stays as it is when the data set grows.
    """
    digest = hashlib.sha256(key.encode()).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64
    end = 0.0
    for name, share in shares.items():
        end += share
        if place < end:
            return name
    return max(shares, key=lambda name: shares[name])


def key_of(source: Source, utterance: Utterance, split_by: str) -> str:
    """Return the text whose hash says which split an utterance belongs to.

    A speaker with a name is the same person in all recordings of an owner; a label such as
    ``spk_0`` means a different person in every recording. Without a label the recording counts.
    """
    speaker = utterance.speaker
    if split_by == "recording" or not speaker:
        return source.recording_id
    return f"{source.recording_id if _LABEL.fullmatch(speaker) else source.owner} {speaker}"
