"""Amazon Transcribe's checks of a request, and its messages for a refusal."""

import json
import re
from functools import cache
from typing import Any
from urllib.parse import unquote, urlsplit

import botocore.session
from botocore.model import ServiceModel, Shape
from botocore.validate import ParamValidator

from chalicelib.errors import EarshotError

JOB_EXISTS = "The requested job name already exists. Use a different job name."
JOB_MISSING = "The requested job couldn't be found. Check the job name and try your request again."
JOB_UNFINISHED = "The requested job has not ended. Wait until it has, and try your request again."
NO_OBJECT = (
    "The URI that you provided doesn't point to an S3 object. "
    "Make sure that the object exists and try your request again."
)
NO_WRITE_ACCESS = (
    "The specified S3 bucket can't be accessed. "
    "Make sure that you have write permission and try your request again."
)
NO_VOCABULARY = (
    "The requested vocabulary couldn't be found. Check the vocabulary name and try your request "
    "again. In local mode TRANSCRIBE_VOCABULARY names the text file of the only one."
)
NO_REDACTION = "Local mode does not redact. Unset TRANSCRIBE_REDACTION, or use a deployed stage."
_LANGUAGE_MISSING = (
    "The language code is missing. Either add a language code or turn on language identification."
)
_LANGUAGE_TWICE = (
    "Only one of LanguageCode, IdentifyLanguage and IdentifyMultipleLanguages can be used."
)

_Json = dict[str, Any]


class RefusedError(EarshotError):
    """The service answers with an error. ``code`` is the exception's name in its API."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def bad_request(message: str) -> RefusedError:
    """Return the error for most wrong requests."""
    return RefusedError("BadRequestException", message)


@cache
def service_model() -> ServiceModel:
    """Return botocore's model of the service, which the SDKs themselves use."""
    return botocore.session.get_session().get_service_model("transcribe")


def parse(operation: str, body: bytes) -> _Json:
    """Return a request's parameters, or raise RefusedError."""
    try:
        parameters = json.loads(body or b"{}")
    except ValueError as exc:
        raise RefusedError("SerializationException", "The request is not JSON.") from exc
    if not isinstance(parameters, dict):
        raise RefusedError("SerializationException", "The request is not a JSON object.")
    shape: Any = service_model().operation_model(operation).input_shape
    report = ParamValidator().validate(parameters, shape)
    if report.has_errors():
        raise bad_request(report.generate_report())
    faults = _constraint_faults(parameters, shape, "")
    if faults:
        plural = "s" if len(faults) > 1 else ""
        raise bad_request(f"{len(faults)} validation error{plural} detected: {'; '.join(faults)}")
    if operation == "StartTranscriptionJob":
        _check_rules(parameters)
    return parameters


def media_location(uri: str) -> tuple[str, str]:
    """Return the bucket and key that a media URI names.

    The key of an ``s3://`` address is used as it is, with any characters; the key of an
    ``https://`` address is percent-decoded.
    """
    if uri.startswith("s3://"):
        bucket, _, key = uri.removeprefix("s3://").partition("/")
    else:
        url = urlsplit(uri)
        bucket, _, key = unquote(url.path).removeprefix("/").partition("/")
        hosted = re.match(r"(.+?)\.s3[.-]", url.netloc)
        if hosted:
            bucket, key = hosted[1], unquote(url.path).removeprefix("/")
    if not bucket or not key:
        raise bad_request(NO_OBJECT)
    return bucket, key


def output_key(parameters: _Json) -> str:
    """Return the bucket and key of the transcript. A key without ``.json`` is a folder."""
    key = str(parameters.get("OutputKey", ""))
    if key.endswith(".json"):
        return key
    folder = key if not key or key.endswith("/") else f"{key}/"
    return f"{folder}{parameters['TranscriptionJobName']}.json"


def _constraint_faults(value: Any, shape: Any, path: str) -> list[str]:
    """Return errors of patterns, enumerations and maxima, which botocore does not check."""
    faults: list[str] = []
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            if value.get(name) is not None:
                where = f"{path}.{_lower(name)}".lstrip(".")
                faults += _constraint_faults(value[name], member, where)
    elif shape.type_name == "list":
        for i, element in enumerate(value, 1):
            faults += _constraint_faults(element, shape.member, f"{path}.{i}.member")
    elif (needed := _broken_constraint(value, shape)) is not None:
        faults.append(
            f"Value '{value}' at '{path}' failed to satisfy constraint: Member must {needed}"
        )
    return faults


def _broken_constraint(value: Any, shape: Shape) -> str | None:
    metadata = shape.metadata
    if shape.type_name == "string":
        if metadata.get("enum") and value not in metadata["enum"]:
            return f"satisfy enum value set: [{', '.join(metadata['enum'])}]"
        if "max" in metadata and len(value) > metadata["max"]:
            return f"have length less than or equal to {metadata['max']}"
        pattern = metadata.get("pattern")
        # The service matches the whole value, even if its pattern has no anchors.
        if pattern and not re.fullmatch(pattern, value):
            return f"satisfy regular expression pattern: {pattern}"
    elif shape.type_name == "integer" and "max" in metadata and value > metadata["max"]:
        return f"have value less than or equal to {metadata['max']}"
    return None


def _check_rules(parameters: _Json) -> None:
    """Check the rules that are in the service's documentation only."""
    if parameters["TranscriptionJobName"] in {".", ".."}:
        raise bad_request("You can't use the strings '.' or '..' by themselves as the job name.")
    languages = [
        name
        for name in ("LanguageCode", "IdentifyLanguage", "IdentifyMultipleLanguages")
        if parameters.get(name)
    ]
    if not languages:
        raise bad_request(_LANGUAGE_MISSING)
    if len(languages) > 1:
        raise bad_request(_LANGUAGE_TWICE)
    if not parameters["Media"].get("MediaFileUri"):
        raise bad_request("Media.MediaFileUri is missing.")
    if "OutputBucketName" not in parameters:
        raise bad_request(
            "OutputBucketName is missing. Local mode has no bucket of the service's own."
        )
    _check_settings(parameters.get("Settings", {}))


def _check_settings(settings: _Json) -> None:
    pairs = (
        ("ShowSpeakerLabels", "MaxSpeakerLabels"),
        ("ShowAlternatives", "MaxAlternatives"),
        ("VocabularyFilterName", "VocabularyFilterMethod"),
    )
    for one, other in pairs:
        if bool(settings.get(one)) != bool(settings.get(other)):
            raise bad_request(f"Settings.{one} and Settings.{other} must be used together.")
    if settings.get("ShowSpeakerLabels") and settings.get("ChannelIdentification"):
        raise bad_request("ShowSpeakerLabels and ChannelIdentification can't be used together.")


def _lower(name: str) -> str:
    return name[0].lower() + name[1:]
