"""What must be true when a history is over."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from chalicelib.core import keys
from chalicelib.core.probe import formats
from chalicelib.core.recording import Recording, Upload
from support.faults.jobs_double import words_of
from support.faults.world import World

DERIVED = (keys.TRANSCRIPTS, keys.FEATURES, keys.RENDITIONS)


def violations(world: World) -> list[str]:
    """Return what is wrong with a world that has come to rest, in sentences."""
    found: list[str] = []
    objects = world.bucket.objects
    wanted = {
        Upload(world.settings.media_bucket, key, etag, len(body)).recording_id: key
        for key, (body, etag, _) in objects.items()
        if key.startswith(keys.UPLOADS)
    }
    items = {keys.recording_id_of(key): item for key, item in world.table.items.items()}
    found += [f"{key} has no recording" for rid, key in wanted.items() if rid not in items]
    found += [f"{rid} has no upload" for rid in items if rid not in wanted]
    for key in objects:
        if key.startswith(DERIVED) and keys.derived_id(key) not in wanted:
            found.append(f"{key} is left of what is gone")
    found += [
        f"{rid} can still be found"
        for rid, rows in world.search.rows.items()
        if rows and rid not in wanted
    ]
    for name in (*world.transcribe.unfinished(), *world.mediaconvert.unfinished()):
        found.append(f"the job {name} is still running")
    for rid, key in wanted.items():
        if rid in items:
            found += _of_recording(world, rid, objects[key][0], Recording(items[rid]))
    found += _of_notices(world, items)
    return found


def _of_recording(world: World, rid: str, body: bytes, recording: Recording) -> list[str]:
    found: list[str] = []
    item, objects = recording.attributes, world.bucket.objects
    is_video = formats.extension(recording.source_key) == "mp4"
    statuses = list(recording.statuses.values())
    if formats.extension(recording.source_key) == "txt":
        return [] if statuses == ["FAILED", "FAILED", "SKIPPED"] else [f"{rid} is {statuses}"]
    if statuses != ["COMPLETED", "COMPLETED", "COMPLETED" if is_video else "SKIPPED"]:
        return [f"{rid} is {statuses}: {recording.reason}"]
    expected = " ".join(words_of(body))
    if item["transcript"] != expected:
        found.append(f"{rid} has the transcript of other bytes")
    made = [
        item["transcript_key"],
        *item["feature_keys"].values(),
        *item["word_table_keys"].values(),
        *(file["key"] for file in item.get("rendition_files", {}).values()),
    ]
    found += [f"{rid} has lost {key}" for key in made if key not in objects]
    if found:
        return found
    return _of_contents(world, rid, body, item, made)


def _of_contents(
    world: World, rid: str, body: bytes, item: Mapping[str, Any], made: list[str]
) -> list[str]:
    found: list[str] = []
    objects, expected = world.bucket.objects, " ".join(words_of(body))
    document = json.loads(objects[item["transcript_key"]][0])
    if document["results"]["transcripts"][0]["transcript"] != expected:
        found.append(f"{rid} has another transcript in the bucket")
    n_rows = objects[item["feature_keys"]["mfcc"]][0].count(b"\n") - 1
    if n_rows != item["n_frames"]:
        found.append(f"{rid} has {n_rows} rows for {item['n_frames']} frames")
    if not set(words_of(body)) <= world.search.rows.get(rid, {}).keys():
        found.append(f"{rid} cannot be found")
    words = objects[item["word_table_keys"]["words"]][0].decode()
    if not all(word in words for word in words_of(body)):
        found.append(f"{rid} has the words of other bytes")
    found += [
        f"{key} was made of other bytes"
        for key in made
        if key.endswith((".mp4", ".mp3", ".gif")) and objects[key][0] != body
    ]
    return found


def _of_notices(world: World, items: dict[str, dict]) -> list[str]:
    found: list[str] = []
    sent = Counter(world.messages.published)
    for rid, item in items.items():
        outcome = "failed" if item["source_key"].endswith(".txt") else "done"
        if not sent[rid, outcome]:
            found.append(f"{rid} was never told of as {outcome}")
    for (rid, outcome), n in sent.items():
        # A notice whose sender heard nothing more is sent again: nobody can know better.
        allowed = world.table.n_created[keys.transcript(rid)] + world.unsure.get((rid, outcome), 0)
        if n > allowed:
            found.append(f"{rid} was told of {n} times as {outcome}, and {allowed} are explained")
    return found


def describe(world: World, wrong: list[str]) -> str:
    """Return what is wrong with a history, what was done to it, and how to tell it again."""
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
