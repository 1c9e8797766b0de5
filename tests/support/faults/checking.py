"""Checks at the end of a history, and the report of a history that went wrong."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from chalicelib.api import search
from chalicelib.aws.dynamodb_shards import owner_of
from chalicelib.aws.dynamodb_values import from_dynamodb
from chalicelib.core import keys
from chalicelib.core.features.extract import FeatureParameters
from chalicelib.core.probe import formats, quotas
from chalicelib.core.recording import Recording
from chalicelib.core.recording_item import flat, restore
from chalicelib.core.upload import Upload
from support.faults.checking_api import (
    is_over_quota,
    of_corrections,
    of_datasets,
    of_quotas,
    said,
)
from support.faults.transcribe_double import words_of
from support.faults.world import World

CHECK_FILE = ".write_access_check_file.temp"
OWN_FILES = (keys.BOOKMARK, CHECK_FILE)
VIDEOS = ("mp4", "mov", "mkv")

MOST_REQUESTS = 150
"""Most requests to AWS in one call of a handler.

Measured: 97 in some thousand histories with pages of two. They were for a data set, or for a look
by message. Words are joined again for each correction that comes meanwhile: 123 in seed 41,419.
"""

MOST_OF_RECONCILE = 500
"""Most requests of one call of reconcile: some for each look, and some for each page of its walk.

Two calls at once share one bookmark, and may walk some pages twice. Measured: 333 in 800 histories.
"""

MOST_FOR_A_RECORDING = 300
"""Most requests of a history for each making of a recording, without those of reconcile.

Measured: at most 122 in 800 histories, and with Earshot's own recogniser 253 in 3,000. An upload
that is removed and put back within seconds has several looks, and each look asks again.
"""


def violations(world: World) -> list[str]:
    """Return the violations in a world without remaining work, as sentences."""
    found: list[str] = []
    objects, prefix = world.bucket.objects, world.settings.job_prefix
    wanted = {
        Upload(world.settings.media_bucket, key, etag, len(body)).recording_id: key
        for key, (body, etag, _) in objects.items()
        if key.startswith(keys.UPLOADS)
    }
    items = {item["recording_id"]: item for item in world.recordings}
    found += [f"{key} has no recording" for rid, key in wanted.items() if rid not in items]
    found += [f"{rid} has no upload" for rid in items if rid not in wanted]
    for key in {*objects, *world.results.objects}:
        is_ours = key.startswith((keys.UPLOADS, keys.DATASETS)) or key.endswith(OWN_FILES)
        if not is_ours and keys.derived_id(key, prefix) not in wanted:
            found.append(f"{key} is left of what is gone")
    found += [
        f"{rid} can still be found" for rid in {rid for rid, _ in world.search.items} - set(wanted)
    ]
    for bucket in world.buckets.values():
        left = [key for key in bucket.objects if key.startswith(keys.JOBS)]
        found += [f"{key} is left of a job" for key in left if not key.endswith(CHECK_FILE)]
    found += [f"the job {name} is still running" for name in world.unfinished()]
    found += _of_parts(world)
    for rid, key in wanted.items():
        if rid in items:
            found += _of_recording(world, rid, objects[key][0], _restored(items[rid]))
    found += of_quotas(world) + of_corrections(world) + of_datasets(world)
    return sorted(found) + _of_notices(world, items)


def all_violations(world: World) -> list[str]:
    """Return the violations at the end, and those that the rules forbid during the history."""
    rules = world.plan.rules
    found = violations(world) + world.failed_runs + world.failed_alone
    found += [world.never_ended] if world.never_ended else []
    found += [seen for seen in world.watch.seen if rules.in_between or "was COMPLETED" not in seen]
    found += _of_requests(world)
    if rules.one_run and not found:
        found += [f"after one run of reconcile: {wrong}" for wrong in world.wrong_after_one]
    return found


def _of_parts(world: World) -> list[str]:
    """Return the uploads in parts that a function has begun, but neither completed nor aborted.

    Only a fault or the death of a function may leave one; the bucket's lifecycle removes its parts.
    """
    left = [
        key
        for bucket in world.buckets.values()
        for key in bucket.in_parts.values()
        if not key.startswith(keys.UPLOADS)
    ]
    if len(left) <= len(world.plan.spent) + world.n_killed:
        return []
    return [f"parts of {key} are left" for key in left]


def _of_requests(world: World) -> list[str]:
    found = [
        f"one call of {function} made {n} requests"
        for function, n in world.most_requests.items()
        if n > (MOST_OF_RECONCILE if function == "reconcile" else MOST_REQUESTS)
    ]
    n_made = sum(world.table.n_created.values()) + world.restarts.total()
    n_requests = (
        world.requests.total() - world.requests["upload_part"] - world.requests_of["reconcile"]
    )
    if n_requests > MOST_FOR_A_RECORDING * (n_made + 1):
        found.append(f"{n_requests} requests were made for {n_made} recordings")
    return found


def _restored(item: Mapping[str, Any]) -> Recording:
    """Return an item's recording. Its owner is the real one, without the shard of the list."""
    recording = restore(from_dynamodb(item))
    return replace(recording, owner=owner_of(recording.owner))


