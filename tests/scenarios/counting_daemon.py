"""A daemon with the real kernel, runtime and journal and a scripted model. With `shell` first, the command line to it.

The model counts three sheep with the `note` tool, one call each, and ends. It waits before each reply until
the file `go-N` lies in the home, so that a test decides how far the process gets.
"""

import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import anyio

from glmos.abi.messages import ModelReply, ModelRequest
from glmos.ports import System
from glmos.testing.models import ScriptedModel, call
from tests.scenarios.notebook import Note
from tests.scenarios.stored import run, stored

SHEEP = 3


@asynccontextmanager
async def open_counting(home: Path, environ: Mapping[str, str]) -> AsyncGenerator[System]:
    async def count(request: ModelRequest) -> ModelReply:
        outputs = [m.content for m in request.messages if m.role == "tool" and "noted: sheep" in m.content]
        noted = len(outputs)
        while not (home / f"go-{noted}").exists():  # noqa: ASYNC110  (the event comes from another program)
            await anyio.sleep(0.01)
        if noted < SHEEP:
            return call("note", text=f"sheep 羊 {noted}")
        last = {"claim": "sheep are there", "call": outputs[-1].split("]")[0].strip("["), "quote": "noted: sheep"}
        return call("finish", result="The sheep are counted.", claims=[last])

    async with stored(home, ScriptedModel(count), [Note()]) as system:
        yield system


if __name__ == "__main__":
    sys.exit(run(__file__, open_counting))
