"""The shell: what a person types.

    person ──▶ cli ──▶ client ──▶ daemon

One file for each group of commands; `app` puts them together and turns every end into an exit status.
Nothing here knows the kernel, and a command imports what it needs when it runs, because a shell is
started hundreds of times a day.
"""

from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; give the exit status."""
    from glmos.cli.app import main as run

    return run(argv)


__all__ = ["main"]
