"""A copy of everything that moto holds, to begin several tests with the same deployed stage."""

import copy
import copyreg
import threading
from typing import Any
from unittest.mock import patch
from weakref import WeakValueDictionary

from moto.core.base_backend import BackendDict

# The objects that hold moto's resources have locks. A copy gets new, open locks.
copyreg.pickle(type(threading.RLock()), lambda _: (threading.RLock, ()))
copyreg.pickle(type(threading.Lock()), lambda _: (threading.Lock, ()))

Snapshot = list[tuple[BackendDict, dict[str, Any], dict[str, Any]]]


def take() -> Snapshot:
    """Return a copy of all resources of all services."""
    return _copy([(one, one.__dict__, dict(one)) for one in BackendDict._instances])


def restore(snapshot: Snapshot) -> None:
    """Put another copy of the resources into moto, which must have been reset."""
    for service, attributes, accounts in _copy(snapshot):
        service.__dict__.update(attributes)
        service.update(accounts)
        if service not in BackendDict._instances:
            BackendDict._instances.append(service)


def _copy(snapshot: Snapshot) -> Snapshot:
    # One copy for all services, because a stack refers to the resources of other services. The
    # services themselves are found by name, and are not copied.
    memo = {id(service): service for service, *_ in snapshot}
    with patch.object(WeakValueDictionary, "__deepcopy__", _with_values):
        return copy.deepcopy(snapshot, memo)


def _with_values(self: WeakValueDictionary, memo: dict[int, Any]) -> WeakValueDictionary:
    """Copy a weak dictionary with its values. Its own deep copy would keep the original values."""
    return WeakValueDictionary({key: copy.deepcopy(one, memo) for key, one in self.items()})
