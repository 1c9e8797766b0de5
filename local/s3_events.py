"""S3's events in local mode: each is sent only after its change is done and stored.

moto sends an event in the middle of a request: before the object has its metadata, and before
it is known whether there is room to store the object. S3 sends an event when the object is there.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventNotifications.html
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from moto.s3 import notifications

_Event = tuple[str, notifications.S3NotificationEvent, Any, Any]

_send: Callable[..., None] = notifications.send_event
_held = threading.local()


@contextmanager
def events_held(store: Callable[[str, str], None]) -> Iterator[None]:
    """Hold the events of all objects that this thread changes, until the block ends.

    When the block ends, also if by an exception, ``store`` is called with the bucket and key of
    each object, and then the events are sent. If ``store`` raises an exception, no event is sent.
    """
    _held.events = []
    try:
        yield
    finally:
        events: list[_Event] = _held.events
        del _held.events
        # Most requests have several events for an object, such as that of its access list.
        for place in dict.fromkeys((bucket.name, key.name) for _, _, bucket, key in events):
            store(*place)
        for event in events:
            _send(*event)


def _hold_or_send(
    account_id: str, event_name: notifications.S3NotificationEvent, bucket: Any, key: Any
) -> None:
    event = (account_id, event_name, bucket, key)
    held: list[_Event] | None = getattr(_held, "events", None)
    if held is None:
        _send(*event)
    else:
        held.append(event)


notifications.send_event = _hold_or_send
