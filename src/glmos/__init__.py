"""GLM-OS: a computing system with a large language model as its processor.

    async with glmos.open("~/.glmos") as system:
        report = await system.run("Which region had the highest sales in 2025?", files=["sales.csv"])
        print(report.answer, report.status)

Everything here is imported when it is first used, so that `import glmos` costs nothing.
"""

TYPE_CHECKING = False  # `typing` itself would cost more than the rest; checkers know the name
if TYPE_CHECKING:
    from typing import Any

    from glmos.embed import open as open
    from glmos.tools.declare import tool as tool

__version__ = "0.1.0"
__all__ = ["open", "tool"]


def __getattr__(name: str) -> "Any":
    if name == "open":
        from glmos.embed import open as embedded

        return embedded
    if name == "tool":
        from glmos.tools.declare import tool

        return tool
    raise AttributeError(f"module 'glmos' has no attribute {name!r}")
