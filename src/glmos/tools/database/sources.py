"""Which databases there are: the tables `[databases.NAME]` of the settings, checked. Addresses stay on this side."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

from glmos.abi.errors import UsageError

KEYS = ("url", "path", "read_only")
_NAME = re.compile(r"[\w-]{1,60}")
_SCHEMES = ("postgresql", "postgres")
_SECRETS = ("password", "passfile", "sslpassword")


class Source(NamedTuple):
    """A database that processes may use under its name."""

    name: str
    kind: Literal["SQLite", "PostgreSQL"]
    address: str
    """A file's path, or a URL that may hold a password: for the engine alone, never for a model."""
    read_only: bool = False

    @property
    def secrets(self) -> tuple[str, ...]:
        """Parts of the address that must not stand in a message."""
        if self.kind == "SQLite":
            return ()
        parts = urlsplit(self.address)
        options = [value for key, value in parse_qsl(parts.query) if key in (*_SECRETS, "user", "host")]
        return tuple(x for x in (parts.password, parts.username, parts.hostname, *options) if x)


def read_sources(tables: Mapping[str, Any], home: Path) -> dict[str, Source]:
    """The databases of a home.

    Raises: UsageError that names the table and what is wrong with it.
    """
    return {name: _read(name, table, home) for name, table in tables.items()}


def _read(name: str, table: Any, home: Path) -> Source:
    where = f"[databases.{name}]"
    if not _NAME.fullmatch(name):
        raise UsageError(f"{where}: a database's name is made of letters, digits, '_' and '-'.")
    if not isinstance(table, dict) or ("url" in table) == ("path" in table):
        raise UsageError(f'{where} needs either `url = "postgresql://..."` or `path = "/.../file.sqlite"`.')
    unknown = [key for key in table if key not in KEYS]
    if unknown:
        raise UsageError(f"{where} has {unknown[0]!r}, which means nothing; there are: {', '.join(KEYS)}.")
    read_only = table.get("read_only", False)
    if not isinstance(read_only, bool):
        raise UsageError(f"{where}: `read_only` is true or false, not {read_only!r}.")
    if "url" in table:
        return Source(name, "PostgreSQL", _url(where, table["url"]), read_only)
    return Source(name, "SQLite", str(_path(where, table["path"], home)), read_only)


def _url(where: str, value: Any) -> str:
    if not isinstance(value, str) or urlsplit(value).scheme not in _SCHEMES:
        raise UsageError(f'{where}: `url` is written like "postgresql://user@host:5432/database".')
    return value


def _path(where: str, value: Any, home: Path) -> Path:
    path = Path(value).expanduser() if isinstance(value, str) else Path()
    if not path.is_absolute():
        raise UsageError(f"{where}: `path` must be a file's whole path, such as /home/me/books.sqlite.")
    if path.resolve().is_relative_to(home.resolve()):
        raise UsageError(
            f"{where}: {value!r} lies in the home of GLM-OS, whose files are its own; what lies in a workspace programs "
            "open there, and undo restores it there."
        )
    return path


def shown(table: Any) -> str:
    """A table of the settings as a person may see it on a screen: without passwords."""
    if not isinstance(table, dict):
        return str(table)
    return ", ".join(f"{key}={_masked(str(value)) if key == 'url' else value}" for key, value in table.items())


def _masked(url: str) -> str:
    parts = urlsplit(url)
    place = parts.netloc
    if parts.password:
        place = place.replace(f":{parts.password}@", ":***@")
    query = [(key, "***" if key in _SECRETS else value) for key, value in parse_qsl(parts.query)]
    return parts._replace(netloc=place, query=urlencode(query, safe="*/")).geturl()
