"""The last step outside: a stand-alone program that becomes bubblewrap.

Started by `program` as `python -I -S launcher.py PARENT UID GID GATE INNER_GATE LIMITS... --
SOURCES... -- COMMAND...`; it imports nothing of
GLM-OS. Signals are as a fresh program expects them, the whole thing dies with PARENT, and when GLM-OS runs as root
the kernel's uid of root is given up before anything of the sandbox is built: bubblewrap started as root leaves its
programs with root's kernel uid, which can read and write what belongs to root.

An ordinary uid cannot walk to what lies under a folder such as /root. So while still root each of SOURCES is bound
to `STAGE/0`, `STAGE/1`, ... in a mount namespace of its own; nothing beside them becomes reachable.
"""

import ctypes
import os
import resource
import signal
import sys

STAGE = "/tmp"
"""Where staged sources appear. A folder that every system has; only this program's own view of it changes."""

FAILED = 70
"""Exit status when bubblewrap could not be reached."""

_CLONE_NEWNS = 0x0002_0000
_MS_NOSUID, _MS_NODEV, _MS_BIND, _MS_REC, _MS_PRIVATE = 0x2, 0x4, 0x1000, 0x4000, 1 << 18
_PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)


def _mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    def encoded(text: str | None) -> bytes | None:
        return None if text is None else os.fsencode(text)

    arguments = (encoded(source), encoded(target), encoded(kind), ctypes.c_ulong(flags), encoded(data))
    _check(_libc.mount(*arguments), f"mount {target}")


def fresh_signals() -> None:
    """A program started by a daemon or a script may have inherited an ignored SIGINT; nobody could interrupt it."""
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        try:
            signal.signal(number, signal.SIG_DFL)
        except (OSError, ValueError):
            continue  # reserved by the C library
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def prefer_for_oom_kill() -> None:
    """When the machine runs out of memory, let it take the sandbox first."""
    try:
        with open("/proc/self/oom_score_adj", "w") as file:  # noqa: PTH123 - pathlib costs start time
            file.write("500")
    except OSError:
        pass


def stage(sources: list[str]) -> None:
    """Bind each source, whatever folders lead to it, to a place that any uid can reach."""
    _check(_libc.unshare(_CLONE_NEWNS), "unshare")
    _mount("none", "/", None, _MS_REC | _MS_PRIVATE)
    opened = [os.open(source, os.O_PATH | os.O_CLOEXEC) for source in sources]
    _mount("tmpfs", STAGE, "tmpfs", _MS_NOSUID | _MS_NODEV, "size=1m,mode=0755")
    for index, descriptor in enumerate(opened):
        target = f"{STAGE}/{index}"
        if os.path.isdir(f"/proc/self/fd/{descriptor}"):  # noqa: PTH112
            os.mkdir(target, 0o755)  # noqa: PTH102
        else:
            os.close(os.open(target, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644))
        _mount(f"/proc/self/fd/{descriptor}", target, None, _MS_BIND | _MS_REC)


def drop_root(uid: int, gid: int) -> None:
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)


def die_with(parent: int) -> None:
    """The kernel forgets this wish when the uid changes, so it comes last."""
    _check(_libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0), "prctl")
    if os.getppid() != parent:
        raise OSError(f"the process {parent} that started it is gone")


def lower(kind: int, soft: int, hard: int) -> None:
    _, ceiling = resource.getrlimit(kind)
    if ceiling != resource.RLIM_INFINITY:
        soft, hard = min(soft, ceiling), min(hard, ceiling)
    resource.setrlimit(kind, (soft, hard))


def main(arguments: list[str]) -> None:
    parent, uid, gid, gate, inner_gate = map(int, arguments[:5])
    first = arguments.index("--")
    second = arguments.index("--", first + 1)
    limits, sources, command = arguments[5:first], arguments[first + 1 : second], arguments[second + 1 :]
    os.dup2(gate, inner_gate)
    if gate != inner_gate:
        os.close(gate)
    fresh_signals()
    os.umask(0o022)
    prefer_for_oom_kill()
    program = command[0]
    if sources:
        stage([*sources, program])  # bubblewrap itself may lie where no other uid gets
        program = f"{STAGE}/{len(sources)}"
    if uid >= 0:
        drop_root(uid, gid)
    die_with(parent)
    for limit in limits:
        lower(*map(int, limit.split(":")))
    os.execv(program, command)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except OSError as error:
        sys.stderr.write(f"launcher: {error}\n")
        sys.exit(FAILED)
