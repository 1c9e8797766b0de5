"""Names of recordings, jobs and objects.

A recording is these bytes under this upload key of this bucket. Its id is made from all three, so
no other recording's outputs can have the same names, and a second delivery of an event leads to
the same recording.
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
"""Prefix of the jobs' folders, with each job's input and Amazon Transcribe's answer."""

ADDRESS = "s3://"
"""Start of the source key of an original: its whole address, ``s3://bucket/key``."""

BACKFILLS = "backfills/"
DATASETS = "datasets/"
"""Prefix of the data sets: their requests, and their files."""

BOOKMARK = "reconcile/bookmark.json"
HOURS = "hours/"

MADE = (TRANSCRIPTS, FEATURES, RENDITIONS, JOBS, DATASETS, BACKFILLS, BOOKMARK)
"""Prefixes of all that a stage makes in its bucket of results."""

TRANSCRIBE, RECOGNISER, MEDIACONVERT = "t", "s", "r"
"""Kinds of jobs, by who does them: Amazon Transcribe, Earshot's own recogniser, MediaConvert."""

JOINED_TABLES = ("mfcc", "pitch", "energy")
"""The tables that are joined with the words."""

NOBODY = "-"
"""The owner of uploads without a folder below ``uploads/``."""

HEARD_BY = "heard-by"
"""Metadata of a transcript: the engine that heard the words. Amazon Transcribe writes none."""

REDACTED = "redacted-"
"""Amazon Transcribe's prefix for the name of a redacted transcript."""

SLUG_LENGTH = 60
DIGEST_LENGTH = 12

_RECORDING_ID = re.compile(rf"[a-z0-9-]{{1,{SLUG_LENGTH}}}-[0-9a-f]{{{DIGEST_LENGTH}}}")
_DATASET = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_JOB = re.compile(rf"({_RECORDING_ID.pattern})-([tsr])([0-9]{{1,15}})")


def recording_id(source_key: str, *, bucket: str, etag: str, size: int) -> str:
    """Return the id of these bytes under this upload key of this bucket.

    It is a readable slug and 12 hex digits, valid in a URL, in a Transcribe job name and in an
    OutputKey. It differs if bucket, key, ETag or size differ. The bucket counts because Transcribe
    jobs are named by the id, and the stages of an account share its job names.
    """
    # JSON, not a joined string, so that no key can imitate another key with another ETag.
    identity = json.dumps([bucket, source_key, etag.strip('"'), size])
    digest = hashlib.sha256(identity.encode()).hexdigest()[:DIGEST_LENGTH]
    return f"{_slug(place(source_key)[1].removeprefix(UPLOADS))}-{digest}"


def _slug(text: str) -> str:
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_text).strip("-")
    # A slug never starts like a redacted transcript's name, so the two cannot be confused.
    while f"{slug}-".startswith(REDACTED):
        slug = slug[len(REDACTED) :]
    return slug[:SLUG_LENGTH].strip("-") or "recording"


def owner(source_key: str) -> str:
    """Return the owner of a recording: ``uploads/{owner}/...``, or NOBODY."""
    if is_original(source_key):
        return NOBODY
    first, slash, rest = source_key.removeprefix(UPLOADS).partition("/")
    return first if slash and rest and first else NOBODY


def original(bucket: str, key: str) -> str:
    """Return the source key of an original: an object that is read where it lies."""
    return f"{ADDRESS}{bucket}/{key}"


def is_original(source_key: str) -> bool:
    """Return whether a source key is an original's. No upload's key begins like an address."""
    return source_key.startswith(ADDRESS)


def place(source_key: str) -> tuple[str | None, str]:
    """Return the bucket and the key of an original, or None and the key of an upload."""
    if not is_original(source_key):
        return None, source_key
    bucket, _, key = source_key.removeprefix(ADDRESS).partition("/")
    return bucket, key


def is_owner(name: str) -> bool:
    """Return whether a name can be an owner's: one folder below ``uploads/``, and not NOBODY."""
    return name not in ("", NOBODY, ".", "..") and "/" not in name and is_plain(name)


def is_plain(text: str) -> bool:
    """Return whether a text has neither control characters nor surrogates."""
    return not any(unicodedata.category(character) in ("Cc", "Cs") for character in text)


def upload(owner: str, name: str) -> str:
    """Return the key of an owner's upload with a name."""
    return f"{UPLOADS}{owner}/{name}"


def is_recording_id(text: str) -> bool:
    """Return whether a text can be a recording's id."""
    return _RECORDING_ID.fullmatch(text) is not None


def transcript(recording_id: str) -> str:
    """Return the key of a recording's transcript, which is also its key in the table."""
    return f"{TRANSCRIPTS}{recording_id}.json"


def hours(day: str, counter: str) -> str:
    """Return the key in the table of a counter of a day's hours."""
    return f"{HOURS}{day}/{counter}"


def redacted_transcript(recording_id: str) -> str:
    """Return the key of a recording's redacted transcript."""
    return f"{TRANSCRIPTS}{REDACTED}{recording_id}.json"


