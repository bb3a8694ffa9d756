"""A program whose disk breaks under its feet: after the first append the kernel refuses every sync (EIO), every write
(ENOSPC), or both (EROFS: a file system that went read-only after an error) of the writing thread. Then it is killed.
Arguments: home, `sync`, `write` or `frozen`.

The refusal is a seccomp filter, which holds for the thread that installs it; a crash point runs in the right thread.
"""

import ctypes
import errno
import os
import signal
import struct
import sys
from collections.abc import Callable
from pathlib import Path

import anyio

from glmos.abi.errors import StoreError
from glmos.abi.events import KernelSpoke
from glmos.journal.stores.sqlite import SqliteStore

SYSCALLS = {  # x86-64: fsync, fdatasync; pwrite64
    "sync": ((74, 75), errno.EIO), "write": ((18,), errno.ENOSPC), "frozen": ((18, 74, 75), errno.EROFS),
}  # fmt: skip
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, SECCOMP_MODE_FILTER = 22, 38, 2
RET_ALLOW, RET_ERRNO = 0x7FFF0000, 0x00050000


def refuse(numbers: tuple[int, ...], error: int) -> None:
    """From here on, these system calls of this thread fail with `error`."""
    load = struct.pack("<HBBI", 0x20, 0, 0, 0)
    tests = [struct.pack("<HBBI", 0x15, len(numbers) - place, 0, number) for place, number in enumerate(numbers)]
    program = b"".join([load, *tests, struct.pack("<HBBI", 0x06, 0, 0, RET_ALLOW)])
    program += struct.pack("<HBBI", 0x06, 0, 0, RET_ERRNO | error)
    buffer = ctypes.create_string_buffer(program)
    filter_ = ctypes.create_string_buffer(struct.pack("@HP", len(program) // 8, ctypes.addressof(buffer)))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filter_, 0, 0):
        os._exit(3)


class BreakAt:
    """Once armed, breaks the disk of the thread that is about to commit."""

    def __init__(self, action: Callable[[], None]) -> None:
        self.action = action
        self.armed = False

    def __call__(self, point: str) -> None:
        if self.armed and point == "append.before_commit":
            self.armed = False
            self.action()


def said(text: str) -> KernelSpoke:
    return KernelSpoke(rule="prose", text=text)


async def main(home: str, what: str) -> None:
    numbers, error = SYSCALLS[what]
    disk = BreakAt(lambda: refuse(numbers, error))
    store = await SqliteStore.open(Path(home), crash_points=disk)
    print("recorded", await store.append(1, 0, [said("first")], at=1.0), flush=True)
    disk.armed = True
    try:
        await store.append(1, 1, [said("never")], at=2.0)
    except StoreError as problem:
        print("StoreError", problem, flush=True)
    print("head", await store.head(1), flush=True)
    try:
        await store.append(1, 1, [said("never")], at=2.0)
    except StoreError:
        print("StoreError again", flush=True)
    print("head", await store.head(1), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


anyio.run(main, *sys.argv[1:])
