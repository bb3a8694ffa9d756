"""SQL from files in which every query has a name, so that SQL is read and changed as SQL.

-- name_of_query --
-- What it is for.
SELECT ...
"""

import re
from functools import cache
from importlib.resources import files

PACKAGE = "glmos.journal.stores"
_NAME = re.compile(r"^-- (\w+) --$", re.MULTILINE)


@cache
def queries(name: str) -> dict[str, str]:
    """The queries of `sql/{name}.sql` by name."""
    _, *parts = _NAME.split(_text(f"{name}.sql"))
    return {key: text.strip() for key, text in zip(parts[::2], parts[1::2], strict=True)}


@cache
def migrations() -> tuple[tuple[str, str], ...]:
    """Names and scripts of `sql/migrations/`, in order. The schema version is how many were run."""
    folder = files(PACKAGE) / "sql" / "migrations"
    names = sorted(file.name for file in folder.iterdir() if file.name.endswith(".sql"))
    return tuple((name.removesuffix(".sql"), _text(f"migrations/{name}")) for name in names)


def _text(path: str) -> str:
    return (files(PACKAGE) / "sql" / path).read_text(encoding="utf-8")
