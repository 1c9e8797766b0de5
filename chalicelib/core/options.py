"""Options read from text and checked, each with its range or its choices."""

import math
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Self, get_args

from chalicelib.errors import ParameterError

YES = {"true", "yes", "on", "1"}
NO = {"false", "no", "off", "0"}


def option(
    default: Any,
    *,
    low: float = -math.inf,
    high: float = math.inf,
    choices: tuple[Any, ...] = (),
) -> Any:
    """Return a field of `Options`: its default, and a range or the values that it may have."""
    return field(default=default, metadata={"low": low, "high": high, "choices": choices})


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of one table; a subclass has a field for each, made by `option`.

    In settings and metadata an option's name is the table's, an underscore, and the field's:
    ``logmel_n_mels`` is ``n_mels`` of the table ``logmel``.

    Raises
    ------
    ParameterError
        if a value is out of its range, or not among its choices
    """

    table: ClassVar[str]

    def __post_init__(self) -> None:
        for one in fields(self):
            value, allowed = getattr(self, one.name), one.metadata
            if value is None and types.NoneType in get_args(one.type):
                continue
            if allowed["choices"] and value not in allowed["choices"]:
                *first, last = map(str, allowed["choices"])
                listed = f"{', '.join(first)} or {last}" if first else last
                raise self.error(one.name, f"{value!r} is not {listed}")
            if isinstance(value, int | float) and not allowed["low"] <= value <= allowed["high"]:
                raise self.error(
                    one.name, f"{value:g} is not between {allowed['low']:g} and {allowed['high']:g}"
                )

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return the names of the options in settings and metadata."""
        return tuple(f"{cls.table}_{one.name}" for one in fields(cls))

    @classmethod
    def read(cls, texts: Mapping[str, str]) -> Self:
        """Read options from text by their names in settings; other names are ignored."""
        values = {}
        for one in fields(cls):
            name = f"{cls.table}_{one.name}"
            if name in texts:
                values[one.name] = reader(one.type)(name, texts[name])
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Return the values by their names in settings."""
        return {f"{self.table}_{one.name}": getattr(self, one.name) for one in fields(self)}

    def error(self, name: str, message: str) -> ParameterError:
        """Return an error about an option, by its name in settings."""
        return ParameterError(f"{self.table}_{name}", message)


def reader(kind: Any) -> Callable[[str, str], Any]:
    """Return a function that reads a value of a type from text; the type may allow None."""
    if types.NoneType in get_args(kind):
        (kind,) = (one for one in get_args(kind) if one is not types.NoneType)
        return or_none(_READERS[kind], {"none"})
    return _READERS[kind]


def whole(name: str, text: str) -> int:
    """Read a whole number."""
    try:
        return int(text)
    except ValueError as exc:
        raise ParameterError(name, f"{text!r} is not a whole number") from exc


def number(name: str, text: str) -> float:
    """Read a finite number."""
    try:
        value = float(text)
    except ValueError as exc:
        raise ParameterError(name, f"{text!r} is not a number") from exc
    if not math.isfinite(value):
        raise ParameterError(name, f"{text!r} is not a finite number")
    return value


def switch(name: str, text: str) -> bool:
    """Read true or false."""
    if text.lower() in YES:
        return True
    if text.lower() in NO:
        return False
    raise ParameterError(name, f"{text!r} is neither 'true' nor 'false'")


def choice(_name: str, text: str) -> str:
    """Read a word, in small letters."""
    return text.lower()


def names(_name: str, text: str) -> tuple[str, ...]:
    """Read words with commas between them, each once, in small letters."""
    named = {part.strip().lower(): None for part in text.split(",") if part.strip()}
    return tuple(named)


def or_none(read: Callable[[str, str], Any], nones: set[str]) -> Callable[[str, str], Any]:
    """Return a function that reads a value, or one of some words as None."""
    return lambda name, text: None if text.lower() in nones else read(name, text)


_READERS: dict[Any, Callable[[str, str], Any]] = {
    bool: switch,
    int: whole,
    float: number,
    str: choice,
    tuple[str, ...]: names,
}
