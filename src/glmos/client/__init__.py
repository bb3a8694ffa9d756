"""The daemon's client: a `ports.System` on the other side of a socket, and starting the daemon when it is not there.

    cli, programs ──▶ RemoteSystem ──exchange──▶ HOME/glmosd.sock ──▶ daemon
    glmos ps ────────▶ direct, without an event loop ──▶ the same socket

It is imported by every command, so it must be quick: anyio, h11 and msgspec only, nothing of the system behind the
socket, and each part when it is first used.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from glmos.client.launch import ensure_daemon as ensure_daemon
    from glmos.client.launch import hello as hello
    from glmos.client.problems import DaemonAbsent as DaemonAbsent
    from glmos.client.problems import DaemonGone as DaemonGone
    from glmos.client.remote import RemoteSystem as RemoteSystem

__all__ = ["DaemonAbsent", "DaemonGone", "RemoteSystem", "ensure_daemon", "hello"]

_PLACES = {
    "DaemonAbsent": "problems",
    "DaemonGone": "problems",
    "RemoteSystem": "remote",
    "ensure_daemon": "launch",
    "hello": "launch",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'glmos.client' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"glmos.client.{_PLACES[name]}"), name)