def _of_recording(world: World, rid: str, body: bytes, recording: Recording) -> list[str]:
    found: list[str] = []
    item, objects = flat(recording), world.results.objects
    statuses = list(recording.statuses.values())
    if is_over_quota(world, recording):
        return []
    if statuses != _expected(world, recording.source_key):
        return [f"{rid} is {statuses}: {recording.reason}"]
    if statuses[0] == "FAILED":
        return []
    if world.plan.pictures_fail and set(item.get("rendition_files", {})) - {"audio"}:
        found.append(f"{rid} has renditions that cannot be made")
    if item["transcript"] != " ".join(said(world, rid, body)):
        found.append(f"{rid} has the transcript of other bytes, or of other corrections")
    made = [
        item["transcript_key"],
        *item["feature_keys"].values(),
        *item.get("word_table_keys", {"words": "its words"}).values(),
        *(file["key"] for file in item.get("rendition_files", {}).values()),
        *(item[f"subtitles_{kind}_key"] for kind in world.plan.subtitles),
    ]
    found += [f"{rid} has lost {key}" for key in made if key not in objects]
    return found or _of_contents(world, rid, body, item, made)


def _expected(world: World, source_key: str) -> list[str]:
    """Return the statuses in which a recording's branches must end."""
    extension = formats.extension(source_key)
    if extension == "txt":
        return ["FAILED", "FAILED", "SKIPPED"]
    if extension not in VIDEOS:
        return ["COMPLETED", "COMPLETED", "SKIPPED"]
    has_none = world.plan.pictures_fail and not formats.needs_audio_track(extension)
    return ["COMPLETED", "COMPLETED", "FAILED" if has_none else "COMPLETED"]


def _of_contents(
    world: World, rid: str, body: bytes, item: Mapping[str, Any], made: list[str]
) -> list[str]:
    from support.faults.histories import measured  # noqa: PLC0415  # which tells worlds

    found: list[str] = []
    objects, words = world.results.objects, said(world, rid, body)
    document = json.loads(objects[item["transcript_key"]][0])
    if document["results"]["transcripts"][0]["transcript"] != " ".join(words_of(body)):
        found.append(f"{rid} has another transcript in the bucket")
    parameters = FeatureParameters.parse(world.settings.feature_parameters, {})
    _, tables = measured(body, parameters)
    if objects[item["feature_keys"]["mfcc"]][0] != tables["mfcc.csv"]:
        found.append(f"{rid} has the features of other bytes")
    table = objects[item["word_table_keys"]["words"]][0].decode()
    if not all(word in table for word in words):
        found.append(f"{rid} has the words of other bytes")
    found += [
        f"{key} was made of other bytes"
        for key in made
        if key.endswith((".mp4", ".mp3", ".gif")) and objects[key][0] != body
    ]
    page = search.search(
        f'"{" ".join(words)}"', owner=None, cursor=None, limit=100, services=world.services
    )
    if rid not in [result["recording_id"] for result in page.results]:
        found.append(f"a search does not find {rid}")
    return found


def _of_notices(world: World, items: dict[str, dict]) -> list[str]:
    found: list[str] = []
    sent = Counter(world.messages.published)
    for rid, item in items.items():
        was_refused = (item.get("transcription_reason") or "").startswith(quotas.REFUSED)
        fails = was_refused or "FAILED" in _expected(world, item["source_key"])
        outcome = "failed" if fails else "done"
        if not sent[rid, outcome]:
            found.append(f"{rid} was never told of as {outcome}")
    for (rid, outcome), n in sent.items():
        allowed = world.lives(rid) + world.unsure[rid, outcome]
        if n > allowed:
            found.append(f"{rid} was told of {n} times as {outcome}, and {allowed} are explained")
    return found


def describe(world: World, wrong: list[str]) -> str:
    """Return the report of a history: its violations, its moves, and the command to repeat it."""
    seed = world.plan.seed
    return "\n  ".join(
        [
            f"seed {seed}, again with `make soak HISTORIES=1 SEED={seed}`",
            "faults:",
            *world.plan.spent,
            "what happened:",
            *world.log,
            "what is wrong:",
            *wrong,
        ]
    )
