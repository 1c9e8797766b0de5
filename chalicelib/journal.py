"""One line for each event, at its end: which recording, what was done, how long it took.

Facts are noted where they come about, and written where the event ends. What somebody said, an
address that opens something, or a whole event is never noted.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from chalicelib import emf

if TYPE_CHECKING:
    from chalicelib.services import Services

_facts: ContextVar[dict[str, Any] | None] = ContextVar("facts", default=None)


def note(**facts: Any) -> None:
    """Add facts to the line of the event that is being handled; outside of one there is none."""
    noted = _facts.get()
    if noted is not None:
        noted.update(facts)


@contextmanager
def event(function_name: str, services: "Services") -> Iterator[None]:
    """Write the line of an event when it ends, whatever its end."""
    _, stage, function, *_ = (*function_name.split("-", 2), "", "")
    facts: dict[str, Any] = {"stage": stage, "function": function or "api_handler"}
    token = _facts.set(facts)
    began = services.clock()
    try:
        yield
        facts["outcome"] = "done"
    except BaseException as exc:
        facts |= {"outcome": "raised", "error": type(exc).__name__}
        raise
    finally:
        _facts.reset(token)
        ended = services.clock()
        facts["milliseconds"] = (ended - began) // timedelta(milliseconds=1)
        services.write_line(emf.line(facts, at_ms=int(ended.timestamp() * 1000)))
