"""What the inside looks like: the bubblewrap command line.

    /            an empty, read-only file system with mount points; nothing of the host but what is named here
    /usr, /lib.. read-only
    /etc         a handful of made-up files and the dynamic linker's, certificates' and fonts' configuration
    interpreter  the Python that runs GLM-OS, read-only, at its own places
    /workspace   the only part of the host's disk that can be written
    /run/glmos   Unix sockets shared with GLM-OS (sessions only)
    /tmp         in memory, of limited size

Own user, process, IPC, host name, cgroup and network namespaces; no network; no variable of GLM-OS's environment.
`launcher` runs the command line, `program` supervises it.
"""

import fcntl
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from glmos.abi.errors import SandboxError
from glmos.ports import SandboxLimits
from glmos.sandbox import launcher, seccomp
from glmos.sandbox.interpreter import Interpreter
from glmos.sandbox.limits import GATE, behind_gate

WORKSPACE = "/workspace"
SOCKETS = "/run/glmos"
_SHIMS = "/run/bin"
_UID = 1000
_TMP_BYTES = 256 << 20

_SYSTEM = ("/usr", "/nix/store", "/gnu/store")
_USUALLY_LINKS = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_ETC = (
    "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "ssl/certs", "ssl/openssl.cnf", "pki/tls/certs",
    "pki/ca-trust/extracted", "ca-certificates/extracted", "fonts", "localtime", "mime.types", "magic",
)  # fmt: skip
_FONT_CACHE = "/var/cache/fontconfig"
_MADE_UP = {
    "/etc/passwd": f"user:x:{_UID}:{_UID}::{WORKSPACE}:/bin/sh\n",
    "/etc/group": f"user:x:{_UID}:\n",
    "/etc/hosts": "127.0.0.1 localhost sandbox\n::1 localhost\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
}
_RESERVED = (WORKSPACE, SOCKETS, "/proc", "/dev", "/etc", "/run/bin")


class Inside(NamedTuple):
    """What one program is given."""

    argv: Sequence[str]
    workspace: Path
    writable: bool
    sockets: Path | None
    env: Mapping[str, str]
    limits: SandboxLimits


class Profile(NamedTuple):
    sources: list[Path]
    """To be staged, in order, when `staged`."""
    arguments: list[str]
    """Of bubblewrap, the program's own included."""
    descriptors: list[int]
    """Open files that bubblewrap reads, their numbers above `GATE`; the caller closes its own copies."""


class _Builder:
    def __init__(self, *, staged: bool, features: frozenset[str]) -> None:
        self.staged = staged
        self.features = features
        self.sources: list[Path] = []
        self.arguments: list[str] = []
        self.descriptors: list[int] = []

    def add(self, *arguments: object) -> None:
        self.arguments += [str(argument) for argument in arguments]

    def optional(self, *arguments: object) -> None:
        """Only where this bubblewrap knows the option; what it would bring has a second lock elsewhere."""
        if arguments[0] in self.features:
            self.add(*arguments)

    def bind(self, source: Path, target: object, *, writable: bool = False) -> None:
        origin: object = source
        if self.staged:
            origin = f"{launcher.STAGE}/{len(self.sources)}"
            self.sources.append(source)
        self.add("--bind" if writable else "--ro-bind", origin, target)

    def data(self, content: bytes) -> int:
        low = os.memfd_create("glmos", os.MFD_CLOEXEC)
        descriptor = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, GATE + 1)
        os.close(low)
        self.descriptors.append(descriptor)
        os.write(descriptor, content)
        os.lseek(descriptor, 0, os.SEEK_SET)
        return descriptor

    def file(self, path: str, content: str, mode: str = "0444") -> None:
        self.optional("--perms", mode)
        self.add("--file", self.data(content.encode()), path)


def build(inside: Inside, interpreter: Interpreter, *, staged: bool, features: frozenset[str]) -> Profile:
    """Raises: SandboxError when the machine or the place of the interpreter is not supported."""
    builder = _Builder(staged=staged, features=features)
    try:
        _namespaces(builder)
        _system(builder)
        _memory(builder)
        _interpreter(builder, interpreter)
        builder.bind(inside.workspace, WORKSPACE, writable=inside.writable)
        if inside.sockets is not None:
            builder.bind(inside.sockets, SOCKETS, writable=True)
        builder.add("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", WORKSPACE)
        _environment(builder, interpreter, inside.env)
        _filter(builder)
        builder.add("--", *behind_gate(_command(inside.argv, interpreter), inside.limits))
    except BaseException:
        for descriptor in builder.descriptors:
            os.close(descriptor)
        raise
    return Profile(builder.sources, builder.arguments, builder.descriptors)


