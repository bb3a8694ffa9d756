"""`python -m glmos` is the command line."""

import sys

from glmos.cli import main

if __name__ == "__main__":
    sys.exit(main())
