"""How recordings, jobs and objects are named.

A recording is these bytes under this upload key of this bucket. Its id is made of all three, so
everything derived from it has names that nothing else can have, and a second delivery of an event
meets the first.
"""

import hashlib
import json
import re
import unicodedata
from dataclasses import dataclass

UPLOADS = "uploads/"
TRANSCRIPTS = "transcripts/"
FEATURES = "features/"
RENDITIONS = "renditions/"
JOBS = "jobs/"
"""Where jobs read their inputs and Amazon Transcribe writes its answers: a folder for each job."""

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
_JOB = re.compile(rf"({_RECORDING_ID.pattern})-([tr])([0-9]{{1,15}})")


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
    """Return the key of a recording's redacted transcript."""
    return f"{TRANSCRIPTS}{REDACTED}{recording_id}.json"


def subtitles(recording_id: str, extension: str) -> str:
    """Return the key of a recording's subtitles: beside the transcript."""
    return f"{TRANSCRIPTS}{recording_id}.{extension}"


def features(recording_id: str, name: str) -> str:
    """Return the key of one of a recording's feature tables."""
    return f"{FEATURES}{recording_id}/{name}"


def rendition(recording_id: str, attempt: int, name: str) -> str:
    """Return the key of one of an attempt's renditions; that of their folder for no name."""
    return f"{RENDITIONS}{recording_id}/{attempt}/{name}"


@dataclass(frozen=True, slots=True)
class Job:
    """A job of Transcribe's (kind ``t``) or MediaConvert's (``r``): one attempt of a branch.

    ``prefix`` is the stage's own, such as ``earshot-dev-``: an account's stages share its jobs.
    """

    prefix: str
    recording_id: str
    kind: str
    attempt: int

    @property
    def name(self) -> str:
        """The job's name, which no other attempt has, of this recording or of any other."""
        return f"{self.prefix}{self.recording_id}-{self.kind}{self.attempt}"

    @property
    def folder(self) -> str:
        """The prefix of the job's objects."""
        return f"{JOBS}{self.name}/"

    def input(self, extension: str) -> str:
        """Return the key of the job's own copy of the upload."""
        return f"{self.folder}input.{extension}"

    def transcript(self, *, redacted: bool = False) -> str:
        """Return the key that Amazon Transcribe writes the transcript to, redacted or not."""
        return f"{self.folder}{REDACTED if redacted else ''}transcript.json"


def job(name: str, prefix: str) -> Job | None:
    """Return the job of a name, or None if it is none of this stage's."""
    found = _JOB.fullmatch(name.removeprefix(prefix)) if name.startswith(prefix) else None
    return Job(prefix, found[1], found[2], int(found[3])) if found else None


def job_of(key: str, prefix: str) -> Job | None:
    """Return the job whose folder an object lies in, or None if it is none of this stage's."""
    folder, _, rest = key.partition("/")
    return job(rest.partition("/")[0], prefix) if f"{folder}/" == JOBS else None


def jobs(recording_id: str, prefix: str) -> str:
    """Return the prefix of the objects of all of a recording's jobs."""
    return f"{JOBS}{prefix}{recording_id}-"


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


def derived_id(key: str, job_prefix: str) -> str | None:
    """Return the id in the name of anything derived; None if it is no name of this stage's."""
    if key.startswith(JOBS):
        found = job_of(key, job_prefix)
        return found.recording_id if found else None
    prefix, _, rest = key.partition("/")
    name = rest.partition("." if f"{prefix}/" == TRANSCRIPTS else "/")[0].removeprefix(REDACTED)
    return name if _RECORDING_ID.fullmatch(name) else None


def recording_id_of(transcript_key: str) -> str | None:
    """Return the id in a transcript's key, redacted or not; None if it is no name of ours."""
    name = transcript_key.removeprefix(TRANSCRIPTS).removesuffix(".json").removeprefix(REDACTED)
    return name if is_recording_id(name) else None
