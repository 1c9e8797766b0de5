"""MediaConvert's checks of a request: botocore's model of the service, and a few rules."""

import json
from collections.abc import Iterator
from functools import cache
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote

import botocore.session
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from chalicelib.errors import EarshotError

ROOT = "/2017-08-29/"
"""The start of every path of the API."""

CONTAINERS = {"H_264": "MP4", "MP3": "RAW", "GIF": "GIF", "FRAME_CAPTURE": "RAW"}
"""The codecs that local mode encodes, and the container that each codec needs."""

_ROUTES = {
    ("POST", "jobs"): "CreateJob",
    ("GET", "jobs"): "ListJobs",
    ("GET", "jobs/"): "GetJob",
    ("DELETE", "jobs/"): "CancelJob",
    ("POST", "endpoints"): "DescribeEndpoints",
}
_SOUND_SETTINGS = {"AAC": "AacSettings", "MP3": "Mp3Settings"}
_Json = dict[str, Any]


class RefusedError(EarshotError):
    """The service answers with an error. ``code`` is the exception's name in its API."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def bad_request(message: str) -> RefusedError:
    """Return the error for a request that is wrong in itself."""
    return RefusedError(HTTPStatus.BAD_REQUEST, "BadRequestException", message)


def not_found(message: str) -> RefusedError:
    """Return the error for a request for something that does not exist."""
    return RefusedError(HTTPStatus.NOT_FOUND, "NotFoundException", message)


@cache
def service_model() -> ServiceModel:
    """Return botocore's model of the service, which the SDKs themselves use."""
    return botocore.session.get_session().get_service_model("mediaconvert")


def parse(method: str, path: str, query: str, body: bytes) -> tuple[str, _Json]:
    """Return the requested operation, and its parameters with the model's names."""
    resource, slash, identifier = path.removeprefix(ROOT).partition("/")
    operation = _ROUTES.get((method, resource + slash))
    if operation is None:
        raise not_found(f"Local mode has no {method} {path}.")
    wire: _Json = dict(parse_qsl(query))
    if method == "POST":
        wire = _read(body)
    elif identifier:
        wire = {"id": unquote(identifier)}
    shape: Any = service_model().operation_model(operation).input_shape
    if "maxResults" in wire and str(wire["maxResults"]).isdecimal():
        wire["maxResults"] = int(wire["maxResults"])
    faults: list[str] = []
    parameters: _Json = _from_wire(wire, shape, "", faults)
    report = ParamValidator().validate(parameters, shape)
    if report.has_errors():
        faults.append(report.generate_report())
    if operation == "CreateJob" and not faults:
        faults += _broken_rules(parameters["Settings"])
    if faults:
        raise bad_request("; ".join(faults))
    return operation, parameters


def to_wire(value: Any, shape: Any) -> Any:
    """Return a value of the model with its JSON names."""
    if shape.type_name == "structure":
        return {
            shape.members[name].serialization.get("name", name): to_wire(inner, shape.members[name])
            for name, inner in value.items()
        }
    if shape.type_name == "list":
        return [to_wire(inner, shape.member) for inner in value]
    if shape.type_name == "map":
        return {name: to_wire(inner, shape.value) for name, inner in value.items()}
    return value


def _read(body: bytes) -> _Json:
    try:
        wire = json.loads(body or b"{}")
    except ValueError as exc:
        raise bad_request("The request is not JSON.") from exc
    if not isinstance(wire, dict):
        raise bad_request("The request is not a JSON object.")
    return wire


