"""The queue of recordings whose features are to be extracted."""

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

CORRECTIONS = "corrections"
"""The task of messages that ask for no features."""


class FeatureQueue:
    """The queue whose messages ``extract_features`` receives."""

    def __init__(self, client: "SQSClient", url: str) -> None:
        self._client = client
        self._url = url

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

    def retry_after(self, receipt_handle: str, delay_s: int) -> None:
        """Let a received message come back before the queue's time-out."""
        self._client.change_message_visibility(
            QueueUrl=self._url, ReceiptHandle=receipt_handle, VisibilityTimeout=delay_s
        )
