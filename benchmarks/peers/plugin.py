"""The benchmark's tools as an installed package, so that a daemon finds them as it finds anybody's.

    with Daemon(home, environ=plugin.installed(folder)) as daemon: ...

`step` is pure, `send` cannot be taken back. Both note each start in the file GLMOS_BENCH_LEDGER, and wait for ever in the
step GLMOS_BENCH_HANG if that is set.
"""

from pathlib import Path

CODE = '''\
import os

import anyio
import glmos
from glmos.abi.tools import ToolCall

HANG = int(os.environ.get("GLMOS_BENCH_HANG", "-1"))
LEDGER = os.environ.get("GLMOS_BENCH_LEDGER", "")


async def _act(word, call, i):
    if LEDGER:
        fd = os.open(LEDGER, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        os.write(fd, f"{word} {i} {call.pid}\\n".encode())
        os.close(fd)
    if i == HANG:
        await anyio.sleep_forever()
    return f"receipt-{i}"


@glmos.tool(effect="pure", resident=True)
async def step(i: int, call: ToolCall) -> str:
    """Do step i and report its result.

    Args:
        i: The number of the step.
    """
    return await _act("step", call, i)


@glmos.tool(effect="irreversible", resident=True)
async def send(i: int, call: ToolCall) -> str:
    """Send message i and report its result.

    Args:
        i: The number of the message.
    """
    return await _act("send", call, i)


tools = [step, send]
'''


def installed(folder: Path, *, ledger: Path | None = None, hang: int = -1) -> dict[str, str]:
    """Put the package into `folder`; give the environment in which it is found."""
    folder.mkdir(exist_ok=True)
    (folder / "glmos_bench_tools.py").write_text(CODE, encoding="utf-8")
    about = folder / "glmos_bench_tools-1.dist-info"
    about.mkdir(exist_ok=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: glmos-bench-tools\nVersion: 1\n", encoding="utf-8")
    (about / "entry_points.txt").write_text("[glmos.tools]\nbench = glmos_bench_tools:tools\n", encoding="utf-8")
    environ = {"PYTHONPATH": str(folder), "GLMOS_BENCH_HANG": str(hang)}
    return environ | ({"GLMOS_BENCH_LEDGER": str(ledger)} if ledger is not None else {})
