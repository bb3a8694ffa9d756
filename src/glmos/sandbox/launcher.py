"""The last step outside: a stand-alone program that starts bubblewrap and sees to its end.

Started by `program` as `python -I -S launcher.py UID GID LIFELINE GATE INNER_GATE LIMITS... -- SOURCES... -- COMMAND...`;
it imports nothing of GLM-OS, and of the library as little as it can, for every import delays every start:

    the supervisor   waits until bubblewrap has ended or GLM-OS has, whose end closes LIFELINE, even by SIGKILL. Then it
                     ends what is left. It adopts orphans, so nothing gets away from it, at no moment of the start.
    bubblewrap       with signals as a fresh program expects them, limits, and the read end of GATE as INNER_GATE.

When GLM-OS runs as root, the kernel's uid of root is given up before anything of the sandbox is built: bubblewrap
started as root leaves its programs with root's kernel uid, which can read and write what belongs to root. But an ordinary
uid cannot walk to what lies under a folder such as /root. So while still root each of SOURCES is bound to `STAGE/0`,
`STAGE/1`, ... in a mount namespace of its own; nothing beside them becomes reachable.
"""

import ctypes
import os
import resource
import select
import sys

STAGE = "/tmp"
"""Where staged sources appear. A folder that every system has; only this program's own view of it changes."""

FAILED = 70
"""Exit status when bubblewrap could not be reached."""

_CLONE_NEWNS = 0x0002_0000
_MS_NOSUID, _MS_NODEV, _MS_BIND, _MS_REC, _MS_PRIVATE = 0x2, 0x4, 0x1000, 0x4000, 1 << 18
_PR_SET_CHILD_SUBREAPER = 36
_SIGKILL, _SIGSTOP = 9, 19
_SIGNALS = set(range(1, 32)) - {_SIGKILL, _SIGSTOP}

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


def prefer_for_oom_kill(by: int) -> None:
    """When the machine runs out of memory, let it take the sandbox first."""
    try:
        with open("/proc/self/oom_score_adj", "w") as file:  # noqa: PTH123 - pathlib costs start time
            file.write(str(by))
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


def lower(kind: int, soft: int, hard: int) -> None:
    """For itself too; it needs little."""
    _, ceiling = resource.getrlimit(kind)
    if ceiling != resource.RLIM_INFINITY:
        soft, hard = min(soft, ceiling), min(hard, ceiling)
    resource.setrlimit(kind, (soft, hard))


def start(program: str, command: list[str], *, lifeline: int, gate: int, inner_gate: int) -> int:
    """Start bubblewrap as a fresh program expects to be; what a daemon or script ignored, such as SIGINT, it hears."""
    files: list[tuple[int, int] | tuple[int, int, int]] = [(os.POSIX_SPAWN_DUP2, gate, inner_gate)]
    files += [(os.POSIX_SPAWN_CLOSE, gate), (os.POSIX_SPAWN_CLOSE, lifeline)]
    prefer_for_oom_kill(500)
    try:
        return os.posix_spawn(
            program,
            command,
            {},
            file_actions=files,
            setsigdef=_SIGNALS,
            setsigmask=(),
        )
    finally:
        prefer_for_oom_kill(0)


def supervise(child: int, lifeline: int) -> int:
    """Wait for the end of `child` or of `lifeline`; leave nothing behind; give the exit status as a shell would."""
    nothing = os.open("/dev/null", os.O_RDWR)
    for descriptor in (0, 1):
        os.dup2(nothing, descriptor)
    for descriptor in map(int, os.listdir("/proc/self/fd")):  # noqa: PTH208
        if descriptor > 2 and descriptor != lifeline:
            try:
                os.close(descriptor)
            except OSError:
                continue  # it was the listing's own
    poll = select.poll()
    poll.register(os.pidfd_open(child), select.POLLIN)
    poll.register(lifeline, select.POLLIN)
    poll.poll()
    return end_all(child)


def end_all(child: int) -> int:
    """Kill and reap until there is nobody left; whoever loses its parent meanwhile becomes ours."""
    status = 0
    while True:
        for pid in children():
            os.kill(pid, _SIGKILL)  # one that has ended by itself is a zombie and keeps its status
        try:
            ended, how = os.waitpid(-1, 0)
        except ChildProcessError:
            return status
        if ended == child:
            status = os.waitstatus_to_exitcode(how)
            status = status if status >= 0 else 128 - status


def children() -> list[int]:
    own = os.getpid()
    try:
        with open(f"/proc/{own}/task/{own}/children") as file:  # noqa: PTH123
            return [int(pid) for pid in file.read().split()]
    except FileNotFoundError:  # a kernel without these lists
        return [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and parent_of(pid) == own]  # noqa: PTH208


def parent_of(pid: str) -> int:
    try:
        with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123
            return int(file.read().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def main(arguments: list[str]) -> int:
    uid, gid, lifeline, gate, inner_gate = map(int, arguments[:5])
    first = arguments.index("--")
    second = arguments.index("--", first + 1)
    limits, sources, command = arguments[5:first], arguments[first + 1 : second], arguments[second + 1 :]
    program = command[0]
    if sources:
        stage([*sources, program])  # bubblewrap itself may lie where no other uid gets
        program = f"{STAGE}/{len(sources)}"
    if uid >= 0:
        drop_root(uid, gid)
    for limit in limits:
        lower(*map(int, limit.split(":")))
    os.umask(0o022)
    _check(_libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl")
    return supervise(start(program, command, lifeline=lifeline, gate=gate, inner_gate=inner_gate), lifeline)


if __name__ == "__main__":
    try:
        result = main(sys.argv[1:])
    except OSError as error:
        sys.stderr.write(f"launcher: {error}\n")
        result = FAILED
    sys.stderr.flush()
    os._exit(result)
