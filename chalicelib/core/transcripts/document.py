"""Checked reading of a JSON document that another program has written."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from chalicelib.errors import TranscriptFormatError


@dataclass(frozen=True, slots=True)
class Entry:
    """One object of a document, and its path in the document, which every error names.

    Each method reads one field, and raises TranscriptFormatError if the type is wrong.
    A field that is null counts as missing.
    """

    values: Mapping[str, Any]
    place: str

    @classmethod
    def of(cls, value: object, place: str) -> Self:
        """Return the entry of a value that must be an object."""
        if not isinstance(value, Mapping):
            raise TranscriptFormatError(place)
        return cls(value, place)

    def error(self, name: str) -> TranscriptFormatError:
        """Return the error for one field of this object."""
        return TranscriptFormatError(f"{self.place}.{name}")

    def has(self, name: str) -> bool:
        """Return whether the object has a field."""
        return self.values.get(name) is not None

    def entry(self, name: str) -> Self:
        """Return an object; a missing one is empty."""
        value = self.values[name] if self.has(name) else {}
        return self.of(value, f"{self.place}.{name}")

    def entries(self, name: str) -> list[Self]:
        """Return the objects of a list; a missing one is empty."""
        return [
            self.of(value, f"{self.place}.{name}[{index}]")
            for index, value in enumerate(self._list(name))
        ]

    def text(self, name: str) -> str:
        """Return a string that can be written as UTF-8."""
        value = self.values.get(name)
        if not isinstance(value, str):
            raise self.error(name)
        try:
            value.encode()
        except UnicodeEncodeError as exc:
            raise self.error(name) from exc
        return value

    def optional_text(self, name: str) -> str | None:
        """Return a string, or None if it is missing or empty."""
        return (self.text(name) or None) if self.has(name) else None

    def number(self, name: str) -> float:
        """Return a finite number, written as a number or as a string."""
        value = self.values.get(name)
        if not isinstance(value, str | int | float) or isinstance(value, bool):
            raise self.error(name)
        try:
            number = float(value)
        except (ValueError, OverflowError) as exc:
            raise self.error(name) from exc
        if not math.isfinite(number):
            raise self.error(name)
        return number

    def optional_integer(self, name: str) -> int | None:
        """Return a whole number, or None if it is missing."""
        value = self.values.get(name)
        if value is not None and not isinstance(value, int):
            raise self.error(name)
        return value

    def integers(self, name: str) -> list[int]:
        """Return a list of whole numbers; a missing one is empty."""
        values = self._list(name)
        if not all(isinstance(value, int) for value in values):
            raise self.error(name)
        return values

    def _list(self, name: str) -> list[Any]:
        value = self.values[name] if self.has(name) else []
        if not isinstance(value, list):
            raise self.error(name)
        return value
