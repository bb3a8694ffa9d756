"""`glmos config`: every setting with where its value came from, and changing one."""

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glmos.cli import exits
from glmos.cli.shell import Shell, json_option, pass_shell

if TYPE_CHECKING:
    from glmos.abi.api import SettingView

FREE_TABLES = ("models.", "prices.", "agents.", "mcp.")
"""Tables whose entries the person names, so that they are in no list."""


@click.command()
@click.argument("name", required=False)
@click.argument("value", required=False)
@click.option("--unset", is_flag=True, help="Take NAME out of the file again.")
@json_option
@pass_shell
def config(shell: Shell, name: str | None, value: str | None, unset: bool, as_json: bool) -> int:
    """Print the settings, or change one.

    With NAME only that one is printed; with VALUE it is written to glmos.toml in the home.
    A dot reaches into a table: `glmos config models.mine.base_url http://localhost:8000/v1`.
    """
    if unset and (name is None or value is not None):
        raise click.UsageError("--unset takes the name of one setting.")
    settings = shell.use(lambda system: system.settings())
    if name is not None and not name.startswith(FREE_TABLES):
        settings = [_named(settings, name)] if value is None and not unset else [_named(settings, name), *settings]
    if name is None or (value is None and not unset):
        return _show(shell, settings, name, as_json=as_json)
    path = shell.home / "glmos.toml"
    write_setting(path, name, value)
    _take_effect(shell, path)
    if as_json:
        shell.terminal.json([s for s in shell.use(lambda system: system.settings()) if s.name == name])
    return exits.OK


def _show(shell: Shell, settings: "list[SettingView]", name: str | None, *, as_json: bool) -> int:
    from glmos.cli.text import table

    if name is not None:
        settings = [s for s in settings if s.name == name or s.name.startswith(f"{name}.")]
    if as_json:
        shell.terminal.json(settings)
    elif name is not None and len(settings) == 1:
        shell.terminal.result(settings[0].value)
    else:
        rows = [(setting.name, setting.origin, setting.value) for setting in settings]
        shell.terminal.result(table(("NAME", "ORIGIN", "VALUE"), rows, columns=shell.terminal.out_columns))
    return exits.OK


def _named(settings: "list[SettingView]", name: str) -> "SettingView":
    import difflib

    for setting in settings:
        if setting.name == name:
            return setting
    near = difflib.get_close_matches(name, [setting.name for setting in settings], n=1)
    hint = f"did you mean {near[0]!r}?" if near else "`glmos config` lists them."
    raise click.UsageError(f"There is no setting {name!r}: {hint}")


def _take_effect(shell: Shell, path: Path) -> None:
    """A daemon reads its settings when it starts: stop it if nothing runs."""
    stopped = shell.use(lambda system: system.shutdown(only_if_idle=True))
    when = "It holds from the next command on." if stopped else "It holds when the daemon, busy now, starts again."
    shell.terminal.say(f"Written to {str(path)!r}. {when}")


def write_setting(path: Path, name: str, text: str | None) -> None:
    """Set `name` in the TOML file at `path`, or remove it (None); comments and order stay. All or nothing."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        document = tomlkit.parse(path.read_text("utf-8")) if path.exists() else tomlkit.document()
    except (TOMLKitError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{str(path)!r} is not valid TOML ({error}): mend it first.") from error
    *tables, key = name.split(".")
    if not key or not all(tables):
        raise click.UsageError(f"{name!r} is not the name of a setting.")
    place: Any = document
    for table in tables:
        if table not in place:
            if text is None:
                return
            place[table] = tomlkit.table()
        place = place[table]
        if not hasattr(place, "keys"):
            raise click.UsageError(f"{name!r} cannot be set: {table!r} is a single value in {str(path)!r}.")
    if text is None:
        place.pop(key, None)
    else:
        place[key] = _value(text)
    _replace(path, tomlkit.dumps(document))


def _value(text: str) -> bool | int | float | str:
    """A number and a truth value as such, everything else as text."""
    if text in {"true", "false"}:
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


def _replace(path: Path, content: str) -> None:
    """Write it beside, make it durable, and put it in place at once. A link stays a link."""
    path = path.resolve()
    try:
        descriptor, beside = tempfile.mkstemp(dir=path.parent, prefix=".glmos.toml.")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(beside).replace(path)
    except OSError as error:
        raise click.UsageError(f"{str(path)!r} cannot be written ({error.strerror}).") from error
