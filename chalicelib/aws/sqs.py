"""The queues: of recordings to be measured, of speech to be recognised, of data sets to be made."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

CORRECTIONS, ARCHIVE, LOOK, SPEECH = "corrections", "archive", "look", "speech"
"""The tasks of messages that do not ask for features."""

BATCH = 10
"""Most messages of one SendMessageBatch."""


class _Queue:
    """A queue whose messages a function receives."""

    def __init__(self, client: "SQSClient", url: str) -> None:
        self._client = client
        self._url = url

    def retry_after(self, receipt_handle: str, delay_s: int) -> None:
        """Let a received message come back before the queue's time-out."""
        self._client.change_message_visibility(
            QueueUrl=self._url, ReceiptHandle=receipt_handle, VisibilityTimeout=delay_s
        )


class FeatureQueue(_Queue):
    """The queue whose messages ``extract_features`` receives."""

    def send(self, recording_id: str) -> None:
        """Ask for one recording's features."""
        self._client.send_message(
            QueueUrl=self._url, MessageBody=json.dumps({"recording_id": recording_id})
        )

    def send_corrections(self, recording_id: str, *, delay_s: int) -> None:
        """Ask, after some seconds, for the outputs of a corrected transcript."""
        self._client.send_message(
            QueueUrl=self._url,
            MessageBody=json.dumps({"recording_id": recording_id, "task": CORRECTIONS}),
            DelaySeconds=delay_s,
        )

    def send_speech(self, request: Mapping[str, object]) -> None:
        """Ask, with a job's request, that the speech of a recording is cut into parts."""
        self._client.send_message(
            QueueUrl=self._url, MessageBody=json.dumps({"task": SPEECH, "request": request})
        )

    def send_look(self, recording_id: str, *, delay_s: int) -> None:
        """Ask, after some seconds, for a look at a recording."""
        self._client.send_message(
            QueueUrl=self._url,
            MessageBody=json.dumps({"recording_id": recording_id, "task": LOOK}),
            DelaySeconds=delay_s,
        )

    def send_archive(self, asked: Sequence[Mapping[str, str | None]]) -> list[int]:
        """Ask, in one request, that up to ``BATCH`` objects of an archive are received.

        Return the places in ``asked`` of the messages that the queue did not take.
        """
        answer = self._client.send_message_batch(
            QueueUrl=self._url,
            Entries=[
                {"Id": str(place), "MessageBody": json.dumps({"task": ARCHIVE, **one})}
                for place, one in enumerate(asked)
            ],
        )
        return [int(failed["Id"]) for failed in answer.get("Failed", [])]


class SpeechQueue(_Queue):
    """The queue whose messages ``recognise_speech`` receives."""

    def send(self, job_name: str, part: int) -> None:
        """Ask for the words of one part of a job."""
        self._client.send_message(
            QueueUrl=self._url, MessageBody=json.dumps({"job": job_name, "part": part})
        )


class DatasetQueue(_Queue):
    """The queue whose messages ``make_dataset`` receives."""

    def send(self, message: Mapping[str, str | int]) -> None:
        """Ask for one step of a data set."""
        self._client.send_message(QueueUrl=self._url, MessageBody=json.dumps(message))
