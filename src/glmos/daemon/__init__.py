"""glmosd: the one owner of a home, serving it to clients over a private Unix socket.

    client ──HTTP/1.1 on HOME/glmosd.sock──▶ routes ──▶ ports.System (boot)

Above it: nothing; `cli` and `client` only know the protocol in `abi.wire`. Below it: `boot`, which builds
the system and takes the home's lock.
"""

from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the daemon until it is told to stop or has been idle for long enough; give its exit status."""
    from glmos.daemon.__main__ import main as run  # the server is a heavy import

    return run(argv)


__all__ = ["main"]
