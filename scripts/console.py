"""Output of a deployment: its steps, its progress, and one sentence if it has to stop."""

import sys
from collections.abc import Callable
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError


class CommandError(Exception):
    """A command cannot do what it was asked for. The message says why, and what to do."""


class DeploymentError(Exception):
    """The deployment cannot continue. The message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a deployment: a title, and the work, which returns its outcome."""

    title: str
    work: Callable[[], str]


def run(steps: list[Step], *, again: str) -> int:
    """Run steps in order and return the exit status; ``again`` is the command that resumes."""
    for number, step in enumerate(steps, 1):
        print(f"[{number}/{len(steps)}] {step.title} ...", flush=True)
        try:
            outcome = step.work()
        except (DeploymentError, BotoCoreError, ClientError) as exc:
            print(f"\nStopped: {exc}", file=sys.stderr)
            print(f"Nothing is lost. Solve this, then run `{again}` to continue.", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print(f"\nInterrupted. Run `{again}` to continue from here.", file=sys.stderr)
            return 130
        print(f"      {outcome}", flush=True)
    return 0


def note(text: str) -> None:
    """Print a line within a step."""
    print(f"      {text}", flush=True)
