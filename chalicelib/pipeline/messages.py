"""The messages of the features queue: what each of them asks for."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from chalicelib.pipeline import archives, events, recognition, reconciliation
from chalicelib.pipeline.retries import tried_again

if TYPE_CHECKING:
    from chalicelib.services import Services


def take_message(
    asked: Mapping[str, Any], services: "Services", *, attempt: int = 1, receipt_handle: str = ""
) -> None:
    """Do the task of a message: extract features, unless it names another task.

    If it fails, the message comes back. ``attempt`` counts the deliveries of this message.
    """
    with tried_again(services.features_queue.retry_after, receipt_handle, attempt):
        match asked.get("task"):
            case "archive":
                wanted = {name: asked.get(name) for name in ("owner", "only")}
                archives.receive_from_archive(asked["key"], services, **wanted)
            case "corrections":
                events.apply_corrections(asked["recording_id"], services, attempt=attempt)
            case "look":
                reconciliation.look_again(asked["recording_id"], services)
            case "speech":
                recognition.cut_speech(asked["request"], services, attempt=attempt)
            case _:
                events.extract_features(asked["recording_id"], services, attempt=attempt)
