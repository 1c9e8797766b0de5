"""The work of one transcription job: fetch the media, recognise it, write the outputs."""

import json
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.core import keys
from chalicelib.core.speech.output import document, subtitles
from chalicelib.core.speech.recogniser import Recognition
from chalicelib.errors import EarshotError
from local.transcribe.jobs import COMPLETED, FAILED, Job, language_code
from local.transcribe.requests import NO_WRITE_ACCESS
from local.transcribe.worker import Finished, RecogniserProcess, Request

_NO_READ_ACCESS = (
    "The S3 URI that you provided can't be accessed. "
    "Make sure that you have read permission and try your request again."
)
_SUBTITLE_TYPES = {"srt": "application/x-subrip", "vtt": "text/vtt"}

_Json = dict[str, Any]


class UnreachableError(EarshotError):
    """The media cannot be read, or the output cannot be written. The message is the service's."""


def transcribe(
    job: Job,
    s3: Any,
    process: RecogniserProcess,
    *,
    account_id: str,
    on_progress: Callable[[float], None],
) -> Job:
    """Do one job and return it in its final state."""

    def progressed(done_s: float, claimed_s: float | None) -> None:
        # The progress relies on the header's duration, which may be wrong.
        on_progress(min(1.0, done_s / claimed_s) if claimed_s else 0.0)

    with tempfile.TemporaryDirectory(prefix="earshot-") as folder:
        path = Path(folder) / "media"
        bucket, key = job.media
        try:
            s3.download_file(bucket, key, str(path))
        except (ClientError, BotoCoreError) as exc:
            raise UnreachableError(_NO_READ_ACCESS) from exc
        finished = process.recognise(
            Request(
                path,
                media_format=job.parameters.get("MediaFormat"),
                sample_rate_hz=job.parameters.get("MediaSampleRateHertz"),
                language=job.language,
                by_channel=bool(job.parameters.get("Settings", {}).get("ChannelIdentification")),
            ),
            progressed,
        )
    if finished.recognition is None:
        return replace(job, status=FAILED, failure_reason=finished.reason)
    try:
        return _written(job, s3, finished, finished.recognition, account_id)
    except (ClientError, BotoCoreError) as exc:
        raise UnreachableError(NO_WRITE_ACCESS) from exc


def _written(
    job: Job, s3: Any, finished: Finished, recognition: Recognition, account_id: str
) -> Job:
    """Write the subtitles, and then the transcript, because its arrival triggers the next step."""
    bucket, key = job.output
    in_results, in_job = _identified(job, recognition)
    # Without speech there is no subtitle file, by the service's guide.
    forms = job.parameters.get("Subtitles", {}).get("Formats", ()) if recognition.words else ()
    start_index = job.parameters.get("Subtitles", {}).get("OutputStartIndex", 0)
    subtitle_keys = []
    for form in forms:
        subtitle_keys.append(f"{key.removesuffix('.json')}.{form}")
        s3.put_object(
            Bucket=bucket,
            Key=subtitle_keys[-1],
            Body=subtitles(recognition.words, form=form, start_index=start_index).encode(),
            ContentType=_SUBTITLE_TYPES[form],
        )
    transcript = document(
        recognition,
        job_name=job.name,
        account_id=account_id,
        identified=in_results,
        speaker_labels=bool(job.parameters.get("Settings", {}).get("ShowSpeakerLabels")),
    )
    s3.put_object(
        Bucket=bucket,
        Key=key,
        Body=json.dumps(transcript, ensure_ascii=False).encode(),
        ContentType="application/json",
        Metadata={keys.HEARD_BY: finished.heard_by},
    )
    fields = in_job | {
        "MediaFormat": finished.media_format,
        "MediaSampleRateHertz": finished.sample_rate_hz,
    }
    outcome = {
        "fields": fields,
        "subtitle_keys": subtitle_keys,
        "duration_s": recognition.duration_s,
    }
    return replace(job, status=COMPLETED, outcome=outcome)


def _identified(job: Job, recognition: Recognition) -> tuple[_Json, _Json]:
    """Return the fields that language identification adds to the results and to the job."""
    code = job.parameters.get("LanguageCode")
    if code:
        return {}, {}
    code = language_code(recognition.language, job.parameters)
    score = recognition.language_score
    if job.parameters.get("IdentifyMultipleLanguages"):
        duration_s = round(recognition.duration_s, 2)
        in_results = [{"language_code": code, "duration_in_seconds": str(duration_s)}]
        in_job = [{"LanguageCode": code, "DurationInSeconds": duration_s}]
        return {"language_codes": in_results}, {"LanguageCodes": in_job}
    scores = [{"score": str(round(score, 4)), "code": code}]
    return (
        {"language_code": code, "language_identification": scores},
        {"LanguageCode": code, "IdentifiedLanguageScore": score},
    )
