"""From a name to a tool: the standard ones, those that installed packages bring, and a program's own functions.

A package brings tools by an entry point of the group `glmos.tools` whose object is a tool, a list of tools, or
something that gives one of these when called without arguments. A standard name cannot be taken over.
"""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Any, NamedTuple, cast

from glmos.abi.errors import NotFoundError, UsageError
from glmos.abi.ids import Pid
from glmos.abi.tools import ToolSpec
from glmos.ports import Tool
from glmos.tools.database.sources import Source

GROUP = "glmos.tools"


class Broken(NamedTuple):
    """A package's tool that could not be loaded."""

    name: str
    reason: str


class Registry:
    """Tools by name."""

    def __init__(self, tools: Iterable[Tool] = (), broken: Iterable[Broken] = ()) -> None:
        self._tools: dict[str, Tool] = {}
        self.broken: list[Broken] = list(broken)
        for tool in tools:
            self.add(tool)

    def add(self, tool: Tool) -> None:
        """Raises: UsageError when the name is taken."""
        name = tool.spec.name
        if name in self._tools:
            raise UsageError(f"There is a tool {name!r} already: give this one another name.")
        self._tools[name] = tool

    def get(self, name: str) -> Tool:
        """Raises: NotFoundError that says which tools there are."""
        if (tool := self._tools.get(name)) is not None:
            return tool
        near = difflib.get_close_matches(name, self._tools, 1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        lost = next((f" ({broken.reason})" for broken in self.broken if broken.name == name), "")
        raise NotFoundError(f"There is no tool {name!r}{lost}; {hint}installed are {', '.join(sorted(self._tools))}.")

    def specs(self) -> list[ToolSpec]:
        return [tool.spec for tool in self]

    async def release(self, pid: Pid) -> None:
        """Let every tool let go of what it holds for the process."""
        for tool in self:
            await tool.release(pid)

    def __iter__(self) -> Iterator[Tool]:
        return iter(self._tools.values())

    def __contains__(self, name: object) -> bool:
        return name in self._tools

    def __len__(self) -> int:
        return len(self._tools)


def standard_tools(databases: Mapping[str, Source] | None = None, home: str = "") -> list[Tool]:
    """The tools that every GLM-OS has, and `database` where the person has named some."""
    from glmos.tools.files import Files
    from glmos.tools.python import Python
    from glmos.tools.shell import Shell
    from glmos.tools.tables.tool import Tables

    tools: list[Tool] = [Tables(), Python(), Shell(), Files()]
    if databases:
        from glmos.tools.database.tool import Database

        tools.append(Database(databases, home=home))
    return tools


def installed(
    *,
    own: Sequence[Tool] = (),
    plugins: Iterable[EntryPoint] | None = None,
    databases: Mapping[str, Source] | None = None,
    home: str = "",
) -> Registry:
    """The standard tools, those of installed packages, and a program's `own`.

    A package whose tool cannot be loaded hinders nothing; it is listed in `broken`. `home`: a name that no other
    GLM-OS has, for databases that several of them use.
    """
    registry = Registry([*standard_tools(databases, home), *own])
    for point in entry_points(group=GROUP) if plugins is None else plugins:
        try:
            for tool in _tools_of(point.load()):
                registry.add(tool)
        except Exception as error:  # a boundary: foreign code is imported and called here
            registry.broken.append(Broken(point.name, f"{type(error).__name__}: {error}"))
    return registry


def _tools_of(loaded: Any) -> list[Tool]:
    found = loaded
    if not _is_tool(found) and callable(found):
        found = cast("Callable[[], Any]", found)()
    candidates: list[Any] = [found] if _is_tool(found) else list(found)
    if wrong := [item for item in candidates if not _is_tool(item)]:
        raise UsageError(f"{wrong[0]!r} is not a tool: it has no spec and run().")
    return candidates


def _is_tool(value: Any) -> bool:
    complete = all(callable(getattr(value, name, None)) for name in ("run", "probe", "release"))
    return not isinstance(value, type) and isinstance(getattr(value, "spec", None), ToolSpec) and complete
