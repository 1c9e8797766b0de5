"""The environment of a stage's functions, for commands that do the functions' work here."""

import os
from pathlib import Path

from scripts.record_outputs import read_config

PROJECT = Path(__file__).resolve().parents[1]
LOCAL = "local"
LOCAL_URL = "http://127.0.0.1:4747"


class UnknownStageError(LookupError):
    """There is no stage of this name. The message says how to make one."""


def enter(stage: str, url: str | None = None) -> None:
    """Set the environment of a deployed stage, or of the local mode that runs at ``url``.

    Raises
    ------
    UnknownStageError
        if the stage has not been deployed from here
    """
    if stage == LOCAL:
        # Only local mode needs this package.
        from local import stack  # noqa: PLC0415  # only local mode needs this package

        stack.isolate(url or LOCAL_URL)
        os.environ |= stack.environment()
        return
    variables = read_config(PROJECT)["stages"].get(stage, {}).get("environment_variables", {})
    if "MEDIA_BUCKET_NAME" not in variables:
        raise UnknownStageError(
            f"There is no stage {stage!r}. Run `make deploy STAGE={stage}` to create it."
        )
    os.environ |= variables
