"""The objects of an archive: their places, their owners, and refusals without reading them."""

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from chalicelib.core import keys
from chalicelib.core.probe import limits
from chalicelib.core.probe.contents import Contents
from chalicelib.core.probe.formats import FORMATS, extension, sentence
from scripts.console import CommandError

FROZEN = frozenset({"GLACIER", "DEEP_ARCHIVE"})
"""Storage classes whose objects cannot be read without being restored."""

OWNER = "{owner}"


@dataclass(frozen=True, slots=True)
class Entry:
    """An object of an archive, as a list of the bucket names it.

    ``key`` is the source key of its recording: an upload's key, or an original's address.
    """

    bucket: str
    key: str
    etag: str
    size: int
    refusal: str | None = None
    owner: str | None = None

    @property
    def recording_id(self) -> str:
        """The id that its recording has or will have."""
        return keys.recording_id(self.key, bucket=self.bucket, etag=self.etag, size=self.size)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields that are not empty, for a line of JSON."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, slots=True)
class Listed:
    """A line of a list of a bucket."""

    key: str
    etag: str
    size: int
    modified_at: datetime
    storage_class: str = "STANDARD"


@dataclass(frozen=True, slots=True)
class Source:
    """The requested part of a bucket, and the rules for its objects.

    ``media_bucket`` is the stage's own bucket; its objects below ``uploads/`` are uploads.
    ``is_own`` says that the bucket also contains objects which the stage has made.
    """

    bucket: str
    prefix: str
    media_bucket: str
    is_own: bool = False
    since: datetime | None = None
    owner: str | None = None

    def entry(self, listed: Listed) -> Entry | None:
        """Return the entry of an object, or None if the backfill ignores the object."""
        key = listed.key
        if not key.startswith(self.prefix) or key.endswith("/"):
            return None
        if self.is_own and key.startswith(keys.MADE):
            return None
        if self.since and listed.modified_at < self.since:
            return None
        is_upload = self.bucket == self.media_bucket and key.startswith(keys.UPLOADS)
        owner = None if is_upload and self.owner is None else self.owner_of(key)
        return Entry(
            self.bucket,
            key if is_upload else keys.original(self.bucket, key),
            listed.etag,
            listed.size,
            refusal=_refusal(listed),
            owner=owner,
        )

    def owner_of(self, key: str) -> str:
        """Return the owner of an object: the given owner, or the owner in the key."""
        if self.owner is None:
            # As below uploads/: the first folder after the prefix.
            folder = self.prefix[: self.prefix.rfind("/") + 1]
            name, slash, _ = key.removeprefix(folder).partition("/")
            name = name if slash else ""
        elif OWNER not in self.owner:
            return self.owner
        else:
            found = re.match(_pattern(self.owner), key)
            name = found["owner"] if found else ""
        return name if keys.is_owner(name) else keys.NOBODY


def _pattern(owner: str) -> str:
    before, _, after = owner.partition(OWNER)
    one, several = re.escape("*"), "[^/]*"
    rest = re.escape(after).replace(one, several)
    return f"{re.escape(before).replace(one, several)}(?P<owner>[^/]+?){rest}"


def check_owner(owner: str | None) -> None:
    """Raise CommandError for an owner that no recording can have."""
    if owner and owner.count(OWNER) == 0 and not keys.is_owner(owner):
        raise CommandError(
            f"--owner must be a name without slashes, such as alice, or a pattern of keys with "
            f"{OWNER} in it, such as calls/{OWNER}/, not {owner!r}."
        )
    if owner and owner.count(OWNER) > 1:
        raise CommandError(f"--owner must have {OWNER} once, not {owner.count(OWNER)} times.")


def _refusal(listed: Listed) -> str | None:
    """Return why an object is refused, by its name, its size and its storage class."""
    named = extension(listed.key)
    if named not in FORMATS:
        kind = f".{named}" if named else "no extension"
        return f"The format is not supported: {kind}. Use {sentence()}."
    if listed.size == 0:
        return "The file is empty: it has 0 bytes."
    if listed.storage_class in FROZEN:
        return "The object is in S3 Glacier, where it cannot be read: restore it first."
    return limits.refusal(listed.size, Contents())


def list_bucket(s3: Any, bucket: str, prefix: str) -> Iterator[Listed]:
    """Yield every object below a prefix; 1,000 are in memory at a time."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    for page in pages:
        for found in page.get("Contents", []):
            yield Listed(
                key=found["Key"],
                etag=found["ETag"].strip('"'),
                size=found["Size"],
                modified_at=found["LastModified"],
                storage_class=found.get("StorageClass", "STANDARD"),
            )


def source_of(
    address: str,
    *,
    media_bucket: str,
    results_bucket: str,
    source_buckets: tuple[str, ...],
    since: str | None = None,
    owner: str | None = None,
) -> Source:
    """Return the source at an address. Raise CommandError if the stage may not read it."""
    if not address.startswith(keys.ADDRESS):
        raise CommandError(
            f"The archive must be an address such as s3://bucket/prefix, not {address!r}."
        )
    bucket, prefix = keys.place(address)
    check_owner(owner)
    is_uploads = bucket == media_bucket and prefix.startswith(keys.UPLOADS)
    if not bucket or not (is_uploads or bucket in source_buckets):
        named = ", ".join(source_buckets) or "none"
        own = (
            f" In the stage's own bucket it reads only {keys.UPLOADS}."
            if bucket == media_bucket
            else ""
        )
        raise CommandError(
            f"The stage does not read the bucket {bucket!r}: SOURCE_BUCKETS names {named}.{own} "
            f"Add the bucket to it, then run `make deploy`."
        )
    return Source(
        bucket=bucket,
        prefix=prefix,
        media_bucket=media_bucket,
        is_own=bucket in (media_bucket, results_bucket),
        since=_date(since) if since else None,
        owner=owner,
    )


def _date(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as exc:
        raise CommandError(f"--since must be a date such as 2019-06-30, not {text!r}.") from exc
    return found if found.tzinfo else found.replace(tzinfo=UTC)
