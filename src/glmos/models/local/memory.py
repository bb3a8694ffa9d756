"""How much memory weights need, and how much there is.

The need is an upper estimate from sizes on disk: the files themselves (they are loaded in the precision they are stored
in), the key-value cache of the context that is used, and a quarter more for activations and libraries.
Above: `describe`, `worker`. Below: nothing.
"""

from pathlib import Path

LIBRARIES = 600_000_000
"""What Python with torch and transformers takes before any weights (measured: 394 MB resident, torch 2.13 for CPU)."""
_MEMINFO = Path("/proc/meminfo")
_CGROUP = Path("/sys/fs/cgroup")


def total_memory() -> int:
    """Bytes of this machine, or of the container around this process; 0 when it cannot be found out."""
    found = [_meminfo("MemTotal"), _cgroup("memory.max")]
    return min((n for n in found if n), default=_sysconf())


def free_memory() -> int:
    """Bytes that could be taken now without pushing anything out; 0 when it cannot be found out."""
    limit, used = _cgroup("memory.max"), _cgroup("memory.current")
    left = max(limit - used, 1) if limit and used else 0
    return min((n for n in (_meminfo("MemAvailable"), left) if n), default=0)


def amount(size: float) -> str:
    """Bytes in words."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def _meminfo(name: str) -> int:
    try:
        lines = _MEMINFO.read_text("ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:")), 0)


def _cgroup(name: str) -> int:
    try:
        text = (_CGROUP / name).read_text("ascii").strip()
    except OSError:
        return 0
    return int(text) if text.isdigit() else 0


def _sysconf() -> int:
    import os

    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return 0
