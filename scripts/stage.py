"""The environment that a stage's functions have, for commands that do their work here."""

import os
from pathlib import Path

from scripts.record_outputs import read_config

PROJECT = Path(__file__).resolve().parents[1]
LOCAL = "local"
LOCAL_URL = "http://127.0.0.1:4747"


class UnknownStageError(LookupError):
    """There is no stage of this name. The message says how to make one."""


def enter(stage: str, url: str | None = None) -> None:
    """Set the environment of a stage that is deployed, or of the local mode that runs at ``url``.

    Raises
    ------
    UnknownStageError
        if the stage has not been deployed from here
    """
    if stage == LOCAL:
        # Only this stage needs what local mode is made of.
        from local import stack  # noqa: PLC0415

        stack.isolate(url or LOCAL_URL)
        os.environ |= stack.environment()
        return
    variables = read_config(PROJECT)["stages"].get(stage, {}).get("environment_variables", {})
    if "MEDIA_BUCKET_NAME" not in variables:
        raise UnknownStageError(
            f"There is no stage {stage!r}: `make deploy STAGE={stage}` makes it."
        )
    os.environ |= variables
