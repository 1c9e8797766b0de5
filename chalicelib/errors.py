"""Every exception that Earshot raises on purpose."""


class EarshotError(Exception):
    """Base class: catch this to catch all of ours."""


class MediaError(EarshotError):
    """A recording cannot be decoded or measured. The message is for the person who uploaded it."""


class ParameterError(EarshotError):
    """A feature parameter has an unusable value. The message names it and what is allowed."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.name = name


class TranscriptFormatError(EarshotError):
    """A transcript lacks a field that Earshot relies on, or has it in another shape."""

    def __init__(self, field: str) -> None:
        super().__init__(f"transcript has no usable {field!r}")
        self.field = field


class UploadChangedError(EarshotError):
    """An upload was removed or replaced while it was being read."""

    def __init__(self, key: str) -> None:
        super().__init__(f"{key!r} was removed or replaced meanwhile")
        self.key = key


class TooLargeError(EarshotError):
    """An object is larger than what can be read at once."""

    def __init__(self, n_bytes: int, most: int) -> None:
        super().__init__(f"it has {n_bytes / 1e6:.0f} MB, and at most {most / 1e6:.0f} MB are read")


class JobRejectedError(EarshotError):
    """A service will never take this request. The message is the service's own."""


class ServiceBusyError(EarshotError):
    """A service has no room for a request now: a quota or a rate is used up. It will have later."""


class RecordingNotFoundError(EarshotError):
    """There is no recording of this id."""

    def __init__(self, recording_id: str) -> None:
        super().__init__(f"There is no recording {recording_id!r}.")
        self.recording_id = recording_id


class CursorError(EarshotError):
    """A cursor is not one that a page ended with."""

    def __init__(self, cursor: str) -> None:
        super().__init__("This cursor is not one that a page of this list ended with.")
        self.cursor = cursor


class CallerError(EarshotError):
    """Whoever asks may not ask this. The message is for them."""


class RequestError(EarshotError):
    """A request asks for something in an unusable way. The message is for whoever sent it."""


class NotThereError(EarshotError):
    """There is no such part of a recording, or not yet. The message says which and why."""


class PresetError(EarshotError, ValueError):
    """The rendition ladder has an unusable entry. The message names it and what is allowed."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"presets.json: {name} {message}")
        self.name = name
