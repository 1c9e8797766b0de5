"""The topics of notices: one for all notices, or a second one for failures."""

import json
from typing import TYPE_CHECKING

from chalicelib.core.notices import Notice
from chalicelib.core.recording import Outcome

if TYPE_CHECKING:
    from types_boto3_sns import SNSClient


class Notices:
    """The topics that notices are published to; without a topic nothing is published."""

    def __init__(self, client: "SNSClient", topic_arn: str, failures_topic_arn: str = "") -> None:
        self._client = client
        self._topics = {
            Outcome.DONE: topic_arn,
            Outcome.FAILED: failures_topic_arn or topic_arn,
        }

    def publish(self, notice: Notice) -> None:
        """Send a notice: text by e-mail, JSON to everything else."""
        topic_arn = self._topics[notice.outcome]
        if not topic_arn:
            return
        self._client.publish(
            TopicArn=topic_arn,
            Subject=notice.subject,
            Message=json.dumps({"default": notice.json, "email": notice.text}),
            MessageStructure="json",
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value}
                for name, value in notice.attributes.items()
            },
        )
