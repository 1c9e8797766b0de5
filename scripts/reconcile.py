"""Reconcile a stage completely: ``python -m scripts.reconcile dev``. Safe to repeat.

The function ``reconcile`` does a part of this every quarter of an hour. This command does all of
it: it looks at every recording that is due, and walks once through the whole bucket and table.
"""

import sys

from chalicelib.config import Settings
from chalicelib.pipeline.reconciliation import reconcile
from chalicelib.services import connect
from scripts.stage import enter_stage


def main(arguments: list[str] | None = None) -> int:
    """Reconcile the stage that the command line names; return 1 if a look failed."""
    enter_stage("make reconcile", __doc__, arguments)
    services = connect(Settings.from_env())
    services.bookmark.write("", "")
    looks = walked = failures = 0
    is_round = False
    while not is_round:
        findings = reconcile(services)
        looks, walked = looks + findings.looks, walked + findings.walked
        failures += len(findings.failures)
        is_round = findings.is_round
    print(f"Looked at {looks} recordings, walked past {walked} names. {failures} not settled.")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
