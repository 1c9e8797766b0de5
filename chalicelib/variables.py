"""The values of environment variables: each is read by a rule, or refused."""

import re
from collections.abc import Mapping

CONCURRENCIES = range(2, 1001)  # Lambda's bounds for a queue's MaximumConcurrency
HOURS = re.compile(r"[0-9]{1,6}(\.[0-9]{1,3})?")


class SettingError(ValueError):
    """An environment variable is missing or has an unusable value."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name} {message}")
        self.name = name


def required(environ: Mapping[str, str], name: str) -> str:
    """Return the value of a variable that must be set."""
    if not environ.get(name):
        raise SettingError(name, "is not set")
    return environ[name]


def listed(text: str) -> tuple[str, ...]:
    """Split ``a,b`` at its commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def choice(environ: Mapping[str, str], name: str, choices: frozenset[str]) -> str:
    """Return one of some values, or an empty text if the variable is not set."""
    value = environ.get(name, "")
    if value and value not in choices:
        raise SettingError(name, f"must be one of {', '.join(sorted(choices))}, not {value!r}")
    return value


def is_yes(environ: Mapping[str, str], name: str) -> bool:
    """Return whether the value is ``yes``, and not ``no`` or nothing."""
    return choice(environ, name, frozenset({"yes", "no"})) == "yes"


def number(environ: Mapping[str, str], name: str, bounds: range) -> int:
    """Return an integer within bounds, or 0 for none."""
    text = environ.get(name) or "0"
    if text == "0":
        return 0
    if not text.isdecimal() or int(text) not in bounds:
        raise SettingError(name, f"must be 0 (none) or {bounds[0]} to {bounds[-1]}, not {text!r}")
    return int(text)


def hours(environ: Mapping[str, str], name: str) -> float:
    """Return hours, such as ``8`` or ``0.5``; 0 is no limit."""
    text = environ.get(name) or "0"
    if not HOURS.fullmatch(text):
        raise SettingError(name, f"must be hours such as 8 or 0.5, 0 for no limit, not {text!r}")
    return float(text)


def concurrency(environ: Mapping[str, str], name: str, default: int) -> int:
    """Return how many messages of a queue are worked on at once."""
    text = environ.get(name) or str(default)
    if not text.isdecimal() or int(text) not in CONCURRENCIES:
        raise SettingError(name, f"must be 2 to 1000 recordings at once, not {text!r}")
    return int(text)


def by_language(
    environ: Mapping[str, str], name: str, languages: tuple[str, ...]
) -> Mapping[str, str]:
    """Read one name for one language, or ``de-DE=names,en-US=others`` for several languages."""
    text = environ.get(name, "")
    if not text:
        return {}
    if "=" in text:
        pairs = [part.partition("=") for part in listed(text)]
        return {code.strip(): value.strip() for code, _, value in pairs}
    if len(languages) != 1:
        raise SettingError(
            name,
            f"is {text!r}, but there is not exactly one language: name one for each, as in "
            "de-DE=names,en-US=others",
        )
    return {languages[0]: text}


def tags(environ: Mapping[str, str], name: str) -> Mapping[str, str]:
    """Read ``study=a,place=b``."""
    pairs = [part.partition("=") for part in listed(environ.get(name, ""))]
    for key, equals, _ in pairs:
        if not equals:
            raise SettingError(name, f"must be tags such as study=a,place=b, not {key!r}")
    return {key.strip(): value.strip() for key, _, value in pairs}
