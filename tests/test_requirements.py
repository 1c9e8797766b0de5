"""Every installed package is locked, by version and by hash."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GROUPS = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
DEPLOYED = ROOT / "requirements.txt"
LOCKS = [DEPLOYED, *sorted((ROOT / "requirements").glob("*.txt"))]
PIN = re.compile(r"^([\w.-]+)(?:\[[^]]*\])?==([^\s;]+)((?:[^\n]*\\\n)*[^\n]*)", re.MULTILINE)


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(path: Path) -> set[tuple[str, str]]:
    return {(normal(name), version) for name, version, _ in PIN.findall(path.read_text())}


def asked(group: str) -> Iterator[str]:
    for entry in GROUPS[group]:
        if isinstance(entry, dict):
            yield from asked(entry["include-group"])
        else:
            yield entry


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_lock_fits_its_group(lock):
    group = "deployed" if lock == DEPLOYED else lock.stem
    wanted = {(normal(name), version) for name, version, _ in PIN.findall("\n".join(asked(group)))}

    assert len(wanted) == len(set(asked(group)))
    assert wanted - pins(lock) == set(), "run `make lock`"


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_package_is_locked_with_a_hash(lock):
    found = PIN.findall(lock.read_text())

    assert found
    assert [name for name, _, rest in found if "--hash=sha256:" not in rest] == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_no_lock_names_a_registry(lock):
    assert not re.search(r"https?:|-index|find-links", lock.read_text())


def test_the_deployed_versions_are_the_tested_versions():
    tested = pins(ROOT / "requirements/dev.txt")

    assert pins(DEPLOYED) | pins(ROOT / "requirements/media.txt") <= tested
