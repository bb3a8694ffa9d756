"""Attempts to get out of a sandbox, or to hurt the machine from inside. Run inside, one per start:

    python .../probes.py NAME [ARGUMENT...]

prints `contained`, or what was possible. Stands alone: no import of GLM-OS, only the standard library, so that it
runs wherever a Python does. The other side of each probe, with its victims, is in `sandboxes`.
"""

import ctypes
import errno
import mmap
import os
import platform
import resource
import signal
import socket
import struct
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path

_NUMBERS = {
    "x86_64": {
        "mount": 165, "open_tree": 428, "fsopen": 430, "unshare": 272, "clone": 56, "clone3": 435, "ptrace": 101,
        "process_vm_readv": 310, "keyctl": 250, "bpf": 321, "perf_event_open": 298, "userfaultfd": 323,
        "io_uring_setup": 425, "memfd_create": 319, "shmget": 29, "msgget": 68, "openat2": 437, "getpid": 39,
        "mount_setattr": 442, "open_by_handle_at": 304, "kexec_load": 246, "fchmodat": 268, "fchmodat2": 452,
    },
    "aarch64": {
        "mount": 40, "open_tree": 428, "fsopen": 430, "unshare": 97, "clone": 220, "clone3": 435, "ptrace": 117,
        "process_vm_readv": 270, "keyctl": 219, "bpf": 280, "perf_event_open": 241, "userfaultfd": 282,
        "io_uring_setup": 425, "memfd_create": 279, "shmget": 194, "msgget": 186, "openat2": 437, "getpid": 172,
        "mount_setattr": 442, "open_by_handle_at": 265, "kexec_load": 104, "fchmodat": 53, "fchmodat2": 452,
    },
}[platform.machine()]  # fmt: skip

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWUSER = 0x1000_0000

Probe = Callable[..., list[str]]
"""Gives what was possible; nothing when it was contained."""


def _call(name: str, *arguments: int | bytes) -> int:
    """The answer of a system call; -1 when it was refused."""
    return int(_libc.syscall(_NUMBERS[name], *arguments))


def _works(action: Callable[[], object]) -> bool:
    try:
        action()
    except (OSError, ValueError, MemoryError, RuntimeError):
        return False
    return True


def _possible(**attempts: Callable[[], object]) -> list[str]:
    return [name for name, action in attempts.items() if _works(action)]


def reads_host_files(secret: str) -> list[str]:
    os.symlink(secret, "/workspace/link")  # noqa: PTH211
    return _possible(
        by_name=lambda: Path(secret).read_bytes(),
        by_a_link=lambda: Path("/workspace/link").read_bytes(),
        by_pid_1=lambda: Path("/proc/1/root" + secret).read_bytes(),
        by_a_hard_link=lambda: os.link(secret, "/workspace/hard"),
        shadow=lambda: Path("/etc/shadow").read_bytes(),
        kernel_memory=lambda: open("/proc/kcore", "rb").read(1),  # noqa: PTH123
    )


def finds_secrets_of_other_processes(secret: str) -> list[str]:
    """`secret` is in the environment and the arguments of processes outside; here it is an argument of our own."""
    found: list[str] = []
    for process in Path("/proc").glob("[0-9]*"):
        if process.name == str(os.getpid()):
            continue
        for kind in ("environ", "cmdline"):
            try:
                content = (process / kind).read_bytes()
            except OSError:
                continue
            if secret.encode() in content and f"probes.py\0{sys.argv[1]}".encode() not in content:
                found.append(f"{process.name}/{kind}")
    found += [name for name, value in os.environ.items() if secret in value]  # noqa: TID251
    return found


def writes_outside_the_workspace() -> list[str]:
    places = ("/", "/usr", "/etc", "/dev", "/home", "/root", "/var", "/run", "/opt", "/usr/local/bin", "/bin", "/proc")
    return [place for place in places if _works(lambda place=place: Path(place, "written").write_text("x"))]


def connects(port: str, path: str, abstract: str) -> list[str]:
    def tcp(host: str, number: int) -> None:
        socket.create_connection((host, number), timeout=2).close()

    def unix(address: str) -> None:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(address)

    def datagram() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.sendto(b"x", ("8.8.8.8", 53))

    return _possible(
        loopback=lambda: tcp("127.0.0.1", int(port)),
        metadata=lambda: tcp("169.254.169.254", 80),
        name_server=datagram,
        unix_path=lambda: unix(path),
        unix_abstract=lambda: unix("\0" + abstract),
    )


def opens_unusual_sockets() -> list[str]:
    kinds = {
        "packet": (17, socket.SOCK_RAW, 0), "raw": (socket.AF_INET, socket.SOCK_RAW, 1), "vsock": (40, 1, 0),
        "netfilter": (16, socket.SOCK_RAW, 12), "audit": (16, socket.SOCK_RAW, 9), "crypto": (38, 5, 0),
        "bluetooth": (31, socket.SOCK_RAW, 1), "xdp": (44, socket.SOCK_RAW, 0), "can": (29, socket.SOCK_RAW, 1),
    }  # fmt: skip
    return [name for name, kind in kinds.items() if _works(lambda kind=kind: socket.socket(*kind).close())]