def subtitles(recording_id: str, extension: str) -> str:
    """Return the key of a recording's subtitles: beside the transcript."""
    return f"{TRANSCRIPTS}{recording_id}.{extension}"


def corrections(recording_id: str) -> str:
    """Return the key of a recording's corrections: beside the transcript."""
    return f"{TRANSCRIPTS}{recording_id}.corrections.json"


def features(recording_id: str, name: str) -> str:
    """Return the key of one of a recording's feature tables."""
    return f"{FEATURES}{recording_id}/{name}"


def is_dataset_name(name: str) -> bool:
    """Return whether a text can be the name of a data set: one part of a URL and of a key."""
    return _DATASET.fullmatch(name) is not None


def dataset_requests(owner: str) -> str:
    """Return the prefix of an owner's requests for data sets."""
    return f"{DATASETS}requests/{owner}/"


def dataset_request(owner: str, name: str) -> str:
    """Return the key of a request for a data set, which also has its status."""
    return f"{dataset_requests(owner)}{name}.json"


def dataset_files(owner: str, name: str) -> str:
    """Return the prefix of the files of a data set, of all its requests and versions."""
    return f"{DATASETS}files/{owner}/{name}/"


def clip(recording_id: str, start_s: float, end_s: float, kind: str = "wav") -> str:
    """Return the key of a clip of a recording, by its edges in milliseconds.

    ``kind`` is what is cut: the sound, ``wav``, or the rows of a table, such as ``pitch.csv``.
    """
    edges = f"{round(start_s * 1000)}-{round(end_s * 1000)}"
    return features(recording_id, f"clips/{edges}.{kind}")


def rendition(recording_id: str, attempt: int, name: str) -> str:
    """Return the key of one of an attempt's renditions; without a name, the key of their folder."""
    return f"{RENDITIONS}{recording_id}/{attempt}/{name}"


@dataclass(frozen=True, slots=True)
class Job:
    """A job: one attempt of a branch, of one of three kinds.

    ``prefix`` is the stage's own, such as ``earshot-dev-``: an account's stages share its jobs.
    """

    prefix: str
    recording_id: str
    kind: str
    attempt: int

    @property
    def name(self) -> str:
        """The job's name, which no other attempt of any recording has."""
        return f"{self.prefix}{self.recording_id}-{self.kind}{self.attempt}"

    @property
    def folder(self) -> str:
        """The prefix of the job's objects."""
        return f"{JOBS}{self.name}/"

    def input(self, extension: str) -> str:
        """Return the key of the job's own copy of the upload."""
        return f"{self.folder}input.{extension}"

    def transcript(self, *, redacted: bool = False) -> str:
        """Return the key that the transcript is written to, redacted or not."""
        return f"{self.folder}{REDACTED if redacted else ''}transcript.json"

    @property
    def speech(self) -> str:
        """The prefix of a recogniser's work: no key below it is like a transcript's."""
        return f"{self.folder}speech/"

    @property
    def parts(self) -> str:
        """The key of the list of parts."""
        return f"{self.speech}parts"

    def part(self, number: int, extension: str) -> str:
        """Return the key of a part's sound (``wav``) or of its words (``words``)."""
        return f"{self.speech}{number:03}.{extension}"


def job(name: str, prefix: str) -> Job | None:
    """Return the job with a name, or None if the name is not from this stage."""
    found = _JOB.fullmatch(name.removeprefix(prefix)) if name.startswith(prefix) else None
    return Job(prefix, found[1], found[2], int(found[3])) if found else None


def job_of(key: str, prefix: str) -> Job | None:
    """Return the job of the folder that an object is in, or None if it is not from this stage."""
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
    """Return the name of a table: ``mfcc`` for ``mfcc.csv.gz``, ``mfcc.ch1`` for a channel's."""
    return file_name.removesuffix(".gz").rpartition(".")[0]


def derived_prefixes(recording_id: str) -> tuple[str, ...]:
    """Return the prefixes of exactly the outputs of a recording, and of its corrections."""
    # The dot and the slash end the id, so no other recording's keys start like these.
    return (
        f"{TRANSCRIPTS}{recording_id}.",
        f"{TRANSCRIPTS}{REDACTED}{recording_id}.",
        f"{FEATURES}{recording_id}/",
        f"{RENDITIONS}{recording_id}/",
    )


def derived_id(key: str, job_prefix: str) -> str | None:
    """Return the id in the key of an output, or None if the key is not from this stage."""
    if key.startswith(JOBS):
        found = job_of(key, job_prefix)
        return found.recording_id if found else None
    prefix, _, rest = key.partition("/")
    name = rest.partition("." if f"{prefix}/" == TRANSCRIPTS else "/")[0].removeprefix(REDACTED)
    return name if _RECORDING_ID.fullmatch(name) else None


def recording_id_of(transcript_key: str) -> str | None:
    """Return the id in a transcript's key, redacted or not, or None if it is not Earshot's."""
    name = transcript_key.removeprefix(TRANSCRIPTS).removesuffix(".json").removeprefix(REDACTED)
    return name if is_recording_id(name) else None
