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

FREE_TABLES = ("models.", "databases.")
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
    if name is None or (value is None and not unset):
        return _show(shell, shell.use(lambda system: system.settings()), name, as_json=as_json)
    return _change(shell, name, value, as_json=as_json)


def _change(shell: Shell, name: str, value: str | None, *, as_json: bool) -> int:
    """Write the setting and start the daemon with it; if that fails, put the file back as it was."""
    from glmos.abi.errors import GlmosError

    try:
        current = _current(shell.use(lambda system: system.settings()), name)
        started = True
    except GlmosError:  # perhaps for the very setting that is being mended
        current, started = None, False
    path = shell.home / "glmos.toml"
    before = path.read_bytes() if path.exists() else None
    write_setting(path, name, None if value is None else _value(value, current))
    if started and not shell.use(lambda system: system.shutdown(only_if_idle=True)):
        shell.terminal.say(f"Written to {str(path)!r}; it holds when the daemon, busy now, starts again.")
        return exits.OK
    try:
        settings = shell.use(lambda system: system.settings())
    except GlmosError:
        if started:
            _put_back(path, before)
        raise
    shell.terminal.say(f"Written to {str(path)!r}.")
    if as_json:
        shell.terminal.json([setting for setting in settings if setting.name == name])
    return exits.OK


def _show(shell: Shell, settings: "list[SettingView]", name: str | None, *, as_json: bool) -> int:
    from glmos.cli.text import table

    if name is not None:
        settings = [s for s in settings if s.name.startswith(f"{name}.")] or [_named(settings, name)]
    if as_json:
        shell.terminal.json(settings)
    elif name is not None and len(settings) == 1:
        shell.terminal.result(settings[0].value)
    else:
        rows = [(setting.name, setting.origin, setting.value) for setting in settings]
        shell.terminal.result(table(("NAME", "ORIGIN", "VALUE"), rows, columns=shell.terminal.out_columns))
    return exits.OK


def _current(settings: "list[SettingView]", name: str) -> str | None:
    """The value it has; None in a free table."""
    return None if name.startswith(FREE_TABLES) else _named(settings, name).value


def _put_back(path: Path, before: bytes | None) -> None:
    if before is None:
        path.unlink(missing_ok=True)
    else:
        _replace(path, before.decode())


def _named(settings: "list[SettingView]", name: str) -> "SettingView":
    import difflib

    for setting in settings:
        if setting.name == name:
            return setting
    near = difflib.get_close_matches(name, [setting.name for setting in settings], n=1)
    hint = f"did you mean {near[0]!r}?" if near else "`glmos config` lists them."
    raise click.UsageError(f"There is no setting {name!r}: {hint}")


def write_setting(path: Path, name: str, value: Any) -> None:
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
            if value is None:
                return
            place[table] = tomlkit.table()
        place = place[table]
        if not hasattr(place, "keys"):
            raise click.UsageError(f"{name!r} cannot be set: {table!r} is a single value in {str(path)!r}.")
    if value is None:
        place.pop(key, None)
    else:
        place[key] = value
    _replace(path, tomlkit.dumps(document))


def _value(text: str, current: str | None) -> Any:
    """`text` as what the setting holds, told from the value it has; in a free table, as what it looks like."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    if current in {"True", "False"} and text.lower() in {"true", "false"}:
        return text.lower() == "true"
    if current is not None and not current.replace(".", "", 1).isdigit():
        return text
    try:
        value: Any = tomlkit.value(text).unwrap()
    except TOMLKitError:
        return text
    return value if isinstance(value, bool | int | float | str | list | dict) else text


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