def signals_host_processes(victim: str) -> list[str]:
    return _possible(
        by_pid=lambda: os.kill(int(victim), 0),
        as_group=lambda: os.killpg(int(victim), 0),
        by_handle=lambda: os.close(os.pidfd_open(int(victim))),
    )


def looks_into_processes() -> list[str]:
    return (
        _possible(
            traced=lambda: _succeed("ptrace", 16, 1, 0, 0),
            read=lambda: _succeed("process_vm_readv", 1, 0, 0, 0, 0, 0),
        )
        + _freedoms_of_pid_1()
    )


def _freedoms_of_pid_1() -> list[str]:
    """It runs as the same user and can be changed from inside, so it must not be allowed more."""
    ours, its = (dict(line.split(":\t", 1) for line in _lines(f"/proc/{pid}/status")) for pid in ("self", "1"))
    return [
        f"pid 1: {name}" for name in ("CapEff", "CapBnd", "NoNewPrivs", "Seccomp", "Uid") if ours[name] != its[name]
    ]


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()


def _succeed(name: str, *arguments: int | bytes) -> None:
    if _call(name, *arguments) == -1:
        raise OSError(ctypes.get_errno(), name)


def changes_mounts() -> list[str]:
    return _possible(
        tmpfs=lambda: _succeed("mount", b"t", b"/workspace", b"tmpfs", 0, 0),
        remount=lambda: _succeed("mount", b"none", b"/", b"", 0x20 | 0x1000, 0),
        tree=lambda: _succeed("open_tree", -100, b"/", 1),
        context=lambda: _succeed("fsopen", b"tmpfs", 0),
        handle=lambda: _succeed("open_by_handle_at", -100, 0, 0),
    )


def makes_namespaces() -> list[str]:
    found = _possible(unshare=lambda: _succeed("unshare", _CLONE_NEWUSER), mounts=lambda: _succeed("unshare", 0x20000))
    if _call("clone", _CLONE_NEWUSER | signal.SIGCHLD, 0, 0, 0, 0) != -1:
        found.append("clone")
    if _call("clone3", 0, 0) == -1 and ctypes.get_errno() != errno.ENOSYS:
        found.append("clone3 exists")
    return found


def has_privileges() -> list[str]:
    status = dict(line.split(":\t", 1) for line in _lines("/proc/self/status"))
    found = [name for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb") if int(status[name], 16)]
    found += [name for name, wanted in (("NoNewPrivs", "1"), ("Seccomp", "2")) if status[name] != wanted]
    found += ["root"] if 0 in (*os.getresuid(), *os.getresgid()) else []
    found += ["groups"] if set(os.getgroups()) - {os.getgid(), 65534} else []
    found += _possible(
        becomes_root=lambda: os.setresuid(0, 0, 0),
        nice=lambda: os.nice(-5),
        realtime=lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)),
        limit=lambda: resource.setrlimit(resource.RLIMIT_NPROC, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)),
    )
    return found


def makes_set_uid_files() -> list[str]:
    """A program that others run with the rights of the person who owns it."""
    path = "/workspace/set-uid"
    Path(path).write_text("x")
    return _possible(
        chmod=lambda: Path(path).chmod(0o4755),
        group=lambda: Path(path).chmod(0o2755),
        fchmodat=lambda: _succeed("fchmodat", -100, path.encode(), 0o4755),
        fchmodat2=lambda: _succeed("fchmodat2", -100, path.encode(), 0o4755, 0),
        create=lambda: os.open("/workspace/new", os.O_CREAT | os.O_WRONLY, 0o6755),
        node=lambda: os.mknod("/workspace/node", 0o104755),
        struct=lambda: _succeed("openat2", -100, b"/workspace/new2", struct.pack("QQQ", 0o101, 0o6755, 0), 24),
    )


def changes_the_kernel() -> list[str]:
    def write(path: str) -> None:
        os.close(os.open(path, os.O_WRONLY))  # to be allowed to is enough

    return _possible(
        core_pattern=lambda: write("/proc/sys/kernel/core_pattern"),
        sysrq=lambda: write("/proc/sysrq-trigger"),
        keys=lambda: _succeed("keyctl", 0, -3, 1),
        bpf=lambda: _succeed("bpf", 0, b"\x01" + b"\0" * 127, 128),
        perf=lambda: _succeed("perf_event_open", b"\x01" + b"\0" * 127, 0, -1, -1, 0),
        faults=lambda: _succeed("userfaultfd", 1),
        ring=lambda: _succeed("io_uring_setup", 1, b"\0" * 128),
        kernel=lambda: _succeed("kexec_load", 0, 0, 0, 0),
        sys=lambda: next(Path("/sys").iterdir()) and None if Path("/sys").is_dir() else write("/sys/absent"),
    )


