"""The daemon's client: a `ports.System` on the other side of a socket, and starting the daemon when it is not there.

    cli, programs ──▶ RemoteSystem ──exchange──▶ HOME/glmosd.sock ──▶ daemon

It is imported by every command, so it must be quick: anyio, h11 and msgspec only, and nothing of the
system behind the socket.
"""

from glmos.client.exchange import DaemonAbsent, DaemonGone
from glmos.client.launch import ensure_daemon, hello
from glmos.client.remote import RemoteSystem

__all__ = ["DaemonAbsent", "DaemonGone", "RemoteSystem", "ensure_daemon", "hello"]
