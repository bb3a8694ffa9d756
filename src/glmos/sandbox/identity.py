"""As whom the sandbox's programs run, and whose the workspace's files are.

An ordinary user's programs run as that user. Programs of a GLM-OS that runs as root run as an unused uid instead
(see `launcher`), so the files they work on must belong to it: `adopt` sees to that. Used by `program`, `bubblewrap`
and `workspaces`.
"""

import os
import pwd
import struct
from functools import cache
from pathlib import Path
from typing import NamedTuple

_UNUSED_IDS = range(60917, 61184)
"""Ids that neither distributions nor systemd give out."""
_CAP_SYS_ADMIN = 21
_MAX_DEPTH = 100
"""Deeper down there is only what programs inside have made, so it is theirs already."""


class Identity(NamedTuple):
    uid: int
    gid: int


@cache
def foreign_identity() -> Identity | None:
    """Whom programs run as when that is not the user who runs GLM-OS; None when it is.

    None for root of a container that maps no uid but root's: there root is some ordinary user in disguise.
    """
    if os.geteuid() != 0:
        return None
    for number in _UNUSED_IDS:
        if _mapped(number, "uid_map") and _mapped(number, "gid_map") and not _has_account(number):
            return Identity(number, number)
    return None


@cache
def can_mount() -> bool:
    """Root of a container often may not."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) >> _CAP_SYS_ADMIN & 1)
    return False


def _mapped(number: int, table: str) -> bool:
    for line in Path("/proc/self", table).read_text().splitlines():
        first, _, count = (int(field) for field in line.split())
        if first <= number < first + count:
            return True
    return False


def _has_account(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def adopt(folder: Path, identity: Identity | None) -> None:
    """Make everything in `folder` the property of `identity`, links themselves instead of what they point to.

    Files that programs outside wrote there as root could otherwise not be changed by those inside.
    """
    if identity is None:
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        _adopt(descriptor, identity, 0)
    finally:
        os.close(descriptor)


def _adopt(folder: int, identity: Identity, depth: int) -> None:
    if os.fstat(folder).st_uid != identity.uid:
        os.fchown(folder, *identity)
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                if entry.is_dir(follow_symlinks=False):
                    if depth == _MAX_DEPTH:
                        continue
                    inner = os.open(entry.name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
                    try:
                        _adopt(inner, identity, depth + 1)
                    finally:
                        os.close(inner)
                elif os.stat(entry.name, dir_fd=folder, follow_symlinks=False).st_uid != identity.uid:
                    os.chown(entry.name, *identity, dir_fd=folder, follow_symlinks=False)
            except (FileNotFoundError, NotADirectoryError):
                continue  # a running program moved it


def share_new_files(folder: Path, identity: Identity | None) -> None:
    """Let `identity` write what programs outside will create in `folder`, by a default access list.

    Where the file system keeps no such lists, `adopt` does it before the next program starts.
    """
    if identity is None:
        return
    everything, read, nobody = 7, 5, 0xFFFFFFFF
    entries = [(1, everything, nobody), (2, everything, identity.uid), (4, read, nobody), (16, everything, nobody)]
    packed = b"".join(struct.pack("<HHI", *entry) for entry in [*entries, (32, read, nobody)])
    try:
        os.setxattr(folder, "system.posix_acl_default", struct.pack("<I", 2) + packed)
    except OSError:
        return