def finds_devices() -> list[str]:
    usual = {
        "null", "zero", "full", "random", "urandom", "tty", "shm", "pts", "ptmx", "fd", "stdin", "stdout", "stderr",
        "core", "console",
    }  # fmt: skip
    found = sorted({path.name for path in Path("/dev").iterdir()} - usual)
    return found + _possible(node=lambda: os.mknod("/workspace/disk", 0o060600, os.makedev(8, 0)))


def types_into_terminals() -> list[str]:
    import fcntl
    import pty
    import termios

    _, terminal = pty.openpty()
    return _possible(
        character=lambda: fcntl.ioctl(terminal, termios.TIOCSTI, b"x"), console=lambda: fcntl.ioctl(terminal, 0x541C, 0)
    )


def uses_other_instruction_sets() -> list[str]:
    if platform.machine() != "x86_64":
        return []
    attempts = {"x32": _x32_getpid, "i386": _i386_getpid}
    return [name for name, attempt in attempts.items() if _survives(attempt)]


def _survives(attempt: Callable[[], None]) -> bool:
    child = os.fork()
    if child == 0:
        attempt()
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def _x32_getpid() -> None:
    _libc.syscall(0x4000_0000 | _NUMBERS["getpid"])


def _i386_getpid() -> None:
    code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")  # mov eax, getpid; int 0x80; ret
    ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))()


def inherits_descriptors() -> list[str]:
    return [str(number) for number in range(3, 1024) if _works(lambda number=number: os.fstat(number))]


def uses_uncounted_memory() -> list[str]:
    return _possible(
        memfd=lambda: _succeed("memfd_create", b"x", 0),
        shared=lambda: _succeed("shmget", 0, 1 << 20, 0o1600),
        queue=lambda: _succeed("msgget", 0, 0o1600),
    )


def has_unbounded_places() -> list[str]:
    found: list[str] = []
    for place in ("/tmp", "/dev/shm"):
        figures = os.statvfs(place)
        if figures.f_blocks * figures.f_frsize > 1 << 30:
            found.append(place)
    huge = os.open("/workspace/huge", os.O_CREAT | os.O_RDWR)
    return found + _possible(sparse=lambda: os.ftruncate(huge, 1 << 40))


def forks(limit: str) -> list[str]:
    """As many as it can; they end with it."""
    count = 0
    try:
        while count <= 4 * int(limit):
            if os.fork() == 0:
                signal.pause()
                os._exit(0)
            count += 1
    except BlockingIOError:
        pass
    return [f"{count} processes"] if count > int(limit) or count < 1 else []


def takes_memory(size: str) -> list[str]:
    return _possible(private=lambda: bytearray(int(size)), mapped=lambda: mmap.mmap(-1, int(size), flags=0x22))


def takes_memory_in_children(size: str) -> list[str]:
    """Each within its own limit; ours is to be stopped."""
    for _ in range(8):
        if os.fork() == 0:
            held = bytearray(os.urandom(1 << 20)) * (int(size) >> 20)
            signal.pause()
            os._exit(len(held) % 2)
    signal.pause()
    return ["never stopped"]


def takes_shared_memory(size: str) -> list[str]:
    memory = mmap.mmap(-1, int(size))
    for place in range(0, int(size), mmap.PAGESIZE):
        memory[place] = 1
    signal.pause()
    return ["never stopped"]


def fills_the_workspace(size: str) -> list[str]:
    number = 0
    while number < 1_000_000:
        Path(f"/workspace/fill-{number}").write_bytes(os.urandom(int(size)))
        number += 1
    return ["never stopped"]


def hides_below_deep_folders() -> list[str]:
    folder = os.open("/workspace", os.O_RDONLY)
    for _ in range(1000):
        os.mkdir("d", dir_fd=folder)
        inner = os.open("d", os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = inner
    signal.pause()
    return ["never stopped"]


def floods_its_output() -> list[str]:
    piece = b"x" * 65536
    for _ in range(1 << 14):
        os.write(1, piece)
    return ["never stopped"]


def leaves_a_daemon() -> list[str]:
    """It ignores signals, has its own session and nobody's terminal, and answers at `alive` as long as it lives."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("/workspace/alive")
        server.listen()
        ready_read, ready_write = os.pipe()
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                    signal.signal(number, signal.SIG_IGN)
                os.write(ready_write, b"1")
                while True:
                    server.accept()
            os._exit(0)
        os.read(ready_read, 1)
        subprocess.run(["true"], check=True)
    return []


PROBES: dict[str, Probe] = {
    name: value
    for name, value in list(globals().items())
    if isinstance(value, types.FunctionType) and not name.startswith("_")
}


if __name__ == "__main__":
    possible = PROBES[sys.argv[1]](*sys.argv[2:])
    print("; ".join(possible) or "contained")
