"""What this machine offers for a sandbox, and what to tell a person when that is not enough.

There is no weaker way to run when something is missing: programs then do not run at all.
"""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from glmos.abi.errors import SandboxError

_INSTALL = {
    "apt-get": "apt-get install -y bubblewrap",
    "dnf": "dnf install -y bubblewrap",
    "yum": "yum install -y bubblewrap",
    "pacman": "pacman -S --noconfirm bubblewrap",
    "apk": "apk add bubblewrap",
    "zypper": "zypper install -y bubblewrap",
    "xbps-install": "xbps-install -y bubblewrap",
    "emerge": "emerge sys-apps/bubblewrap",
    "nix-env": "nix-env -iA nixpkgs.bubblewrap",
}
_WITHOUT_SUDO = {"nix-env"}

_NEEDED = ("--json-status-fd", "--seccomp", "--clearenv", "--file", "--remount-ro", "--die-with-parent")
_NEWER = ("--disable-userns", "--assert-userns-disabled", "--size", "--perms")

_SWITCHES = (
    ("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1", "kernel.apparmor_restrict_unprivileged_userns=0"),
    ("/proc/sys/kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1"),
    ("/proc/sys/user/max_user_namespaces", "0", "user.max_user_namespaces=15000"),
)
"""(file, the value that forbids user namespaces, the setting that allows them)."""


class Bubblewrap(NamedTuple):
    path: str
    features: frozenset[str]
    """Those of its options that not every version in use has."""


def find_bubblewrap(name: str = "bwrap", *, which: Callable[[str], str | None] = shutil.which) -> Bubblewrap:
    """Raises: SandboxError that names the command to install it."""
    path = which(name)
    if path is None:
        raise SandboxError(f"Programs run only inside bubblewrap, and {name!r} is not installed; {_how(which)}.")
    try:
        answer = subprocess.run([path, "--help"], capture_output=True, timeout=30, check=False, env={})
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SandboxError(f"{path!r} is not a bubblewrap that runs here ({error}); {_how(which)}.") from error
    known = set((answer.stdout + answer.stderr).decode(errors="replace").split())
    missing = [option for option in _NEEDED if option not in known]
    if missing:
        raise SandboxError(
            f"{path!r} does not know {' '.join(missing)} and is too old; install bubblewrap 0.6 or newer: {_how(which)}."
        )
    return Bubblewrap(path, frozenset(option for option in _NEWER if option in known))


def install_command(which: Callable[[str], str | None] = shutil.which) -> str | None:
    """The command that installs bubblewrap with the package manager of this machine."""
    for manager, command in _INSTALL.items():
        if which(manager) is not None:
            return command if os.geteuid() == 0 or manager in _WITHOUT_SUDO else f"sudo {command}"
    return None


def _how(which: Callable[[str], str | None]) -> str:
    command = install_command(which)
    if command is None:
        return "install the package 'bubblewrap' of this system"
    return f"run `{command}`"


def explain_failure(message: str, *, root: Path = Path("/")) -> SandboxError:
    """What to tell a person, from what bubblewrap or the launcher wrote before it gave up."""
    said = message.strip().splitlines()[-1].strip() if message.strip() else "it said nothing"
    lowered = said.lower()
    if any(part in lowered for part in ("namespace", "uid map", "gid map", "unshare", "rtm_newaddr")):
        return SandboxError(f"This system does not let the sandbox create namespaces ({said}); {_allow(root)}.")
    if "proc" in lowered and "mount" in lowered:
        return SandboxError(
            f"The container around GLM-OS hides parts of /proc, so the sandbox cannot mount its own ({said}); "
            "start the container with `--security-opt systempaths=unconfined`."
        )
    return SandboxError(f"The sandbox could not be set up: {said}.")


def _allow(root: Path) -> str:
    for file, forbidding, setting in _SWITCHES:
        try:
            if (root / file.lstrip("/")).read_text().strip() == forbidding:
                return f"run `{'' if os.geteuid() == 0 else 'sudo '}sysctl -w {setting}`"
        except OSError:
            continue
    return "in a container, start it with `--security-opt seccomp=unconfined --cap-add SYS_ADMIN` or `--privileged`"
