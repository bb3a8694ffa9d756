"""Settings: one frozen tree from defaults, `glmos.toml` and the environment, and where each value came from."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from glmos.abi.api import SettingView
from glmos.abi.errors import UsageError
from glmos.tools.database import sources

FILE = "glmos.toml"

DEFAULTS: dict[str, Any] = {
    "default_model": "",
    "critic_model": "",
    "check.critic": True,
    "limits.max_attempts": 3,
    "limits.max_revisions": 5,
    "limits.max_turns": 40,
    "runtime.model_calls_at_once": 256,
    "runtime.tools_at_once": 8,
}
"""Dotted name to default. A name that is not here, and not below `models` or `databases`, is a mistake worth saying."""

ENVIRONMENT = {"GLMOS_MODEL": "default_model"}


class Settings(NamedTuple):
    values: dict[str, Any]
    origins: dict[str, str]
    models: dict[str, Any]
    """The tables `[models.NAME]`, as they stand in the file."""
    databases: dict[str, Any] = {}  # noqa: RUF012  (never changed)
    """The tables `[databases.NAME]`, as they stand in the file."""

    def views(self) -> list[SettingView]:
        """What `glmos config` prints. Keys and the like are never among the settings."""
        fixed = [SettingView(k, str(v), self.origins[k]) for k, v in self.values.items()]
        named = [SettingView(f"models.{k}", _shown(v), FILE) for k, v in self.models.items()]
        places = [SettingView(f"databases.{k}", sources.shown(v), FILE) for k, v in self.databases.items()]
        return fixed + named + places


def _shown(table: Any) -> str:
    if not isinstance(table, dict):
        return str(table)
    return ", ".join(f"{k}={v}" for k, v in table.items() if k not in ("key", "api_key"))


def load(home: Path, environ: Mapping[str, str]) -> Settings:
    """Read the settings of a home.

    Raises:
        UsageError: The file cannot be read or parsed, or has a name or a type that means nothing.
    """
    path = home / FILE
    values = dict(DEFAULTS)
    origins = dict.fromkeys(values, "default")
    table = _read(path)
    named: dict[str, Any] = {}
    for name in ("models", "databases"):
        named[name] = table.pop(name, {})
        if not isinstance(named[name], dict):
            raise UsageError(f"{name!r} in {str(path)!r} must be tables such as [{name}.NAME]")
    for name, value in _flat(table):
        if name not in DEFAULTS:
            raise UsageError(
                f"{name!r} in {str(path)!r} is no setting; there are: {', '.join(DEFAULTS)}, [models.NAME], [databases.NAME]"
            )
        if type(value) is not type(DEFAULTS[name]):
            wanted = type(DEFAULTS[name]).__name__
            raise UsageError(f"{name!r} in {str(path)!r} must be of type {wanted}, not {value!r}")
        values[name], origins[name] = value, FILE
    for variable, name in ENVIRONMENT.items():
        if environ.get(variable):
            values[name], origins[name] = environ[variable], variable
    return Settings(values, origins, named["models"], named["databases"])


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"the settings in {str(path)!r} cannot be read: {error}") from error


def _flat(table: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, value in table.items():
        name = f"{prefix}{key}"
        found += _flat(value, f"{name}.") if isinstance(value, dict) else [(name, value)]
    return found
