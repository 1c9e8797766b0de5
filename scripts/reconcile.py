"""Put a stage right now: ``python -m scripts.reconcile dev``. Safe to repeat.

What the function of that name does a little of every quarter of an hour, this does to the end: it
looks at every recording that is due, and walks once through the whole bucket and the whole table.
"""

import argparse
import sys

from chalicelib.config import Settings
from chalicelib.pipeline.reconciliation import reconcile
from chalicelib.services import connect
from scripts.stage import UnknownStageError, enter


def main(arguments: list[str] | None = None) -> int:
    """Reconcile the stage that the command line names; 1 if something could not be settled."""
    parser = argparse.ArgumentParser(prog="make reconcile", description=__doc__)
    parser.add_argument("stage")
    parser.add_argument("--url", help="where local mode listens, if not on its own port")
    given = parser.parse_args(arguments)
    try:
        enter(given.stage, given.url)
    except UnknownStageError as exc:
        print(exc, file=sys.stderr)
        return 1
    services = connect(Settings.from_env())
    services.bookmark.write("", "")
    looks = walked = failures = 0
    is_round = False
    while not is_round:
        findings = reconcile(services)
        looks, walked = looks + findings.looks, walked + findings.walked
        failures += len(findings.failures)
        is_round = findings.is_round
    print(f"{looks} recordings looked at, {walked} names walked past, {failures} not settled.")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
