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