def _namespaces(builder: _Builder) -> None:
    builder.add("--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try")
    builder.add("--unshare-net", "--die-with-parent", "--new-session", "--cap-drop", "ALL")
    builder.optional("--disable-userns")
    builder.optional("--assert-userns-disabled")
    builder.add("--uid", _UID, "--gid", _UID, "--hostname", "sandbox")


def _system(builder: _Builder) -> None:
    for path in _SYSTEM:
        builder.add("--ro-bind-try", path, path)
    for path in _USUALLY_LINKS:
        if Path(path).is_symlink():
            builder.add("--symlink", Path(path).readlink(), path)
        else:
            builder.add("--ro-bind-try", path, path)
    for name in _ETC:
        builder.add("--ro-bind-try", f"/etc/{name}", f"/etc/{name}")
    builder.add("--ro-bind-try", _FONT_CACHE, _FONT_CACHE)
    for path, content in _MADE_UP.items():
        builder.file(path, content)
    builder.add("--proc", "/proc", "--dev", "/dev")


def _memory(builder: _Builder) -> None:
    for path in ("/tmp", "/dev/shm"):
        builder.optional("--perms", "1777")
        builder.optional("--size", _TMP_BYTES)
        builder.add("--tmpfs", path)


def _interpreter(builder: _Builder, interpreter: Interpreter) -> None:
    for path in interpreter.paths:
        if any(path.is_relative_to(place) for place in _RESERVED):
            raise SandboxError(
                f"The Python that runs GLM-OS lies in {str(path)!r}, a place the sandbox uses itself; "
                "install GLM-OS in a virtual environment elsewhere, such as your home."
            )
        if not any(path.is_relative_to(shown) for shown in (*_SYSTEM, *_USUALLY_LINKS)):
            builder.bind(path, path)
    for name in ("python", "python3"):
        if not (interpreter.executable.parent / name).exists():
            builder.file(f"{_SHIMS}/{name}", f'#!/bin/sh\nexec "{interpreter.executable}" "$@"\n', "0555")


def _environment(builder: _Builder, interpreter: Interpreter, extra: Mapping[str, str]) -> None:
    search = [*map(str, interpreter.search), _SHIMS, "/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"]
    variables = {
        "PATH": ":".join(dict.fromkeys(search)),
        "HOME": WORKSPACE,
        "USER": "user",
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "TMPDIR": "/tmp",
        # Caches and settings go to memory, not among the person's files.
        "XDG_CACHE_HOME": "/tmp/.cache",
        "XDG_CONFIG_HOME": "/tmp/.config",
        "XDG_DATA_HOME": "/tmp/.local/share",
        "XDG_RUNTIME_DIR": "/tmp",
        "MPLCONFIGDIR": "/tmp/.matplotlib",
        "IPYTHONDIR": "/tmp/.ipython",
        "JUPYTER_CONFIG_DIR": "/tmp/.jupyter",
        "JUPYTER_DATA_DIR": "/tmp/.local/share/jupyter",
        "JUPYTER_RUNTIME_DIR": "/tmp/.jupyter/runtime",
        "PYTHONDONTWRITEBYTECODE": "1",
        "HISTFILE": "/dev/null",
    }
    if interpreter.packages:
        variables["PYTHONPATH"] = ":".join(map(str, interpreter.packages))
    builder.add("--clearenv")
    for name, value in {**variables, **extra}.items():
        builder.add("--setenv", name, value)


def _filter(builder: _Builder) -> None:
    filter_code = seccomp.compiled(platform.machine())
    if filter_code is None:
        raise SandboxError(
            f"The sandbox knows no system call numbers for {platform.machine()!r}; "
            f"run GLM-OS on {' or '.join(seccomp.MACHINES)}."
        )
    builder.add("--seccomp", builder.data(filter_code))


def _command(argv: Sequence[str], interpreter: Interpreter) -> list[str]:
    if argv[0] in ("python", "python3"):
        return [str(interpreter.executable), *argv[1:]]
    return list(argv)
