"""Cursors: where a page of recordings ended, as text that leads on in the same list alone."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from chalicelib.core.recording_item import KIND
from chalicelib.errors import CursorError


def encode(item: Mapping[str, Any], owner: str | None) -> str:
    """Return the cursor of a page of an owner's list, or of all, that ends with an item."""
    key = {name: str(item[name]) for name in _names(owner)}
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def decode(cursor: str, owner: str | None) -> dict[str, str]:
    """Return the key that a cursor stands for. Raise CursorError if it is of another list."""
    try:
        key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError) as exc:
        raise CursorError(cursor) from exc
    if not isinstance(key, dict) or not all(isinstance(v, str) and v for v in key.values()):
        raise CursorError(cursor)
    # A cursor leads into one owner's list and no other's.
    if key.keys() != _names(owner) or key.get("owner", owner) != owner:
        raise CursorError(cursor)
    if key.get("kind", KIND) != KIND:
        raise CursorError(cursor)
    return key


def _names(owner: str | None) -> set[str]:
    return {"JsonFile", "created_at", "kind" if owner is None else "owner"}
