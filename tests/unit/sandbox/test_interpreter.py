"""The sandbox sees the Python that runs GLM-OS, and no more of the host than that."""

import os
import sys
from pathlib import Path

import pytest

from glmos.abi.errors import SandboxError
from glmos.ports import SandboxLimits
from glmos.sandbox.interpreter import Interpreter, current_interpreter
from glmos.sandbox.profile import Inside, build

INSIDE = Inside(["python", "x.py"], Path("/home/me/work"), True, None, {}, SandboxLimits())


def binds(interpreter: Interpreter, *, staged: bool = False) -> dict[str, str]:
    """What is bound where."""
    profile = build(INSIDE, interpreter, staged=staged, features=frozenset(["--size", "--perms"]))
    for descriptor in profile.descriptors:
        os.close(descriptor)
    words = profile.arguments
    return {words[at + 2]: words[at + 1] for at, word in enumerate(words) if word in ("--bind", "--ro-bind")}


def interpreter(*paths: str, executable: str = "/home/me/venv/bin/python") -> Interpreter:
    return Interpreter(Path(executable), (Path(executable).parent,), tuple(map(Path, paths)), ())


def test_every_part_of_this_python_is_shown_where_it_is() -> None:
    found = current_interpreter()
    needed = [Path(os.__file__), Path(sys.executable).resolve(), Path(sys.modules["anyio"].__file__ or "")]
    for path in needed:
        shown = any(path.is_relative_to(folder) for folder in found.paths)
        assert shown or path.is_relative_to("/usr"), path


def test_no_folder_around_the_interpreter_is_shown() -> None:
    """A virtual environment may lie in a home, and the folder of a script is on `sys.path`."""
    for path in current_interpreter().paths:
        assert not Path.home().is_relative_to(path)
        assert not Path.cwd().is_relative_to(path)
        assert path not in (Path(sys.prefix), Path(sys.base_prefix))


def test_nothing_is_bound_below_another_bind() -> None:
    paths = current_interpreter().paths
    assert not any(one != other and one.is_relative_to(other) for one in paths for other in paths)


def test_what_the_system_folders_show_is_not_bound_again() -> None:
    assert set(binds(interpreter("/usr/lib/python3", "/home/me/venv/lib"))) == {"/home/me/venv/lib", "/workspace"}


def test_a_root_that_has_given_up_its_uid_is_given_staged_places() -> None:
    found = binds(interpreter("/root/venv/lib"), staged=True)
    assert found == {"/root/venv/lib": "/tmp/0", "/workspace": "/tmp/1"}


def test_an_interpreter_in_the_sandboxes_own_places_is_refused_with_a_way_out() -> None:
    with pytest.raises(SandboxError, match=r"lies in '/workspace/.venv/lib'.*virtual environment elsewhere"):
        binds(interpreter("/workspace/.venv/lib"))


def test_python_is_the_interpreter_and_other_programs_are_themselves() -> None:
    def last(argv: list[str]) -> list[str]:
        inside = INSIDE._replace(argv=argv)
        profile = build(inside, interpreter(), staged=False, features=frozenset())
        for descriptor in profile.descriptors:
            os.close(descriptor)
        return profile.arguments[-len(argv) :]

    assert last(["python", "-c", "x"]) == ["/home/me/venv/bin/python", "-c", "x"]
    assert last(["sh", "-c", "python"]) == ["sh", "-c", "python"]


def test_an_older_bubblewrap_is_asked_only_for_what_it_knows() -> None:
    profile = build(INSIDE, interpreter(), staged=False, features=frozenset())
    for descriptor in profile.descriptors:
        os.close(descriptor)
    assert {"--size", "--perms", "--disable-userns"}.isdisjoint(profile.arguments)
    newer = build(INSIDE, interpreter(), staged=False, features=frozenset(["--size", "--perms", "--disable-userns"]))
    for descriptor in newer.descriptors:
        os.close(descriptor)
    assert {"--size", "--perms", "--disable-userns"}.issubset(newer.arguments)
