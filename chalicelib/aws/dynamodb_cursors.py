"""Cursors: the end of a page of recordings, as text that is valid for the same list only."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from chalicelib.core.recording_item import KIND
from chalicelib.errors import CursorError


def encode(item: Mapping[str, Any], owner: str | None) -> str:
    """Return the cursor of a page that ends with an item, in an owner's list or in all."""
    key = {name: str(item[name]) for name in _names(owner)}
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def decode(cursor: str, owner: str | None) -> dict[str, str]:
    """Return the key of a cursor. Raise CursorError if it is from another list."""
    try:
        key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError) as exc:
        raise CursorError(cursor) from exc
    if not isinstance(key, dict) or not all(isinstance(v, str) and v for v in key.values()):
        raise CursorError(cursor)
    # A cursor is valid for one owner's list only.
    if key.keys() != _names(owner) or key.get("owner", owner) != owner:
        raise CursorError(cursor)
    if key.get("kind", KIND) != KIND:
        raise CursorError(cursor)
    return key


def _names(owner: str | None) -> set[str]:
    return {"JsonFile", "created_at", "kind" if owner is None else "owner"}
