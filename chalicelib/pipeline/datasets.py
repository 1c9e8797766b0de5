"""Data sets of a stage: planned, made by batches, and joined, each step by a message.

The request is an object, and so is each batch's report. A step can come twice: the second time it
finds its own output, or makes the same output again. If the request was replaced or deleted, its
messages do nothing.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, BinaryIO

import orjson

from chalicelib import journal
from chalicelib.core import keys
from chalicelib.core.datasets.candidates import source_of
from chalicelib.core.datasets.models import MANIFEST, LeftOut, Recipe, Source
from chalicelib.core.datasets.parameters import DatasetParameters
from chalicelib.core.datasets.planning import Plan, candidates_of, make_plan
from chalicelib.core.recording import Recording, Status
from chalicelib.pipeline.dataset_requests import (
    DatasetRequest,
    change_dataset_request,
    files_of,
    read_dataset_request,
    report_keys,
    send_dataset_step,
)
from chalicelib.pipeline.retries import ATTEMPTS, tried_again

if TYPE_CHECKING:
    from chalicelib.core.datasets.batches import BatchReport
    from chalicelib.services import Services

PAGE = 100
PLAN = "parts/plan.json"
GIVEN_UP = "A step could not be done in {} attempts. The administrator's alarm says more."


def take_dataset_step(
    message: Mapping[str, Any], services: "Services", *, attempt: int = 1, receipt_handle: str = ""
) -> None:
    """Do the step of a message. Raise if it should be tried again."""
    request = read_dataset_request(message["owner"], message["name"], services)
    if request is None:
        services.datasets.remove(
            files_of(message["owner"], message["name"], message["requested_at"])
        )
        return
    if request.requested_at != message["requested_at"]:
        return
    if request.status in (Status.COMPLETED, Status.FAILED):
        # An earlier delivery may have ended before it could do so.
        _delete_leftovers(request, services)
        return
    journal.note(dataset=request.name, step=message["step"], batch=message["batch"])
    with tried_again(services.datasets_queue.retry_after, receipt_handle, attempt):
        try:
            if message["step"] == "plan":
                request = plan_dataset(request, services)
            elif message["step"] == "batch":
                make_dataset_batch(request, message["batch"], services)
            else:
                join_dataset(request, services)
            _delete_leftovers(request, services)
        except Exception:
            if attempt >= ATTEMPTS:
                _give_up(request, services)
            raise


def _delete_leftovers(request: DatasetRequest, services: "Services") -> None:
    """Delete the files of a step overtaken by another delivery, a new request or a deletion."""
    present = read_dataset_request(request.owner, request.name, services)
    if present is None or present.is_half_deleted:
        services.datasets.remove(files_of(request.owner, request.name, request.requested_at))
    elif services.datasets.find(f"{request.folder}{MANIFEST}"):
        services.datasets.remove(f"{request.folder}parts/")
    elif request.folder != present.folder:
        services.datasets.remove(request.folder)


def _give_up(request: DatasetRequest, services: "Services") -> None:
    reason = GIVEN_UP.format(ATTEMPTS)
    change_dataset_request(replace(request, status=Status.FAILED, reason=reason), services)


def plan_dataset(request: DatasetRequest, services: "Services") -> DatasetRequest:
    """Write which recordings each batch has, and ask for every batch. Safe to repeat."""
    # numpy takes longer to import than most events take to handle; here and below.
    from chalicelib.core.datasets import assembly  # noqa: PLC0415  # as above
    from chalicelib.pipeline import dataset_sources  # noqa: PLC0415  # as above

    parameters = DatasetParameters.parse(request.parameters)
    missing = set(request.recording_ids or ())

    def sources() -> Iterator[tuple[Source | LeftOut, str]]:
        for recording in _selected_recordings(request, services):
            missing.discard(recording.id)
            address = dataset_sources.address_of(recording, services)
            yield source_of(recording, audio=address), dataset_sources.stamp_of(recording)

    found, left_out = candidates_of(sources(), parameters)
    left_out += [LeftOut(one, dataset_sources.GONE) for one in missing]
    provenance = orjson.dumps(assembly.versions_of(parameters.format)).decode()
    plan = make_plan(found, parameters, left_out=left_out, provenance=provenance)
    planned = replace(
        request,
        status=Status.IN_PROGRESS,
        version=plan.version,
        n_batches=len(plan.batches),
    )
    for number, batch in enumerate(plan.batches):
        services.datasets.write(f"{planned.folder}{_batch_name(number)}", orjson.dumps(batch))
    services.datasets.write(
        f"{planned.folder}{PLAN}", orjson.dumps(asdict(replace(plan, batches=())))
    )
    if not change_dataset_request(planned, services):
        return planned  # deleted or replaced meanwhile, or planned by the message's other delivery
    for number in range(planned.n_batches):
        send_dataset_step(planned, "batch", services, number)
    if not planned.n_batches:
        send_dataset_step(planned, "join", services)
    return planned


def make_dataset_batch(request: DatasetRequest, number: int, services: "Services") -> None:
    """Write the files of a batch; ask for the end if all batches are there. Safe to repeat."""
    from chalicelib.core.datasets import batches  # noqa: PLC0415  # as above
    from chalicelib.core.datasets.formats import writer_of  # noqa: PLC0415  # as above
    from chalicelib.pipeline.dataset_sources import stage_reader  # noqa: PLC0415  # as above

    folder = request.folder
    report_key = f"{folder}{_report_name(number)}"
    plan = _read_plan(request, services)
    batch = services.datasets.read(f"{folder}{_batch_name(number)}")
    if plan is None or plan.recipe is None or batch is None:
        return  # the data set was joined, or deleted
    if services.datasets.find(report_key) is None:
        parameters = DatasetParameters.parse(request.parameters)
        report = batches.make_batch(
            number,
            orjson.loads(batch),
            stage_reader(services),
            parameters,
            plan.recipe,
            writer_of(parameters.format),
            lambda path: services.datasets.create(f"{folder}{path}"),
        )
        # Written last, so that a batch with a report is complete.
        services.datasets.write(report_key, orjson.dumps(report.to_dict()))
    if len(report_keys(request, services)) == request.n_batches:
        send_dataset_step(request, "join", services)


def join_dataset(request: DatasetRequest, services: "Services") -> None:
    """Join the parts of all batches, write the manifest, remove the parts. Safe to repeat."""
    manifest = _join_parts(request, services)
    if manifest is None:
        # The message's other delivery has joined them, or the data set was deleted.
        found = services.datasets.read(f"{request.folder}{MANIFEST}")
        if found is None:
            return
        manifest = orjson.loads(found)
    summary = {name: manifest[name] for name in ("splits", "left_out", "versions")}
    summary["n_files"] = len(manifest["files"])
    summary["n_bytes"] = sum(file["n_bytes"] for file in manifest["files"])
    change_dataset_request(replace(request, status=Status.COMPLETED, summary=summary), services)


def _join_parts(request: DatasetRequest, services: "Services") -> Mapping[str, Any] | None:
    """Return the manifest of the joined parts; None if there are no parts, or no longer any."""
    from chalicelib.core.datasets.assembly import assemble  # noqa: PLC0415  # as above

    folder = request.folder
    plan = _read_plan(request, services)
    if plan is None:
        return None
    try:
        manifest = assemble(
            request.name,
            plan,
            DatasetParameters.parse(request.parameters),
            lambda: (
                _read_report(request, number, services) for number in range(request.n_batches)
            ),
            lambda path: _open_part(f"{folder}{path}", services),
            lambda path: services.datasets.create(f"{folder}{path}"),
            selection=request.selection,
        )
    except LookupError:
        if services.datasets.find(f"{folder}{PLAN}"):
            raise
        return None
    services.datasets.remove(f"{folder}parts/")
    return manifest


def _selected_recordings(request: DatasetRequest, services: "Services") -> Iterator[Recording]:
    owner = request.recordings_of
    if request.recording_ids is not None:
        wanted = list(dict.fromkeys(request.recording_ids))
        for first in range(0, len(wanted), PAGE):
            some = [keys.transcript(one) for one in wanted[first : first + PAGE]]
            page = services.recordings.find_many(some)
            yield from (one for one in page if owner in (None, one.owner))
        return
    yield from services.recordings.each(owner=owner, since=request.since, until=request.until)


def _read_plan(request: DatasetRequest, services: "Services") -> Plan | None:
    """Return the plan without its batches; None if the data set was joined, or deleted."""
    body = services.datasets.read(f"{request.folder}{PLAN}")
    if body is None:
        return None
    kept = orjson.loads(body)
    return Plan(
        kept["version"],
        Recipe(**kept["recipe"]) if kept["recipe"] else None,
        (),
        tuple(LeftOut(**one) for one in kept["left_out"]),
    )


def _read_report(request: DatasetRequest, number: int, services: "Services") -> "BatchReport":
    from chalicelib.core.datasets.batches import BatchReport  # noqa: PLC0415  # as above

    body = services.datasets.read(f"{request.folder}{_report_name(number)}")
    if body is None:
        raise LookupError(_report_name(number))
    return BatchReport.of(orjson.loads(body))


@contextmanager
def _open_part(key: str, services: "Services") -> Iterator[BinaryIO]:
    part = services.datasets.find(key)
    if part is None:
        raise LookupError(key)
    with services.datasets.open(part) as stream:
        yield stream


def _batch_name(number: int) -> str:
    return f"parts/{number:05d}/recordings.json"


def _report_name(number: int) -> str:
    return f"parts/{number:05d}/report.json"
