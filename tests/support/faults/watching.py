"""Checks during a history, of facts that must hold at every moment."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from chalicelib.core.recording import Status
from chalicelib.core.upload import Upload
from support.asking import Answered
from support.faults.s3_double import etag_of_parts, halves, md5
from support.faults.transcribe_double import words_of

if TYPE_CHECKING:
    from support.faults.world import Task, World

SERVER_ERROR = 500


class Watch:
    """The violations that were seen, each one once."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.seen: dict[str, None] = {}
        bucket = world.settings.media_bucket
        known = {
            Upload(bucket, key, etag, len(body)).recording_id: (key, body)
            for key, bodies in world.bodies.items()
            for body in bodies
            for etag in (md5(body), etag_of_parts(halves(body)))
        }
        self.keys = {rid: key for rid, (key, _) in known.items()}
        self.bodies = {rid: body for rid, (_, body) in known.items()}

    def look_at_item(self, item: Mapping[str, Any] | None) -> None:
        """Check that every COMPLETED output was made from the recording's own bytes."""
        if item is None or "recording_id" not in item:
            return
        rid = item["recording_id"]
        body = self.bodies[rid]
        is_transcribed = item["transcription"] == Status.COMPLETED
        if is_transcribed and not self._may_be(rid, body, item["transcript"]):
            self.seen[f"{rid} was COMPLETED with the transcript of other bytes"] = None
        if item["renditions"] == Status.COMPLETED:
            objects = self._world.results.objects
            files = [file["key"] for file in item["rendition_files"].values()]
            if any(key in objects and objects[key][0] != body for key in files):
                self.seen[f"{rid} was COMPLETED with renditions of other bytes"] = None

    def _may_be(self, rid: str, body: bytes, text: str) -> bool:
        """Return whether a text is that of these bytes, with some of the requested corrections."""
        asked = {one.text for one in self._world.corrected if one.recording_id == rid}
        found, heard = text.split(), words_of(body)
        pairs = zip(found, heard, strict=False)
        return len(found) == len(heard) and all(a == b or a in asked for a, b in pairs)

    def look_at_upload(self, task: "Task | None", operation: str, key: str) -> None:
        """Check that a handler changes no upload, except one that a user asked it to remove."""
        if task is None:
            return
        if operation == "put":
            self.seen[f"{task.name} wrote {key}"] = None
            return
        if task.function != "api" or self._lay_there_before(key) != task.about:
            self.seen[f"{task.name} removed {key} without a request"] = None

    def _lay_there_before(self, key: str) -> str:
        body, etag = self._world.bucket.last_removed
        return Upload(self._world.settings.media_bucket, key, etag, len(body)).recording_id

    def look_at_answer(self, task: "Task", answer: Answered) -> None:
        """Check that the API answers, unless a fault happened."""
        if answer.status >= SERVER_ERROR and not task.n_faults:
            self.seen[f"{task.name} got the answer {answer.status}"] = None