def _from_wire(value: Any, shape: Any, path: str, faults: list[str]) -> Any:
    """Return a JSON value with the model's names, and note each error in it."""
    if shape.type_name == "structure" and isinstance(value, dict):
        names = {member.serialization.get("name", n): n for n, member in shape.members.items()}
        faults += [f"{path}/{name} is not a property" for name in value if name not in names]
        return {
            names[name]: _from_wire(inner, shape.members[names[name]], f"{path}/{name}", faults)
            for name, inner in value.items()
            if name in names and inner is not None
        }
    if shape.type_name == "list" and isinstance(value, list):
        return [
            _from_wire(inner, shape.member, f"{path}/{i}", faults) for i, inner in enumerate(value)
        ]
    if shape.type_name == "map" and isinstance(value, dict):
        return {
            name: _from_wire(inner, shape.value, f"{path}/{name}", faults)
            for name, inner in value.items()
        }
    enum, most = shape.metadata.get("enum"), shape.metadata.get("max")
    if enum and value not in enum:
        faults.append(f"{path} is {value!r}; it must be one of {', '.join(enum)}")
    if most is not None and isinstance(value, int) and value > most:
        faults.append(f"{path} is {value}; it must be {most} at most")
    return value


def _broken_rules(settings: _Json) -> Iterator[str]:
    """Yield errors that the model does not know: the service's rules, and local mode's limits."""
    groups = settings.get("OutputGroups") or []
    if len(settings.get("Inputs") or []) != 1:
        yield "/settings/inputs: local mode takes exactly one input"
    if not groups:
        yield "/settings/outputGroups: there must be one at least"
    codecs = set()
    for i, group in enumerate(groups):
        place = f"/settings/outputGroups/{i}"
        settings_of = group.get("OutputGroupSettings") or {}
        destination = (settings_of.get("FileGroupSettings") or {}).get("Destination", "")
        if settings_of.get("Type") != "FILE_GROUP_SETTINGS" or not destination.startswith("s3://"):
            yield f"{place}: local mode writes file groups with an s3:// destination"
        outputs = group.get("Outputs") or []
        if not outputs:
            yield f"{place}/outputs: there must be one at least"
        if len(outputs) > 1 and not all(output.get("NameModifier") for output in outputs):
            yield f"{place}/outputs: each output needs a nameModifier, as there are several"
        for j, output in enumerate(outputs):
            yield from _broken_output_rules(output, f"{place}/outputs/{j}")
            codecs.add(codec_of(output))
    if codecs == {"FRAME_CAPTURE"}:
        yield "/settings/outputGroups: captured frames need another output beside them"


def codec_of(output: _Json) -> str | None:
    """Return the codec of an output's picture, or of its sound if it has no picture."""
    described = output.get("VideoDescription") or (output.get("AudioDescriptions") or [{}])[0]
    codec = (described.get("CodecSettings") or {}).get("Codec")
    return str(codec) if codec else None


def _broken_output_rules(output: _Json, place: str) -> Iterator[str]:
    codec = codec_of(output)
    if codec not in CONTAINERS:
        yield f"{place}: local mode does not encode {codec}"
        return
    if (output.get("ContainerSettings") or {}).get("Container") != CONTAINERS[codec]:
        yield f"{place}/containerSettings: {codec} needs {CONTAINERS[codec]}"
    sounds = output.get("AudioDescriptions") or []
    if sounds and codec in ("GIF", "FRAME_CAPTURE"):
        yield f"{place}/audioDescriptions: {codec} has no sound"
    if len(sounds) > 1:
        yield f"{place}/audioDescriptions: local mode makes one audio track"
    video = output.get("VideoDescription")
    if video is not None:
        if not video.get("Width") or not video.get("Height"):
            yield f"{place}/videoDescription: local mode needs a width and a height"
        elif video["Width"] % 2 or video["Height"] % 2:
            yield f"{place}/videoDescription: width and height must be even"
    for sound in sounds:
        chosen = (sound.get("CodecSettings") or {}).get("Codec")
        named = _SOUND_SETTINGS.get(str(chosen))
        if named is None or not (sound["CodecSettings"].get(named) or {}).get("SampleRate"):
            yield f"{place}/audioDescriptions: local mode makes AAC or MP3 of a given sample rate"
