"""Requests for data sets: one object for each, which also has the status."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from chalicelib.core import keys
from chalicelib.core.recording import Status

if TYPE_CHECKING:
    from chalicelib.services import Services

HALF_DELETED = "Its deletion was begun, and some of its files are gone. Delete it again."


@dataclass(frozen=True, slots=True)
class DatasetRequest:
    """A request for a data set, and its status.

    Parameters
    ----------
    name, owner : str
        of the data set
    requested_at : str
        time of the request, which an earlier request with the same name does not have
    parameters : mapping of str to str
        as ``DatasetParameters.parse`` reads them
    recordings_of : str or None
        the owner of the recordings; None for all owners
    since, until : str or None
        bounds of the recordings' times
    recording_ids : list of str or None
        the recordings, if they were named or found by a search
    status : str
        ``PENDING``, ``IN_PROGRESS``, ``COMPLETED`` or ``FAILED``
    version : str or None
        of the plan
    etag : str
        of the object as it was read; it is no part of the object
    """

    name: str
    owner: str
    requested_at: str
    parameters: Mapping[str, str]
    recordings_of: str | None = None
    since: str | None = None
    until: str | None = None
    q: str | None = None
    recording_ids: list[str] | None = None
    status: str = Status.PENDING
    reason: str | None = None
    version: str | None = None
    n_batches: int = 0
    summary: Mapping[str, Any] = field(default_factory=dict)
    etag: str = field(default="", compare=False)

    @property
    def folder(self) -> str:
        """The prefix of the files of this version, which no other request writes to.

        An overtaken step of an earlier request may still write, and the same plan gives other files
        if a recording was removed since.
        """
        return f"{files_of(self.owner, self.name, self.requested_at)}{self.version}/"

    @property
    def is_half_deleted(self) -> bool:
        """Return whether its deletion was begun."""
        return self.reason == HALF_DELETED

    @property
    def selection(self) -> dict[str, Any]:
        """The parts of the request that decide on the recordings, as far as they are given."""
        chosen = {
            "owner": self.recordings_of,
            "from": self.since,
            "to": self.until,
            "q": self.q,
            "n_recording_ids": len(self.recording_ids) if self.recording_ids is not None else None,
        }
        return {name: value for name, value in chosen.items() if value is not None}


def files_of(owner: str, name: str, requested_at: str) -> str:
    """Return the prefix of all that the steps of one request write."""
    time = datetime.fromisoformat(requested_at).strftime("%Y%m%dT%H%M%S%f")
    return f"{keys.dataset_files(owner, name)}{time}-"


def read_dataset_request(owner: str, name: str, services: "Services") -> DatasetRequest | None:
    """Return a request, or None."""
    found = services.datasets.find_body(keys.dataset_request(owner, name))
    return DatasetRequest(**orjson.loads(found[0]), etag=found[1]) if found else None


def write_dataset_request(request: DatasetRequest, services: "Services") -> None:
    """Write a request; it replaces an earlier one."""
    services.datasets.write(*_object_of(request))


def change_dataset_request(request: DatasetRequest, services: "Services") -> bool:
    """Write the status of a request; return False if it was deleted or changed since it was read.

    A step that is overtaken must not bring back what somebody has deleted.
    """
    return services.datasets.write_over(*_object_of(request), request.etag)


def _object_of(request: DatasetRequest) -> tuple[str, bytes]:
    values = asdict(request)
    del values["etag"]
    return keys.dataset_request(request.owner, request.name), orjson.dumps(values)


def send_dataset_step(
    request: DatasetRequest, step: str, services: "Services", batch: int = 0
) -> None:
    """Ask for a step: ``plan``, ``batch`` or ``join``."""
    services.datasets_queue.send(
        {
            "owner": request.owner,
            "name": request.name,
            "requested_at": request.requested_at,
            "step": step,
            "batch": batch,
        }
    )


def delete_dataset(request: DatasetRequest, services: "Services") -> None:
    """Remove a request and the files of all its versions. Safe to repeat."""
    files = keys.dataset_files(request.owner, request.name)
    # The request is deleted after its files, so that an interrupted deletion can be repeated.
    # Meanwhile the request says that files are gone.
    write_dataset_request(replace(request, status=Status.FAILED, reason=HALF_DELETED), services)
    services.datasets.remove(files)
    services.datasets.remove(keys.dataset_request(request.owner, request.name))
    services.datasets.remove(files)  # a step may have written more until then


def n_batches_done(request: DatasetRequest, services: "Services") -> int:
    """Return how many batches are made."""
    if request.status == Status.COMPLETED:
        return request.n_batches
    return len(report_keys(request, services)) if request.version else 0


def report_keys(request: DatasetRequest, services: "Services") -> list[str]:
    """Return the keys of the reports of the batches that are made."""
    prefix = f"{request.folder}parts/"
    return [key for key in services.datasets.keys(prefix) if key.endswith("/report.json")]
