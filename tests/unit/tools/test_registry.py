"""Tools are found by name, wherever they come from."""

from importlib.metadata import EntryPoint

import pytest

from glmos.abi.errors import NotFoundError, UsageError
from glmos.tools.declare import tool
from glmos.tools.registry import Registry, installed


@tool(effect="pure")
def greet(name: str) -> str:
    """Greet."""
    return f"你好, {name}"


def several() -> list[object]:
    return [greet]


NOT_A_TOOL = [3]


def point(name: str, attribute: str) -> EntryPoint:
    return EntryPoint(name, f"{__name__}:{attribute}", "glmos.tools")


def test_an_unknown_name_is_answered_with_what_is_installed() -> None:
    with pytest.raises(NotFoundError, match="no tool 'tabels'; did you mean 'tables'\\? installed are files, python"):
        installed(plugins=[]).get("tabels")


def test_a_name_is_given_once() -> None:
    with pytest.raises(UsageError, match="already"):
        Registry([greet, greet])


def test_packages_bring_tools_and_broken_ones_hinder_nothing(recwarn: pytest.WarningsRecorder) -> None:
    class Loaded(EntryPoint):
        def load(self) -> object:
            return {"greet": greet, "several": several, "bad": NOT_A_TOOL}[self.value]

    registry = installed(
        plugins=[
            Loaded("greet", "several", "glmos.tools"),
            Loaded("bad", "bad", "glmos.tools"),
            point("gone", "nowhere"),
        ]
    )
    assert registry.get("greet") is greet
    assert [broken.name for broken in registry.broken] == ["bad", "gone"]
    with pytest.raises(NotFoundError, match="'gone' \\("):
        registry.get("gone")
    assert "tables" in registry and len(registry) == 5
