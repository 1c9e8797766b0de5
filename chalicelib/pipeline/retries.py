"""Retries of messages: when a message whose work has failed comes back."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

ATTEMPTS = 5
"""Number of times that a message is received before it is given up: ``maxReceiveCount``."""

RETRY_AFTER_S = 60
"""Seconds before failed work is tried again; doubled after each attempt."""


@contextmanager
def tried_again(
    retry_after: Callable[[str, int], object], receipt_handle: str, attempt: int
) -> Iterator[None]:
    """Let a message whose work fails come back after a minute, then two, then four."""
    try:
        yield
    except Exception:
        if receipt_handle:
            retry_after(receipt_handle, RETRY_AFTER_S * 2 ** (attempt - 1))
        raise
