"""The flat item of a recording: names of its attributes in the table and in the API's answers.

The types of ``recording`` are nested, the item is flat: a branch's fields follow its name
(``features_reason``), a result's fields stand beside them (``n_frames``). The conversions in both
directions are here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, asdict, fields
from functools import cache
from typing import Any, get_args, get_type_hints

from chalicelib.core import keys
from chalicelib.core.recording import Branch, BranchState, NoticeState, Outcome, Recording, Status
from chalicelib.core.results import Measurement, Rendition, RenditionSet, Result, TranscriptSummary

KIND = "recording"
"""First part of the ``kind`` of all items; with it, two indexes list them all in order of time."""

RESULTS: Mapping[Branch, type[Any]] = {
    Branch.TRANSCRIPTION: TranscriptSummary,
    Branch.FEATURES: Measurement,
    Branch.RENDITIONS: RenditionSet,
}

# Attributes whose names are older than the names of their fields.
NAMES = {"id": "recording_id", "receives": "attempts"}
GROUPED = (BranchState, NoticeState, *RESULTS.values())


@cache
def attributes() -> Mapping[str, Any]:
    """Return the type of every attribute that an item may have, by its name."""
    found: dict[str, Any] = {}
    hints = get_type_hints(Recording)
    for one in _plain_fields():
        found[NAMES.get(one.name, one.name)] = hints[one.name]
    for branch in Branch:
        found |= {
            _branch_name(branch, name): hint for name, hint in get_type_hints(BranchState).items()
        }
        found |= get_type_hints(RESULTS[branch])
    for outcome in Outcome:
        found |= {
            _notice_name(outcome, name): hint for name, hint in get_type_hints(NoticeState).items()
        }
    return found


@cache
def required() -> tuple[str, ...]:
    """Return the attributes that every item has."""
    statuses = [branch.value for branch in Branch]
    return (*(NAMES.get(one.name, one.name) for one in _plain_fields(required=True)), *statuses)


def flat(recording: Recording) -> dict[str, Any]:
    """Return a recording's item. Unknown and false values have no attribute."""
    whole: dict[str, Any] = {"JsonFile": keys.transcript(recording.id), "kind": KIND}
    for one in _plain_fields():
        whole[NAMES.get(one.name, one.name)] = _shown(getattr(recording, one.name))
    for branch in Branch:
        whole |= of_state(branch, recording.state(branch))
    for outcome in Outcome:
        whole |= of_notice(outcome, recording.notice(outcome))
    for result in (recording.transcript, recording.measurement, recording.rendered):
        if result:
            whole |= of_result(result)
    return {name: value for name, value in whole.items() if value is not None}


def of_state(branch: Branch, state: BranchState) -> dict[str, Any]:
    """Return the attributes of a branch's state; None means that the item must not have it."""
    return {
        attribute: _shown(getattr(state, name) or None)
        for name, attribute in _names(BranchState, branch)
    }


def outcome_names(branch: Branch) -> frozenset[str]:
    """Return the attributes of a branch's state that every change of status writes."""
    return frozenset(_branch_name(branch, name) for name in ("status", "reason", "at", "internal"))


def attempt_name(branch: Branch) -> str:
    """Return the attribute of a branch's attempt."""
    return _branch_name(branch, "attempt")


def of_notice(outcome: Outcome, state: NoticeState) -> dict[str, Any]:
    """Return the attributes of a notice's state; None means that the item must not have it."""
    return {attribute: getattr(state, name) for name, attribute in _names(NoticeState, outcome)}


def of_result(result: Result) -> dict[str, Any]:
    """Return the attributes of a result; None means that the item must not have it."""
    shown = {one.name: _shown(getattr(result, one.name)) for one in fields(result)}
    if isinstance(result, RenditionSet) and result.duration_s is None:
        del shown["duration_s"]  # the measurement's, if there is one
    return shown


def cleared(branch: Branch) -> dict[str, None]:
    """Return the attributes to remove when a branch's result is gone, each with None."""
    names = {one.name for one in fields(RESULTS[branch])}
    if branch == Branch.RENDITIONS:
        names.remove("duration_s")  # the measurement's, if there is one
    return dict.fromkeys(sorted(names | {"word_table_keys"}))


def restore(item: Mapping[str, Any]) -> Recording:
    """Return the recording of an item; attributes without a field are left out."""
    states = {branch: _made(BranchState, item, branch) for branch in Branch}
    notices = {outcome: _made(NoticeState, item, outcome) for outcome in Outcome}
    files = {name: Rendition(**one) for name, one in item.get("rendition_files", {}).items()}
    return Recording(
        **{
            one.name: item[NAMES.get(one.name, one.name)]
            for one in _plain_fields()
            if NAMES.get(one.name, one.name) in item
        },
        transcription=states[Branch.TRANSCRIPTION],
        features=states[Branch.FEATURES],
        renditions=states[Branch.RENDITIONS],
        transcript=_made(TranscriptSummary, item) if "transcript_key" in item else None,
        measurement=_made(Measurement, item) if "feature_keys" in item else None,
        rendered=_made(RenditionSet, {**item, "rendition_files": files}),
        notice_done=notices[Outcome.DONE],
        notice_failed=notices[Outcome.FAILED],
    )


def _made(cls: Any, item: Mapping[str, Any], group: Branch | Outcome | None = None) -> Any:
    found = {name: item[attribute] for name, attribute in _names(cls, group) if attribute in item}
    if "status" in found:
        found["status"] = Status(found["status"])
    return cls(
        **{name: tuple(one) if isinstance(one, list) else one for name, one in found.items()}
    )


@cache  # every item that is read is made of some fifty fields
def _names(cls: Any, group: Branch | Outcome | None) -> tuple[tuple[str, str], ...]:
    """Return the names of a class's fields and of their attributes."""
    names = [one.name for one in fields(cls)]
    match group:
        case Branch():
            return tuple((name, _branch_name(group, name)) for name in names)
        case Outcome():
            return tuple((name, _notice_name(group, name)) for name in names)
        case None:
            return tuple((name, name) for name in names)


@cache
def _grouped_names() -> frozenset[str]:
    return frozenset(
        name
        for name, hint in get_type_hints(Recording).items()
        if any(group in (hint, *get_args(hint)) for group in GROUPED)
    )


def _plain_fields(*, required: bool = False) -> Iterator[Field[Any]]:
    """Yield the fields of a recording that are single attributes, not groups."""
    for one in fields(Recording):
        has_default = one.default is not MISSING or one.default_factory is not MISSING
        if one.name not in _grouped_names() and not (required and has_default):
            yield one


def _branch_name(branch: Branch, name: str) -> str:
    return branch.value if name == "status" else f"{branch}_{NAMES.get(name, name)}"


def _notice_name(outcome: Outcome, name: str) -> str:
    return f"notice_{outcome}_{name}"


def _shown(value: Any) -> Any:
    """Return a value in the item's form; None means that the item must not have it."""
    if value is False or value in ((), {}):
        return None
    if isinstance(value, Mapping):
        return {
            name: asdict(one) if isinstance(one, Rendition) else one for name, one in value.items()
        }
    if isinstance(value, tuple):
        return list(value)
    return value
