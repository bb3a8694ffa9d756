"""A typed function with a docstring is a tool."""

from dataclasses import dataclass
from typing import Any, Literal, TypedDict

import pytest

from glmos.abi.errors import DeviceError, UsageError
from glmos.abi.tools import Failure, ToolCall
from glmos.ports import Tool
from glmos.tools.declare import ActionTool, ToolFailed, action, tool

pytestmark = pytest.mark.anyio


@dataclass
class Point:
    x: int
    y: int = 0


class Options(TypedDict, total=False):
    colour: str


@tool(effect="pure")
def area(width: float, height: float = 1.0, unit: Literal["m", "cm"] = "m") -> str:
    """The area of a rectangle.

    Args:
        width: Its width,
            in the unit.
        unit: Of both sides.
    """
    return f"{width * height} {unit}2"


def test_schema_comes_from_signature_and_docstring() -> None:
    assert area.spec.name == "area"
    assert area.spec.summary == "The area of a rectangle."
    assert area.spec.actions[0].effect == "pure"
    assert area.spec.parameters == {
        "type": "object",
        "properties": {
            "width": {"type": "number", "description": "Its width, in the unit."},
            "height": {"type": "number", "default": 1.0},
            "unit": {"type": "string", "enum": ["cm", "m"], "default": "m", "description": "Of both sides."},
        },
        "required": ["width"],
    }


def test_function_stays_callable() -> None:
    assert area(2, 3) == "6 m2"


async def test_arguments_are_converted_and_the_function_called(run: Any) -> None:
    assert (await run(area, width=2, height="3.5", unit="cm")).text == "7.0 cm2"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "needs the argument 'width'"),
        ({"width": "wide"}, "width"),
        ({"width": 1, "hight": 2}, "did you mean 'height'?"),
        ({"width": 1, "unit": "mile"}, "unit"),
        ({"width": [1]}, "width"),
        ({"width": "\ud800"}, "valid Unicode"),
        ({"width": object()}, "valid Unicode"),
    ],
)
async def test_wrong_arguments_are_answered_with_what_was_wrong(run: Any, arguments: dict[str, Any], said: str) -> None:
    failure = (await run(area, **arguments)).failure
    assert failure is not None
    assert failure.kind == "bad_arguments"
    assert said in failure.message


def test_arguments_may_be_named_like_keywords_of_a_schema() -> None:
    @tool(effect="pure")
    def odd(title: str, default: Any, enum: list[str], required: bool = False, properties: str = "") -> str:
        """Odd."""
        return title

    assert list(odd.spec.parameters["properties"]) == ["title", "default", "enum", "required", "properties"]
    assert odd.spec.parameters["required"] == ["title", "default", "enum"]


async def test_null_for_an_optional_argument_means_its_default(run: Any) -> None:
    assert (await run(area, width=2, height=None)).text == "2.0 m2"


async def test_structured_arguments_and_results(run: Any) -> None:
    @tool(effect="pure")
    def corners(points: list[Point], options: Options | None = None, names: dict[str, int] | None = None) -> Any:
        """Corners."""
        return {"n": len(points), "first": points[0], "options": options, "名": names}

    result = await run(corners, points=[{"x": 1, "y": 2}], options={"colour": "红"})
    assert result.data["value"] == {"n": 1, "first": {"x": 1, "y": 2}, "options": {"colour": "红"}, "名": None}
    assert "红" in result.text
    assert set(corners.spec.parameters["$defs"]) == {"Point", "Options"}


async def test_mutable_default_is_not_shared_between_calls(run: Any) -> None:
    @tool(effect="pure")
    def collect(item: str, into: list[str] = []) -> list[str]:  # noqa: B006
        """Collect."""
        into.append(item)
        return into

    await run(collect, item="a")
    assert (await run(collect, item="b")).data["value"] == ["b"]


async def test_what_a_function_raises_is_data(run: Any) -> None:
    @tool(effect="pure")
    def divide(a: int, b: int) -> float:
        """Divide."""
        return a / b

    failure = (await run(divide, a=1, b=0)).failure
    assert failure == Failure("failed", "ZeroDivisionError: division by zero")


async def test_a_broken_device_is_an_exception(run: Any) -> None:
    @tool(effect="pure")
    async def broken() -> str:
        """Broken."""
        raise DeviceError("the printer is on fire")

    with pytest.raises(DeviceError):
        await run(broken)


async def test_the_call_can_be_asked_for_and_is_not_in_the_schema(run: Any) -> None:
    @tool(effect="irreversible", hidden=("secret",))
    async def whoami(call: ToolCall, secret: str = "") -> str:
        """Who."""
        return f"{call.pid} {call.call} {secret}"

    assert whoami.spec.parameters["properties"] == {}
    assert (await run(whoami, secret="x")).text == "1 c1 x"


async def test_results_are_always_encodable_and_labelled(run: Any) -> None:
    @tool(effect="pure")
    def odd() -> str:
        """Odd."""
        return "a\ud800b"

    result = await run(odd)
    assert result.text == "a?b"
    assert result.label.integrity == "untrusted"
    assert result.label.sources == ("call:c1",)


def test_declarations_that_a_model_could_not_use_are_refused() -> None:
    def undocumented(x: int) -> int:
        return x

    def strange(x: pytest.Item) -> int:
        """Strange."""
        return 1

    def variadic(*x: int) -> int:
        """Variadic."""
        return 1

    for function in (undocumented, strange, variadic):
        with pytest.raises(UsageError):
            tool(effect="pure")(function)


class Counter(ActionTool, name="counter"):
    """Counts."""

    def __init__(self) -> None:
        self.count = 0

    @action(effect="pure")
    async def show(self) -> str:
        """the count"""
        return str(self.count)

    @action(effect="compensable", compensated_by="show")
    def add(self, amount: int, reason: str = "") -> str:
        """add to it

        Args:
            amount: How much.
        """
        if amount < 0:
            raise ToolFailed("bad_arguments", "No negative amounts.")
        self.count += amount
        return str(self.count)


def test_actions_share_one_schema() -> None:
    device: Tool = Counter()
    assert [a.name for a in device.spec.actions] == ["show", "add"]
    assert device.spec.parameters["properties"]["action"] == {"type": "string", "enum": ["show", "add"]}
    assert device.spec.parameters["required"] == ["action"]
    assert device.spec.description == "Counts.\nshow(): the count\nadd(amount, reason?): add to it"


async def test_actions_keep_state_and_ignore_each_others_arguments(run: Any) -> None:
    counter = Counter()
    await run(counter, "add", amount=2)
    assert (await run(counter, "show", action="show", amount=7)).text == "2"
    assert (await run(counter, "show", nonsense=7)).failure.kind == "bad_arguments"
    assert (await run(counter, "add", amount=-1)).failure.message == "No negative amounts."
    assert "it has show, add" in (await run(counter, "erase")).failure.message
