"""The fixed part of every prompt stays small, whatever is installed."""

import msgspec

from glmos.context.head import SYSTEM
from glmos.kernel import syscalls
from glmos.kernel.process import Process
from glmos.kernel.rules import Rules
from glmos.tools.database.sources import Source
from glmos.tools.registry import standard_tools

DATABASES = {name: Source(name, "PostgreSQL", f"postgresql://{name}") for name in ("warehouse", "shop", "客户")}


def test_the_fixed_prompt_with_all_standard_tools_is_under_1500_tokens() -> None:
    """Four characters a token, the usual estimate for English and JSON."""
    process, rules = Process(1, 1, "g"), Rules(tools={t.spec.name: t.spec for t in standard_tools(DATABASES)})
    functions = [{"type": "function", "function": x} for x in syscalls.offered(process, rules)]
    index = "".join(f"- {name}: {summary}\n" for name, summary in syscalls.index(process, rules))
    assert len(msgspec.json.encode(functions)) + len(SYSTEM) + len(index) < 4 * 1_500


def test_a_tool_without_a_function_of_its_own_is_in_the_index() -> None:
    process, rules = Process(1, 1, "g"), Rules(tools={t.spec.name: t.spec for t in standard_tools()})
    assert "files" in dict(syscalls.index(process, rules))
    assert "files" not in [x.name for x in syscalls.offered(process, rules)]
