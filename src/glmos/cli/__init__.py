"""The shell: what a person types.

    person ──▶ cli ──▶ client ──▶ daemon

One file for each group of commands; `app` puts them together and turns every end into an exit status.
Nothing here knows the kernel, and a command imports what it needs when it runs, because a shell is
started hundreds of times a day. The first page of help is printed before anything is imported at all.
"""

import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; give the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words in (["--help"], ["-h"]):
        from glmos.cli.front import front_page

        print(front_page(), end="")
        return 0
    from glmos.cli.app import main as run

    return run(words)


__all__ = ["main"]
