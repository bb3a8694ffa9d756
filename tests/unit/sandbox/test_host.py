"""Whoever has no sandbox is told why and what to type."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from glmos.abi.errors import SandboxError
from glmos.sandbox import BubblewrapSandbox
from glmos.sandbox.host import explain_failure, find_bubblewrap, install_command

SUDO = "" if Path("/proc/self").stat().st_uid == 0 else "sudo "


def has(*programs: str) -> "Which":
    return Which(set(programs))


class Which:
    def __init__(self, programs: set[str]) -> None:
        self._programs = programs

    def __call__(self, name: str) -> str | None:
        return f"/usr/bin/{name}" if name in self._programs else None


@pytest.mark.parametrize(
    ("manager", "command"),
    [
        ("apt-get", f"{SUDO}apt-get install -y bubblewrap"),
        ("dnf", f"{SUDO}dnf install -y bubblewrap"),
        ("pacman", f"{SUDO}pacman -S --noconfirm bubblewrap"),
        ("apk", f"{SUDO}apk add bubblewrap"),
        ("zypper", f"{SUDO}zypper install -y bubblewrap"),
        ("nix-env", "nix-env -iA nixpkgs.bubblewrap"),
    ],
)
def test_the_command_is_that_of_this_machines_package_manager(manager: str, command: str) -> None:
    assert install_command(has(manager)) == command
    with pytest.raises(SandboxError) as raised:
        find_bubblewrap("bwrap", which=has(manager))
    assert f"run `{command}`" in str(raised.value)
    assert "'bwrap' is not installed" in str(raised.value)


def test_without_a_known_package_manager_the_package_is_named() -> None:
    with pytest.raises(SandboxError, match="install the package 'bubblewrap'"):
        find_bubblewrap("bwrap", which=has())


def program(folder: Path, text: str) -> str:
    path = folder / "假 bwrap"
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return str(path)


def test_a_bubblewrap_that_is_too_old_is_refused(tmp_path: Path) -> None:
    old = program(tmp_path, "echo '--unshare-user --seccomp FD'")
    with pytest.raises(SandboxError, match="too old"):
        find_bubblewrap(old)


def test_something_else_of_that_name_is_refused(tmp_path: Path) -> None:
    other = program(tmp_path, "exit 1")
    Path(other).write_bytes(b"\x7fELF nonsense")
    with pytest.raises(SandboxError, match="not a bubblewrap that runs here"):
        find_bubblewrap(other)


@pytest.mark.parametrize(
    "said",
    [
        "bwrap: No permissions to creating new namespace, likely because the kernel does not allow it",
        "bwrap: setting up uid map: Permission denied",
        "bwrap: Creating new namespace failed: Operation not permitted",
        "launcher: [Errno 1] Operation not permitted: 'unshare'",
    ],
)
@pytest.mark.parametrize(
    ("file", "value", "setting"),
    [
        ("kernel/apparmor_restrict_unprivileged_userns", "1", "kernel.apparmor_restrict_unprivileged_userns=0"),
        ("kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1"),
        ("user/max_user_namespaces", "0", "user.max_user_namespaces=15000"),
    ],
)
def test_forbidden_namespaces_come_with_the_switch_that_forbids_them(
    tmp_path: Path, said: str, file: str, value: str, setting: str
) -> None:
    switch = tmp_path / "proc/sys" / file
    switch.parent.mkdir(parents=True)
    switch.write_text(value + "\n")
    assert f"run `{SUDO}sysctl -w {setting}`" in str(explain_failure(said, root=tmp_path))


def test_without_such_a_switch_it_is_the_container(tmp_path: Path) -> None:
    message = str(explain_failure("bwrap: Creating new namespace failed: Operation not permitted", root=tmp_path))
    assert "--cap-add SYS_ADMIN" in message
    assert message.count("\n") == 0


def test_a_hidden_proc_is_named() -> None:
    message = str(explain_failure("bwrap: Can't mount proc on /newroot/proc: Operation not permitted"))
    assert "systempaths=unconfined" in message


def test_any_other_failure_is_told_as_it_was_said() -> None:
    message = str(explain_failure("noise\nbwrap: Can't find source path /x: No such file\n"))
    assert "bwrap: Can't find source path /x" in message


@pytest.mark.anyio
async def test_nothing_runs_outside_when_there_is_no_bubblewrap(tmp_path: Path) -> None:
    sandbox = BubblewrapSandbox(bwrap="bwrap-that-is-not-there")
    with pytest.raises(SandboxError, match="not installed"):
        await sandbox.require()
    with pytest.raises(SandboxError, match="not installed"):
        await sandbox.run(["touch", str(tmp_path / "ran")], pid=1, workspace=tmp_path)
    with pytest.raises(SandboxError, match="not installed"):
        await sandbox.open(["touch", str(tmp_path / "ran")], pid=1, workspace=tmp_path)
    assert not await anyio.Path(tmp_path / "ran").exists()
    assert await sandbox.kill(1) == 0


@pytest.fixture
def refusing() -> Iterator[str]:
    """A bubblewrap where user namespaces are forbidden, in a place that any uid can reach."""
    options = "--json-status-fd --seccomp --clearenv --file --remount-ro --die-with-parent"
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield program(
            Path(folder),
            f'[ "$1" = --help ] && {{ echo "{options}"; exit; }}\n'
            "echo 'bwrap: setting up uid map: Permission denied' >&2; exit 1",
        )


@pytest.mark.anyio
async def test_a_bubblewrap_that_may_not_make_namespaces_is_reported_not_worked_around(refusing: str) -> None:
    with pytest.raises(SandboxError, match="does not let the sandbox create namespaces"):
        await BubblewrapSandbox(bwrap=refusing).require()
