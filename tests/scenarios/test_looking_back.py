"""The tool `look`: what a process saw once it can see again, by its number or by its words."""

from pathlib import Path

import pytest

from glmos.abi.events import Event, KernelSpoke, ToolFinished
from glmos.abi.labels import Label
from glmos.abi.tools import Output, ToolCall, ToolResult
from glmos.journal.stores.ram import RamStore
from glmos.ports import ToolContext
from glmos.runtime.lookback import FOUND, Look
from glmos.testing.bare import BareSandbox

pytestmark = pytest.mark.anyio

LONG = "地区,金额\n" + "华东,1250000\n" * 1_000 + "Umsatz gesamt: 朱砂-7431\n" + "x" * 9_000
OUTPUTS = (
    ToolFinished("c1", Output("nothing of note"), label=Label("untrusted", ("call:c1",))),
    ToolFinished("c2", Output(LONG, size=len(LONG)), label=Label("untrusted", ("call:c2", "file:销售.csv"))),
    ToolFinished("c3", Output("Umsatz nord: 5"), label=Label(sources=("call:c3",))),
)


async def look(*events: Event, **arguments: object) -> ToolResult:
    store = RamStore()
    await store.append(1, 0, [KernelSpoke("prose", "say nothing of 朱砂"), *events], at=1.0)
    context = ToolContext(Path("/nowhere"), BareSandbox(nothing_is_isolated=True), print)
    return await Look(store).run(ToolCall(1, "c9", "look", "run", arguments), context)


async def test_an_output_is_shown_from_the_place_that_is_asked_for() -> None:
    whole = await look(*OUTPUTS, call="c2")
    assert whole.text.startswith(f"characters 0 to 5000 of {len(LONG)} of c2:\n地区,金额")
    later = await look(*OUTPUTS, call="c2", text="gesamt")
    assert "gesamt: 朱砂-7431" in later.text
    assert "file:销售.csv" in later.label.sources
    assert (await look(*OUTPUTS, call="c7")).failure is not None
    assert (await look(*OUTPUTS, call="c1", text="gesamt")).failure is not None


async def test_outputs_are_found_by_their_words_whatever_the_case() -> None:
    found = await look(*OUTPUTS, text="umsatz")
    first, second = found.text.splitlines()
    assert first.startswith("c2, character ")
    assert "Umsatz gesamt: 朱砂-7431" in first
    assert second == "c3, character 0: Umsatz nord: 5"
    assert found.label.integrity == "untrusted"
    assert {"call:c2", "call:c3", "file:销售.csv"} <= set(found.label.sources)


async def test_what_no_output_says_is_not_found() -> None:
    found = await look(*OUTPUTS, text="say nothing")
    assert found.failure is not None
    assert "stands in no output" in found.failure.message
    nothing = await look(*OUTPUTS)
    assert nothing.failure is not None
    assert nothing.failure.kind == "bad_arguments"


async def test_of_many_the_newest_are_shown() -> None:
    many = [ToolFinished(f"c{i}", Output(f"row {i}")) for i in range(1, 100)]
    lines = (await look(*many, text="row")).text.splitlines()
    assert lines[0].startswith("(older ones are not shown")
    assert len(lines) == FOUND + 1
    assert lines[-1] == "c99, character 0: row 99"
