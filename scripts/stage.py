"""The environment of a stage's functions, for commands that do the functions' work here."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from scripts.record_outputs import read_config

PROJECT = Path(__file__).resolve().parents[1]
LOCAL = "local"
LOCAL_URL = "http://127.0.0.1:4747"


def enter_stage(
    command: str,
    description: str | None,
    arguments: Sequence[str] | None,
    *,
    names: Sequence[str] = (),
) -> argparse.Namespace:
    """Read a command line, and set the environment of the functions of the stage that it names.

    The stage is a deployed one, or ``local`` for the local mode that runs at ``--url``. If the
    stage was not deployed from here, the process prints a sentence and ends with status 1.

    Parameters
    ----------
    names : sequence of str
        further arguments, after the stage

    Returns
    -------
    argparse.Namespace
        ``stage``, ``url`` and an attribute for each of ``names``
    """
    parser = argparse.ArgumentParser(prog=command, description=description)
    for name in ("stage", *names):
        parser.add_argument(name)
    return enter(parser, arguments)


def enter(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> argparse.Namespace:
    """Do the same with a given parser, which must have an argument ``stage``."""
    parser.add_argument("--url", default=LOCAL_URL, help="address of local mode")
    given = parser.parse_args(arguments)
    if given.stage == LOCAL:
        from local import stack  # noqa: PLC0415  # only local mode needs this package

        stack.isolate(given.url)
        os.environ |= stack.environment()
        return given
    variables = read_config(PROJECT)["stages"].get(given.stage, {}).get("environment_variables", {})
    if "MEDIA_BUCKET_NAME" not in variables:
        stage = given.stage
        parser.exit(1, f"There is no stage {stage!r}. Run `make deploy STAGE={stage}` first.\n")
    os.environ |= variables
    return given
