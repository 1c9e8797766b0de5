"""Every route answers the longest recording within Lambda's and API Gateway's limits.

4 h in Chinese at 300 words a minute: Amazon Transcribe takes no longer recording, and no other
language has as many bytes for its words. The gateway refuses what Lambda would not return.
"""

import json
import time

import boto3
import pytest
from support.answers import put_answer
from support.asking import ADMINISTRATOR, Asker
from support.media import wav

from chalicelib.core import keys
from chalicelib.core.transcripts.exports import EXPORTS
from chalicelib.pipeline import events

KEY = "uploads/alice/talk.wav"
WORDS = 4 * 60 * 300
GATEWAY_S = 29
"""https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html"""

LAMBDA_BYTES = 6 * 2**20
"""https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""


def spoken() -> dict:
    step = 4 * 3600 / WORDS
    texts = [chr(0x4E00 + 37 * number % 4000) * 2 for number in range(WORDS)]
    items = [
        {
            "type": "pronunciation",
            "start_time": f"{number * step:.3f}",
            "end_time": f"{(number + 0.9) * step:.3f}",
            "alternatives": [{"confidence": "0.987", "content": text}],
            "speaker_label": f"spk_{number // 40 % 2}",
        }
        for number, text in enumerate(texts)
    ]
    return {"results": {"transcripts": [{"transcript": "".join(texts)}], "items": items}}


@pytest.mark.slow
def test_every_route_answers_the_longest_recording_and_too_large_an_export_is_an_object(
    application, services, put
):
    ask = Asker(application)
    recording_id = put(KEY, wav())
    events.receive_upload(KEY, services)
    events.store_transcript(put_answer(services, recording_id, spoken()), services)
    recording = f"/recordings/{recording_id}"
    textgrid = f"{recording}/transcript?format=textgrid"
    targets = [
        *(f"{recording}/transcript?format={name}" for name in ("json", *EXPORTS)),
        *(f"{textgrid}&redirect=no", recording, "/recordings?limit=100"),
        "/search?q=%E4%B8%80&limit=20",
    ]
    answers = {}

    for target in targets:
        began = time.process_time()
        answers[target] = ask(target, by=ADMINISTRATOR)

        assert answers[target].status in (200, 302), target
        assert len(json.dumps(answers[target].body.decode())) < LAMBDA_BYTES, target
        assert time.process_time() - began < GATEWAY_S, target

    key = keys.features(recording_id, "transcript.TextGrid")
    assert key in answers[textgrid].headers["Location"]
    assert key in answers[f"{textgrid}&redirect=no"].json["url"]
    body = boto3.client("s3").get_object(Bucket=services.results.bucket, Key=key)["Body"].read()
    assert body.decode().count("intervals [") > WORDS
    assert key in ask(recording, method="DELETE").json["removed"]["objects"]
