"""What every `glmos.ports.Tool` must do, as a test class to inherit from.

    class TestMyTool(ToolConformance):
        examples = {"run": {"text": "hello"}}

        @pytest.fixture
        def tool(self) -> Tool:
            return MyTool()

Override the fixture `sandbox` if the tool runs anything. Mark the module with `pytest.mark.anyio`.
"""

import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import anyio
import anyio.to_thread
import jsonschema
import msgspec
import pytest

from glmos.abi.ids import Pid
from glmos.abi.tools import ToolCall, ToolResult
from glmos.ports import Sandbox, Tool, ToolContext
from glmos.testing.bare import BareSandbox

PID: Pid = 7
STARTED = "started"
"""A FIFO in the workspace; a slow example writes a line to it when it is under way."""


class Slow(NamedTuple):
    """A call that does not end by itself."""

    action: str
    arguments: Mapping[str, Any]
    tells: bool = True
    """It writes to `STARTED`. Otherwise it is cancelled as soon as it reports progress."""


HOSTILE: tuple[Any, ...] = (
    None, True, -1, 10**400, 1e308, "", " ", "\0", "\ud800", "\u202e\x1b]0;owned\x07", "../../etc/passwd", "/etc/passwd",
    "/workspace/../../etc/passwd", "; touch owned", "'; DROP TABLE x; --", "(a+)+$", "*" * 200, "x" * 100_000, "名" * 5000,
    [], [[]], {}, {"a": {"b": []}}, object(),
)  # fmt: skip


def _ignore(text: str) -> None:
    """Progress that nobody looks at."""


