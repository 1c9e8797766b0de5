"""How recordings, jobs and objects are named.

A recording is these bytes under this upload key of this bucket. Its id is made of all three, so
everything derived from it has names that nothing else can have, and a second delivery of an event
meets the first.
"""

import hashlib
import json
import re
import unicodedata

UPLOADS = "uploads/"
TRANSCRIPTS = "transcripts/"
FEATURES = "features/"
RENDITIONS = "renditions/"
BOOKMARK = "reconcile/bookmark.json"

JOINED_TABLES = ("mfcc", "pitch", "energy")
"""The tables that are joined with the words."""

NOBODY = "-"
"""The owner of what is put straight under ``uploads/``."""

REDACTED = "redacted-"
"""What Amazon Transcribe puts before the name of a redacted transcript."""

SLUG_LENGTH = 60
DIGEST_LENGTH = 12

_RECORDING_ID = re.compile(rf"[a-z0-9-]{{1,{SLUG_LENGTH}}}-[0-9a-f]{{{DIGEST_LENGTH}}}")


def recording_id(source_key: str, *, bucket: str, etag: str, size: int) -> str:
    """Return the id of these bytes under this upload key of this bucket.

    It is a readable slug and 12 hex digits, valid in a URL, in a Transcribe job name and in an
    OutputKey, and distinct wherever bucket, key, ETag or size are. The bucket counts because a
    Transcribe job is named by the id: the stages of one account share its job names.
    """
    # JSON, and not a joined string: no choice of key can imitate another key with another ETag.
    identity = json.dumps([bucket, source_key, etag.strip('"'), size])
    digest = hashlib.sha256(identity.encode()).hexdigest()[:DIGEST_LENGTH]
    return f"{_slug(source_key.removeprefix(UPLOADS))}-{digest}"


def _slug(text: str) -> str:
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_text).strip("-")
    # A slug never starts like a redacted transcript's name, so the two cannot be confused.
    while f"{slug}-".startswith(REDACTED):
        slug = slug[len(REDACTED) :]
    return slug[:SLUG_LENGTH].strip("-") or "recording"


def owner(source_key: str) -> str:
    """Return who a recording belongs to: ``uploads/{owner}/...``, or nobody."""
    first, slash, rest = source_key.removeprefix(UPLOADS).partition("/")
    return first if slash and rest and first else NOBODY


def is_owner(name: str) -> bool:
    """Tell whether a name can be an owner's: one folder below ``uploads/``, and not nobody's."""
    return name not in ("", NOBODY, ".", "..") and "/" not in name and is_plain(name)


def is_plain(text: str) -> bool:
    """Tell whether a text has neither control characters nor halves of characters in it."""
    return not any(unicodedata.category(character) in ("Cc", "Cs") for character in text)


def upload(owner: str, name: str) -> str:
    """Return the key that an owner's upload of a name has."""
    return f"{UPLOADS}{owner}/{name}"


def is_recording_id(text: str) -> bool:
    """Tell whether a text is an id that a recording can have."""
    return _RECORDING_ID.fullmatch(text) is not None


def transcript(recording_id: str) -> str:
    """Return the key of a recording's transcript, which is also its key in the table."""
    return f"{TRANSCRIPTS}{recording_id}.json"


def redacted_transcript(recording_id: str) -> str:
    """Return where Amazon Transcribe puts the redacted transcript."""
    return f"{TRANSCRIPTS}{REDACTED}{recording_id}.json"


def subtitles(recording_id: str, extension: str) -> str:
    """Return where Amazon Transcribe puts subtitles: beside the transcript."""
    return f"{TRANSCRIPTS}{recording_id}.{extension}"


def features(recording_id: str, name: str) -> str:
    """Return the key of one of a recording's feature tables."""
    return f"{FEATURES}{recording_id}/{name}"


def rendition(recording_id: str, name: str) -> str:
    """Return the key of one of a recording's renditions; that of their folder for no name."""
    return f"{RENDITIONS}{recording_id}/{name}"


def stem(key: str) -> str:
    """Return a key's last part without its extension."""
    name = key.rpartition("/")[2]
    return name.rpartition(".")[0] or name


def table_name(file_name: str) -> str:
    """Return what a table is called: ``mfcc`` for ``mfcc.csv.gz``, ``mfcc.ch1`` for a channel's."""
    return file_name.removesuffix(".gz").rpartition(".")[0]


def derived_prefixes(recording_id: str) -> tuple[str, ...]:
    """Return the prefixes below which everything derived from a recording lies, and no more."""
    # The dot and the slash end the id: no other recording's keys start like these.
    return (
        f"{TRANSCRIPTS}{recording_id}.",
        f"{TRANSCRIPTS}{REDACTED}{recording_id}.",
        f"{FEATURES}{recording_id}/",
        f"{RENDITIONS}{recording_id}/",
    )


def derived_id(key: str) -> str | None:
    """Return the id in the name of anything derived; None if it is no name of ours."""
    prefix, _, rest = key.partition("/")
    name = rest.partition("." if f"{prefix}/" == TRANSCRIPTS else "/")[0].removeprefix(REDACTED)
    return name if _RECORDING_ID.fullmatch(name) else None


def recording_id_of(transcript_key: str) -> str | None:
    """Return the id in a transcript's key, redacted or not; None if it is no name of ours."""
    name = transcript_key.removeprefix(TRANSCRIPTS).removesuffix(".json").removeprefix(REDACTED)
    return name if is_recording_id(name) else None
