"""Data sets of an owner: requests, lists, files and deletion."""

from dataclasses import fields
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import orjson

from chalicelib.api.downloads import disposition
from chalicelib.api.recordings import moment_of
from chalicelib.api.requests import Request, text_of
from chalicelib.api.search import find_ids
from chalicelib.core import keys
from chalicelib.core.datasets.models import MANIFEST
from chalicelib.core.datasets.parameters import DatasetParameters
from chalicelib.core.media_types import media_type
from chalicelib.core.recording import Status
from chalicelib.errors import NotThereError, ParameterError, RequestError
from chalicelib.pipeline.dataset_requests import (
    DatasetRequest,
    delete_dataset,
    n_batches_done,
    read_dataset_request,
    send_dataset_step,
    write_dataset_request,
)

if TYPE_CHECKING:
    from chalicelib.services import Services

MOST_IDS = 10_000
"""Most recordings that a request may name or a search may find; a filter may find any number."""

SELECTION = ("owner", "from", "to", "q", "recording_ids")
PARAMETERS = tuple(one.name for one in fields(DatasetParameters))

NO_PARQUET = (
    "Parquet is not made here, because its library is too large for a function: "
    "run `make dataset NAME=… FORMAT=parquet`, which makes it on your machine and stores it here."
)


def create_dataset(
    request: Request, services: "Services", *, in_queue: bool = True
) -> dict[str, Any]:
    """Ask for a data set; a request with the name of an earlier one replaces it.

    Without ``in_queue`` nothing is sent, because the caller does the steps.
    """
    body = request.body()
    for name in body:
        if name not in ("name", *SELECTION, *PARAMETERS):
            known = ", ".join(("name", *SELECTION, *PARAMETERS))
            raise RequestError(f"A data set has no {name[:100]!r}: there are {known}.")
    name = text_of(body, "name") or ""
    if not keys.is_dataset_name(name):
        raise RequestError(
            f"name must be 1 to 40 small letters, digits and hyphens, not {name[:100]!r}."
        )
    parameters = {one: str(body[one]) for one in PARAMETERS if body.get(one) is not None}
    _check(parameters, in_queue=in_queue)
    recordings_of = request.recordings_of(text_of(body, "owner"))
    q = text_of(body, "q")
    ids = _ids(body)
    if q and ids is not None:
        raise RequestError("Use q or recording_ids, not both.")
    if q:
        ids = find_ids(q, owner=recordings_of, most=MOST_IDS, services=services)
    bounds = {one: text_of(body, one) for one in ("from", "to")}
    if ids is not None and any(bounds.values()):
        raise RequestError("from and to do not go together with q or recording_ids.")
    asked = DatasetRequest(
        name=name,
        owner=request.caller.owner,
        requested_at=services.clock().isoformat(),
        parameters=parameters,
        recordings_of=recordings_of,
        since=moment_of(bounds["from"], "from") if bounds["from"] else None,
        until=moment_of(bounds["to"], "to") if bounds["to"] else None,
        q=q,
        recording_ids=ids,
    )
    write_dataset_request(asked, services)
    if in_queue:
        send_dataset_step(asked, "plan", services)
    return show_dataset(asked, services)


def find_dataset(name: str, request: Request, services: "Services") -> DatasetRequest:
    """Return a data set of the caller's; for an administrator, of the named owner's.

    Raise NotThereError if it does not exist.
    """
    owner = request.owner() or request.caller.owner
    found = read_dataset_request(owner, name, services) if keys.is_dataset_name(name) else None
    if found is None:
        raise NotThereError(f"There is no data set {name[:100]!r}.")
    return found


def show_dataset(found: DatasetRequest, services: "Services") -> dict[str, Any]:
    """Return a data set in the API's form: the request, its status and its contents."""
    shown: dict[str, Any] = {
        "name": found.name,
        "owner": found.owner,
        "requested_at": found.requested_at,
        "status": found.status,
        "reason": found.reason,
        "parameters": dict(found.parameters),
        "selection": found.selection,
        "version": found.version,
        "n_batches": found.n_batches,
        "n_batches_done": n_batches_done(found, services),
        "location": services.datasets.uri(found.folder) if found.version else None,
    }
    return {**shown, **found.summary}


def list_datasets(request: Request, services: "Services") -> dict[str, Any]:
    """Return the names of an owner's data sets."""
    owner = request.owner() or request.caller.owner
    found = services.datasets.keys(keys.dataset_requests(owner))
    return {"owner": owner, "datasets": sorted(keys.stem(key) for key in found)}


def file_address(found: DatasetRequest, request: Request, services: "Services") -> dict[str, Any]:
    """Return a presigned address of one file of a data set, by its path in the manifest."""
    path = request.text("path") or MANIFEST
    if found.status != Status.COMPLETED:
        raise NotThereError(f"The data set has no files yet: it is {found.status}.")
    manifest = services.datasets.read(f"{found.folder}{MANIFEST}")
    paths = {MANIFEST}
    if manifest:
        paths |= {file["path"] for file in orjson.loads(manifest)["files"]}
    if path not in paths:
        raise NotThereError(f"The data set has no file {path!r}: {MANIFEST} lists them.")
    return services.datasets.presign(
        f"{found.folder}{path}",
        media_type=media_type(path),
        disposition=disposition(path.rpartition("/")[2]),
    )


def remove_dataset(found: DatasetRequest, services: "Services") -> dict[str, Any]:
    """Delete a data set with all its versions."""
    delete_dataset(found, services)
    return {"name": found.name, "owner": found.owner}


def _check(parameters: dict[str, str], *, in_queue: bool) -> None:
    try:
        form = DatasetParameters.parse(parameters).format
    except ParameterError as exc:
        raise RequestError(f"{exc}.") from exc
    if form == "parquet" and in_queue and find_spec("pyarrow") is None:
        raise RequestError(NO_PARQUET)


def _ids(body: dict[str, Any]) -> list[str] | None:
    ids = body.get("recording_ids")
    if ids is None:
        return None
    if not isinstance(ids, list) or not 1 <= len(ids) <= MOST_IDS:
        raise RequestError(f"recording_ids must be a list of 1 to {MOST_IDS} recordings' ids.")
    for one in ids:
        if not isinstance(one, str) or not keys.is_recording_id(one):
            raise RequestError(f"{str(one)[:100]!r} is not a recording's id.")
    return ids
