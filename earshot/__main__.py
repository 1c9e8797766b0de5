"""``python -m earshot``: the command ``earshot``."""

import sys

from earshot.command import main

if __name__ == "__main__":
    sys.exit(main())
