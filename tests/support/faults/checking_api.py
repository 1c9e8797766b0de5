"""Checks at the end of a history: quotas, corrections and data sets, which people use by API."""

import hashlib
import io
import json
from collections import Counter
from collections.abc import Mapping
from functools import cache

from chalicelib.core import keys
from chalicelib.core.audio.formats import HEAD_BYTES
from chalicelib.core.audio.source import BufferedSource
from chalicelib.core.datasets.models import MANIFEST
from chalicelib.core.probe import formats, quotas
from chalicelib.core.probe.contents import look_into
from chalicelib.core.probe.headers import read_header
from chalicelib.core.recording import Recording, Status
from chalicelib.core.transcripts.corrections import load_corrections
from chalicelib.pipeline.dataset_requests import DatasetRequest
from support.faults.transcribe_double import words_of
from support.faults.world import World


def said(world: World, recording_id: str, body: bytes) -> list[str]:
    """Return the words of a recording with its corrections."""
    found = world.results.objects.get(keys.corrections(recording_id))
    corrections = load_corrections(found[0]) if found else []
    texts = {one.words[0]: one.text for one in corrections}
    return [texts.get(word, word) for word in words_of(body)]


def of_corrections(world: World) -> list[str]:
    """Return accepted corrections that are lost, and not replaced by a later one."""
    there = {item["recording_id"] for item in world.recordings}
    replaced = {(one.recording_id, one.replaced) for one in world.corrected}
    found = []
    for one in world.corrected:
        key = world.watch.keys[one.recording_id]
        stored = world.results.objects.get(keys.corrections(one.recording_id))
        is_kept = world.changed[key] == one.n_changed and one.recording_id in there
        if one.is_accepted and is_kept and (one.recording_id, one.text) not in replaced:
            texts = [given.text for given in load_corrections(stored[0])] if stored else []
            if one.text not in texts:
                found.append(f"{one.recording_id} has lost the correction {one.text}")
    return found


def is_over_quota(world: World, recording: Recording) -> bool:
    """Return whether a recording was refused for its hours, and the refusal was right."""
    if not (recording.reason or "").startswith(quotas.REFUSED):
        return False
    limits = world.settings.quotas.limits_s(recording.owner)
    seconds = _seconds(world, recording.id)
    return any(
        counted + seconds > limits[name]
        for (_, name), counted in _counted(world).items()
        if name in limits
    ) or any(seconds > most for most in limits.values())


def of_quotas(world: World) -> list[str]:
    """Return the counters that are over their limits, or that counted something twice."""
    found = []
    for (day, name), seconds in _counted(world).items():
        owner = name.removeprefix("owner/")
        if seconds > world.settings.quotas.limits_s(owner)[name]:
            found.append(f"{seconds} seconds of {name} were accepted on {day}")
    asked: Counter[str] = Counter()
    for recording_id, key in world.watch.keys.items():
        seconds = world.lives(recording_id) * _seconds(world, recording_id)
        asked[f"owner/{keys.owner(key)}"] += seconds
        asked[quotas.STAGE] += seconds
    counted: Counter[str] = Counter()
    for (_, name), seconds in _counted(world).items():
        counted[name] += seconds
    found += [
        f"{n} seconds of {name} were counted, of {asked[name]}"
        for name, n in counted.items()
        if n > asked[name]
    ]
    return found


def of_datasets(world: World) -> list[str]:
    """Return data sets that never ended or have wrong files, and files of no data set."""
    objects = world.results.objects
    found, folders = [], []
    for key in [key for key in objects if key.startswith(f"{keys.DATASETS}requests/")]:
        asked = DatasetRequest(**json.loads(objects[key][0]))
        folders.append(asked.folder)
        if asked.status == Status.COMPLETED:
            found += _of_files(world, asked.folder)
        elif not world.plan.spent:
            found.append(f"the data set {asked.name} is {asked.status}: {asked.reason}")
    files = [key for key in objects if key.startswith(f"{keys.DATASETS}files/")]
    if not folders:
        found += [f"{key} is left of a data set" for key in files]
    return found


def _of_files(world: World, folder: str) -> list[str]:
    objects = world.results.objects
    there = {key.removeprefix(folder) for key in objects if key.startswith(folder)}
    if MANIFEST not in there:
        return [f"{folder} has no manifest"]
    listed = json.loads(objects[f"{folder}{MANIFEST}"][0])["files"]
    wrong = there - {MANIFEST} ^ {one["path"] for one in listed}
    found = [f"{folder}{path} is not as the manifest says" for path in sorted(wrong)]
    found += [
        f"{folder}{one['path']} has other bytes than its manifest says"
        for one in listed
        if one["path"] in there
        and hashlib.sha256(objects[f"{folder}{one['path']}"][0]).hexdigest() != one["sha256"]
    ]
    return found


def _counted(world: World) -> Mapping[tuple[str, str], int]:
    counted: dict[tuple[str, str], int] = {}
    for item in world.table.items.values():
        if item["JsonFile"].startswith(keys.HOURS):
            day, _, name = item["JsonFile"].removeprefix(keys.HOURS).partition("/")
            counted[day, name] = int(item["seconds_accepted"])
    return counted


def _seconds(world: World, recording_id: str) -> int:
    return _seconds_of(world.watch.keys[recording_id], world.watch.bodies[recording_id])


@cache
def _seconds_of(key: str, body: bytes) -> int:
    """Return the seconds for which an upload counts, 0 if it is no recording."""
    media_format, _ = formats.media_format(key, body[:HEAD_BYTES])
    if media_format is None:
        return 0
    source = BufferedSource(io.BytesIO(body))
    is_container = media_format in formats.CONTAINERS
    return quotas.seconds_of(len(body), look_into(source) if is_container else read_header(source))
