"""Exceptions that Earshot raises on purpose."""


class EarshotError(Exception):
    """Base class of all of Earshot's exceptions."""


class MediaError(EarshotError):
    """A recording cannot be decoded or measured. The message is for the recording's owner."""


class BeyondFullScaleError(MediaError):
    """A recording has samples so large that a measure of them overflows."""

    def __init__(self) -> None:
        super().__init__("The recording has samples too far beyond full scale to be measured")


class ParameterError(EarshotError):
    """A feature parameter has an unusable value. The message says which values are allowed."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.name = name


class TranscriptFormatError(EarshotError):
    """A transcript lacks a required field, or the field has the wrong type."""

    def __init__(self, field: str) -> None:
        super().__init__(f"transcript has no usable {field!r}")
        self.field = field


class UploadChangedError(EarshotError):
    """An upload was removed or replaced while Earshot was reading it."""

    def __init__(self, key: str) -> None:
        super().__init__(f"{key!r} was removed or replaced meanwhile")
        self.key = key


class TooLargeError(EarshotError):
    """An object is too large to be read as a whole."""

    def __init__(self, n_bytes: int, most: int) -> None:
        super().__init__(f"it has {n_bytes / 1e6:.0f} MB, and at most {most / 1e6:.0f} MB are read")


class JobRejectedError(EarshotError):
    """A service refuses this request, and will always refuse it. The message is the service's."""


class ServiceBusyError(EarshotError):
    """A service's quota or rate is used up for now. A later request may succeed."""


class RecordingNotFoundError(EarshotError):
    """No recording has this id."""

    def __init__(self, recording_id: str) -> None:
        super().__init__(f"There is no recording {recording_id!r}.")
        self.recording_id = recording_id


class CursorError(EarshotError):
    """A cursor is not from a page of this list."""

    def __init__(self, cursor: str) -> None:
        super().__init__("This cursor is not from a page of this list.")
        self.cursor = cursor


class CallerError(EarshotError):
    """The caller is not allowed to do this. The message is for the caller."""


class RequestError(EarshotError):
    """A request has an unusable value. The message is for the caller."""


class NotThereError(EarshotError):
    """A part of a recording does not exist, or not yet. The message says which and why."""


class SourceClosedError(NotThereError):
    """An original is in a bucket that the stage's settings do not name (any more)."""

    def __init__(self, bucket: str) -> None:
        super().__init__(
            f"The original is in the bucket {bucket!r}, which SOURCE_BUCKETS does not name."
        )
        self.bucket = bucket


class PresetError(EarshotError, ValueError):
    """The rendition ladder has an unusable entry. The message says which, and what is allowed."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"presets.json: {name} {message}")
        self.name = name
