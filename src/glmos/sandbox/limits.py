"""The limits that the kernel itself enforces on each program inside.

Most are set by `launcher` on the way in. The number of processes must be set inside: there it counts this sandbox
alone, outside everything that runs under the same uid. So a shell starts first and then becomes the program. What no
limit of the kernel covers (the tree's memory, disk use, time) is `watch`'s.
"""

import resource
from collections.abc import Sequence

from glmos.ports import SandboxLimits

_ADDRESS_SPACE_SLACK = 16 << 30
"""Libraries reserve far more addresses than they use; RLIMIT_DATA is what bounds memory."""
_LEAST_MEMORY = 64 << 20
"""The launcher itself lives under these limits; below this, only the watchdog looks."""

GATE = 9
"""The descriptor on which the shell inside waits for the word to go. Shells know descriptors of one digit."""

_SHELL = (
    f"read -r go <&{GATE} || exit 125; exec {GATE}<&-; "
    'ulimit -u "$1" 2>/dev/null || ulimit -p "$1" || exit 126; '  # shells disagree on the letter
    'shift; exec "$@"'
)


def kernel_limits(limits: SandboxLimits) -> dict[int, tuple[int, int]]:
    """Resource to (soft, hard)."""
    memory = max(limits.memory_bytes, _LEAST_MEMORY)
    addresses = memory + _ADDRESS_SPACE_SLACK
    return {
        resource.RLIMIT_DATA: (memory, memory),
        resource.RLIMIT_AS: (addresses, addresses),
        resource.RLIMIT_FSIZE: (limits.file_bytes, limits.file_bytes),
        resource.RLIMIT_CPU: (limits.cpu_seconds, limits.cpu_seconds + 5),
        resource.RLIMIT_NOFILE: (1024, 4096),
        resource.RLIMIT_CORE: (0, 0),
        resource.RLIMIT_MEMLOCK: (64 << 10, 64 << 10),
        resource.RLIMIT_MSGQUEUE: (800 << 10, 800 << 10),
    }


def launcher_words(limits: SandboxLimits) -> list[str]:
    """As `launcher` takes them."""
    return [f"{kind}:{soft}:{hard}" for kind, (soft, hard) in kernel_limits(limits).items()]


def behind_gate(argv: Sequence[str], limits: SandboxLimits) -> list[str]:
    """The command that waits at the gate, bounds the number of processes and then becomes `argv`."""
    return ["/bin/sh", "-c", _SHELL, "sh", str(limits.processes + 1), *argv]  # the sandbox's own reaper counts
