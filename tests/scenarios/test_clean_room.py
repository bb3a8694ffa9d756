"""Checks that run programs are not swayed by what the doer put beside its work."""

from pathlib import Path
from typing import Any

import pytest

from glmos.abi.events import CheckFinished
from glmos.runtime.clean_room import takes_part
from glmos.testing.models import call
from glmos.testing.world import world
from glmos.tools.files import Files
from glmos.tools.shell import Shell

pytestmark = pytest.mark.anyio

WRONG = "def double(x):\n    return x + 1\n"
TEST = "from calc import double\n\ndef test_double():\n    assert double(4) == 8\n"
PYTEST = {"kind": "command", "command": "PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 python -m pytest -q test_calc.py"}


async def verdict(folder: Path, check: dict[str, Any], *files: tuple[str, str], shell: str = "true") -> tuple[str, str]:
    """How a check of work that was prepared so ends, and what it said."""
    (folder / "test_calc.py").write_text(TEST)
    steps = [{"id": "a", "goal": "fix it", "checks": [check]}, {"id": "b", "goal": "say so"}]
    writes = [call("use", tool="files", arguments={"action": "write", "path": p, "text": t}) for p, t in files]
    script = [
        call("plan", steps=steps), *writes, call("shell", command=shell), call("finish", result="fixed"),
        call("give_up", reason="enough"),
    ]  # fmt: skip
    async with world(folder / "home", script, tools=[Files(), Shell()]) as w:
        report = await w.system.run("repair calc", files=[folder / "test_calc.py"])
        checks = [x.event for x in await w.system.log(report.pid) if isinstance(x.event, CheckFinished)]
    found = next(x for x in checks if x.kind == check["kind"])
    return found.outcome, found.detail


RIGHT = "def double(x):\n    return 2 * x\n"
SKIP_ALL = "def pytest_collection_modifyitems(items):\n    items.clear()\n"
PASS_ALL = "import pytest\n@pytest.hookimpl(tryfirst=True)\ndef pytest_pyfunc_call(pyfuncitem):\n    return True\n"


async def test_right_work_passes(tmp_path: Path) -> None:
    assert (await verdict(tmp_path, PYTEST, ("calc.py", RIGHT)))[0] == "passed"


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ([("conftest.py", PASS_ALL)], "passes only with conftest.py"),
        ([("conftest.py", SKIP_ALL)], "AssertionError"),
        ([("pytest.ini", "[pytest]\naddopts = --collect-only\n")], "AssertionError"),
        ([("pytest.py", "print('1 passed')\n")], "passes only with pytest.py"),
        ([("sub/pytest/__init__.py", "")], "assert"),
        ([("calc.py", "import os\nprint('done')\nos._exit(0)\n")], "without saying that any test passed"),
    ],
)
async def test_wrong_work_does_not_pass_by_what_lies_beside_it(
    tmp_path: Path, files: list[tuple[str, str]], told: str
) -> None:
    outcome, detail = await verdict(tmp_path, PYTEST, ("calc.py", WRONG), *files)
    assert (outcome, told in detail) == ("failed", True), detail


async def test_compiled_code_beside_its_source_is_not_run(tmp_path: Path) -> None:
    compiled = "cfile='__pycache__/calc.cpython-311.pyc', invalidation_mode=p.PycInvalidationMode.UNCHECKED_HASH"
    poison = (
        "printf 'def double(x):\\n    return 2 * x\\n' > good.py; "
        f"python -c \"import py_compile as p; p.compile('good.py', {compiled})\"; rm good.py"
    )
    assert (await verdict(tmp_path, PYTEST, ("calc.py", WRONG), shell=poison))[0] == "failed"


@pytest.mark.parametrize("end", ["import sys\nsys.exit(0)\n", "import os\nos._exit(0)\n", "raise SystemExit\n"])
async def test_a_module_that_ends_the_program_does_not_pass_the_check(tmp_path: Path, end: str) -> None:
    check = {"kind": "python", "code": "import calc\nassert calc.double(4) == 8"}
    outcome, detail = await verdict(tmp_path, check, ("calc.py", WRONG + end))
    assert (outcome, "before" in detail) == ("failed", True), detail


@pytest.mark.parametrize("code", ["import sys\nsys.exit(0)", "exit()", "import json\nassert json.dumps(1) == '1'"])
async def test_a_check_may_end_by_itself_and_import_what_python_has(tmp_path: Path, code: str) -> None:
    outcome, detail = await verdict(tmp_path, {"kind": "python", "code": code}, ("json.py", "raise ValueError\n"))
    assert outcome == "passed", detail


async def test_a_number_check_that_prints_nothing_fails_and_breaks_nothing(tmp_path: Path) -> None:
    check = {"kind": "number", "python": "__import__('os')._exit(0)"}
    assert (await verdict(tmp_path, check))[0] == "failed"


@pytest.mark.parametrize(
    "check",
    [
        {"kind": "file", "path": "out.txt"},
        {"kind": "file", "path": "../outside.txt"},
        {"kind": "file", "path": "/etc/hostname"},
        {"kind": "pattern", "path": "out.txt", "pattern": "."},
        {"kind": "pattern", "path": "/etc/passwd", "pattern": "."},
        {"kind": "schema", "path": "out.txt", "schema": {}},
    ],
)
async def test_a_file_outside_the_workspace_is_nobodys_work(tmp_path: Path, check: dict[str, Any]) -> None:
    (tmp_path / "outside.txt").write_text("[1]")
    assert (await verdict(tmp_path, check, shell="ln -s /etc/passwd out.txt"))[0] == "failed"


@pytest.mark.parametrize(
    ("path", "so"),
    [
        ("conftest.py", True), ("tests/conftest.py", True), ("json.py", True), ("pandas/__init__.py", True),
        (".local/lib/x.py", True), ("a.pth", True), ("calc.pyc", True), ("random.cpython-311-x86_64-linux-gnu.so", True),
        ("calc.py", False), ("json/data.json", False), ("test.py", False), ("__pycache__/calc.cpython-311.pyc", True),
    ],
)  # fmt: skip
def test_files_that_take_part_unasked_are_known_by_their_names(path: str, so: bool) -> None:
    assert takes_part(path) is so