class ToolConformance:
    """Holds for every tool."""

    examples: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """For each action, arguments with which it succeeds in the workspace that `prepare` made."""
    slow: ClassVar[Slow | None] = None
    most: ClassVar[int] = 2400
    """Characters of JSON that a model may have to read about the tool."""

    @pytest.fixture
    def tool(self) -> Tool:
        raise NotImplementedError

    @pytest.fixture
    async def sandbox(self) -> AsyncIterator[Sandbox]:
        sandbox = BareSandbox(nothing_is_isolated=True)
        yield sandbox
        await sandbox.aclose()

    @pytest.fixture
    async def context(self, tmp_path: Path, sandbox: Sandbox, tool: Tool) -> AsyncIterator[ToolContext]:
        folder = tmp_path / "工作 '1'"
        folder.mkdir()
        self.prepare(folder)
        yield ToolContext(folder, sandbox, _ignore)
        await tool.release(PID)

    def prepare(self, workspace: Path) -> None:
        """Put files there that the examples need."""

    async def call(self, tool: Tool, context: ToolContext, action: str, arguments: Mapping[str, Any]) -> ToolResult:
        with anyio.fail_after(60):
            return await tool.run(ToolCall(PID, "c1", tool.spec.name, action, dict(arguments)), context)

    # -- what it says about itself ------------------------------------------------------------------------------------

    def test_its_parameters_are_a_json_schema_of_an_object(self, tool: Tool) -> None:
        parameters = tool.spec.parameters
        jsonschema.Draft202012Validator.check_schema(parameters)
        assert parameters["type"] == "object"
        assert set(parameters.get("required", ())) <= set(parameters["properties"])

    def test_every_action_is_declared_and_offered(self, tool: Tool) -> None:
        names = [action.name for action in tool.spec.actions]
        assert names and len(set(names)) == len(names)
        assert set(names) == set(self.examples), "give an example for each action"
        offered = tool.spec.parameters["properties"].get("action", {}).get("enum", ["run"])
        assert sorted(offered) == sorted(names)
        for action in tool.spec.actions:
            if action.effect == "compensable":
                assert action.compensated_by in names
            assert set(action.reads) | set(action.writes) <= {"workspace", "network", "person"}

    def test_its_description_is_short_and_complete(self, tool: Tool) -> None:
        spec = tool.spec
        assert spec.name.isidentifier()
        assert 0 < len(spec.summary) <= 200 and "\n" not in spec.summary
        assert len(spec.summary.split(".")[0]) <= len(spec.description)
        whole = msgspec.json.encode({"name": spec.name, "description": spec.description, "parameters": spec.parameters})
        assert len(whole) <= self.most
        for action in spec.actions if len(spec.actions) > 1 else ():
            assert action.name in spec.description

    def test_its_spec_survives_the_journal(self, tool: Tool) -> None:
        assert msgspec.json.decode(msgspec.json.encode(tool.spec), type=type(tool.spec)) == tool.spec

    # -- what it does -------------------------------------------------------------------------------------------------

    async def test_examples_succeed_and_results_can_be_journaled(self, tool: Tool, context: ToolContext) -> None:
        for action, arguments in self.examples.items():
            offered = {"action": action, **arguments} if len(tool.spec.actions) > 1 else arguments
            jsonschema.validate(offered, tool.spec.parameters)
            result = await self.call(tool, context, action, offered)
            assert result.failure is None, (action, result.failure)
            assert msgspec.json.decode(msgspec.json.encode(result), type=ToolResult).text == result.text
            assert result.label.sources
            for path in result.files:
                assert (context.workspace / path).is_relative_to(context.workspace)

    async def test_hostile_arguments_give_a_failure_or_a_result(self, tool: Tool, context: ToolContext) -> None:
        for action, arguments in self.examples.items():
            for name in arguments:
                for value in HOSTILE:
                    result = await self.call(tool, context, action, {**arguments, name: value})
                    msgspec.json.encode(result)
            for wrong in ({}, {"nonsense": 1}, {"": ""}, {**arguments, "nonsense": 1}):
                result = await self.call(tool, context, action, wrong)
                if "nonsense" in wrong:
                    assert result.failure is not None and result.failure.kind == "bad_arguments"
                msgspec.json.encode(result)

    async def test_an_unknown_action_is_answered_with_those_there_are(self, tool: Tool, context: ToolContext) -> None:
        if len(tool.spec.actions) == 1:
            pytest.skip("it has one action")
        failure = (await self.call(tool, context, "explode", {})).failure
        assert failure is not None and failure.kind == "bad_arguments"
        assert all(action.name in failure.message for action in tool.spec.actions)

    async def test_a_cancelled_call_leaves_nothing_running(
        self, tool: Tool, context: ToolContext, sandbox: Sandbox
    ) -> None:
        if self.slow is None:
            pytest.skip("it has no slow call")
        fifo = context.workspace / STARTED
        os.mkfifo(fifo)
        fifo.chmod(0o666)
        under_way = anyio.Event()

        def heard(text: str) -> None:
            under_way.set()

        call = ToolCall(PID, "c1", tool.spec.name, self.slow.action, dict(self.slow.arguments))
        watched = context._replace(progress=heard)
        with anyio.fail_after(60):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(tool.run, call, watched)
                if self.slow.tells:
                    await anyio.to_thread.run_sync(fifo.read_bytes, abandon_on_cancel=True)
                else:
                    await under_way.wait()
                tasks.cancel_scope.cancel()
        assert await sandbox.kill(PID) == 0

    async def test_it_can_be_used_again_after_release(self, tool: Tool, context: ToolContext) -> None:
        await tool.release(PID)
        action, arguments = next(iter(self.examples.items()))
        assert (await self.call(tool, context, action, arguments)).failure is None
        await tool.release(PID)
        await tool.release(PID)
        assert (await self.call(tool, context, action, arguments)).failure is None

    async def test_a_probe_answers(self, tool: Tool, context: ToolContext) -> None:
        for action, arguments in self.examples.items():
            call = ToolCall(PID, "c1", tool.spec.name, action, dict(arguments))
            outcome = (await tool.probe(call, context)).outcome
            assert outcome in ("happened", "did_not_happen", "cannot_tell")
