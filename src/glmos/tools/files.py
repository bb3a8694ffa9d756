"""The `files` tool: list, read, search, write, edit, delete and move files of the workspace.

It runs outside the sandbox on a folder whose contents are hostile, so every file is opened through `beneath`. Search
uses a matcher with a deadline: a pattern that explodes ends as a `Failure`, not as a stuck daemon.
"""

import difflib
import fnmatch
from collections.abc import Iterator
from pathlib import PurePosixPath
from time import monotonic
from typing import NamedTuple

from anyio.from_thread import check_cancelled

from glmos.abi.tools import ProbeResult, ToolCall, ToolResult
from glmos.ports import ToolContext
from glmos.tools.beneath import Item, Workspace, relative
from glmos.tools.declare import ActionTool, ToolFailed, action, untrusted
from glmos.tools.encoding import Decoded, decode

MAX_BYTES = 32 << 20
"""The largest file that is read as a whole."""
MAX_CHARACTERS = 40_000
"""The most that one `read` gives."""
MAX_ITEMS = 400
MAX_MATCHES = 100

_BINARY = (
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or Office document"),
    (b"\xd0\xcf\x11\xe0", "an old Office document"),
    (b"SQLite format 3", "an SQLite database"),
    (b"PAR1", "a Parquet file"),
    (b"\x7fELF", "a program"),
    (b"\x1f\x8b", "a gzip archive"),
)
_TABLES = {".xlsx", ".xls", ".xlsb", ".ods", ".parquet", ".db", ".sqlite", ".sqlite3"}


class _Match(NamedTuple):
    path: str
    line: int
    text: str


class Files(ActionTool, name="files", timeout=60.0):
    """List, read, search and change files in /workspace."""

    def __init__(self, search_seconds: float = 10.0) -> None:
        self._search_seconds = search_seconds

    @action(effect="pure", reads=("workspace",))
    def list(self, call: ToolCall, context: ToolContext, path: str = ".", glob: str = "") -> ToolResult:
        """all files below `path`, with sizes

        Args:
            path: File or folder.
            glob: Only these files, such as *.csv
        """
        with Workspace(context.workspace) as workspace:
            found = [item for item in workspace.walk(relative(path)) if _wanted(item, glob)]
        lines = [_listed(item) for item in found[:MAX_ITEMS]]
        if len(found) > MAX_ITEMS:
            lines.append(f"... and {len(found) - MAX_ITEMS} more: name a folder or a glob.")
        return ToolResult(
            text="\n".join(lines) or "No files.",
            data={"count": len(found)},
            label=untrusted(call),
        )

    @action(effect="pure", reads=("workspace",))
    def read(self, call: ToolCall, context: ToolContext, path: str, start: int = 1, lines: int = 0) -> ToolResult:
        """a text file

        Args:
            start: First line.
            lines: How many lines; 0 for all.
        """
        name = relative(path)
        data = _load(context, name)
        decoded = decode(data)
        label = untrusted(call, name)
        if not decoded.encoding:
            return ToolResult(text=_describe(name, data), data={"binary": True, "size": len(data)}, label=label)
        if start < 1 or lines < 0:
            raise ToolFailed("bad_arguments", "Lines are counted from 1, and a count cannot be negative.")
        everything = decoded.text.splitlines()
        if start > max(len(everything), 1):
            raise ToolFailed("bad_arguments", f"{name!r} has {len(everything)} lines, so it has no line {start}.")
        if start == 1 and not lines and len(decoded.text) <= MAX_CHARACTERS:
            shown, end = decoded.text, len(everything)
        else:
            shown, end = _excerpt(everything, start, lines)
        facts = {"lines": len(everything), "start": start, "end": end, "encoding": decoded.encoding}
        return ToolResult(text=shown + _remarks(decoded, len(everything), start, end), data=facts, label=label)

    @action(effect="pure", reads=("workspace",))
    def search(self, call: ToolCall, context: ToolContext, pattern: str, path: str = ".", glob: str = "") -> ToolResult:
        """lines that match, as file:line: text

        Args:
            pattern: Regular expression.
        """
        deadline = monotonic() + self._search_seconds
        matches: list[_Match] = []
        files: list[str] = []
        with Workspace(context.workspace) as workspace:
            for item in workspace.walk(relative(path)):
                check_cancelled()
                if item.kind != "file" or item.size > MAX_BYTES or not _wanted(item, glob):
                    continue
                files.append(item.path)
                matches.extend(_matches(workspace, item.path, pattern, deadline, MAX_MATCHES + 1 - len(matches)))
                if len(matches) > MAX_MATCHES:
                    break
        lines = [f"{match.path}:{match.line}: {match.text}" for match in matches[:MAX_MATCHES]]
        if len(matches) > MAX_MATCHES:
            lines.append(f"... only the first {MAX_MATCHES} matches are shown.")
        text = "\n".join(lines) or f"No line of {len(files)} files matches {pattern!r}."
        # Those without a match as well: that there is none rests on them.
        return ToolResult(text=text, data={"matches": len(matches)}, label=untrusted(call, *files))

    @action(effect="reversible", writes=("workspace",), can_probe=True)
    def write(self, call: ToolCall, context: ToolContext, path: str, text: str) -> ToolResult:
        """make or replace a file with `text`"""
        name = relative(path)
        with Workspace(context.workspace) as workspace:
            workspace.write(name, text.encode())
        return ToolResult(text=f"Wrote {len(text)} characters to {name}.", files=(name,), label=untrusted(call))

    @action(effect="reversible", reads=("workspace",), writes=("workspace",), can_probe=True)
    def edit(self, call: ToolCall, context: ToolContext, path: str, old: str, new: str) -> ToolResult:
        """replace the text `old`, which must occur exactly once, by `new`"""
        name = relative(path)
        decoded = decode(_load(context, name))
        if not decoded.encoding or not decoded.exact:
            raise ToolFailed("bad_arguments", f"{name!r} is not text that could be edited safely.")
        text, position, old, new = _place(decoded.text, old, new, name)
        changed = text[:position] + new + text[position + len(old) :]
        try:
            data = changed.encode(decoded.encoding)
        except UnicodeEncodeError:
            data = changed.encode()
        with Workspace(context.workspace) as workspace:
            workspace.write(name, data)
        line = text.count("\n", 0, position) + 1
        return ToolResult(text=f"Changed {name} at line {line}.", files=(name,), label=untrusted(call, name))

    @action(effect="reversible", writes=("workspace",), can_probe=True)
    def delete(self, call: ToolCall, context: ToolContext, path: str) -> ToolResult:
        """a file or a whole folder"""
        name = relative(path)
        with Workspace(context.workspace) as workspace:
            gone = workspace.delete(name)
        text = f"Deleted {name}." if len(gone) == 1 else f"Deleted {name} and the {len(gone) - 1} items in it."
        return ToolResult(text=text, data={"deleted": gone[:MAX_ITEMS]}, label=untrusted(call))

    @action(effect="reversible", writes=("workspace",), can_probe=True)
    def move(self, call: ToolCall, context: ToolContext, path: str, to: str) -> ToolResult:
        """rename `path` to `to`"""
        source, target = relative(path), relative(to)
        with Workspace(context.workspace) as workspace:
            workspace.move(source, target)
        return ToolResult(text=f"Moved {source} to {target}.", files=(target,), label=untrusted(call, source))

    async def probe(self, call: ToolCall, context: ToolContext) -> ProbeResult:
        """Each change is one atomic step, so the files themselves say whether it happened."""
        arguments = {key: value for key, value in call.arguments.items() if isinstance(value, str)}
        try:
            return self._look(call.action, arguments, context)
        except (ToolFailed, KeyError) as error:
            return ProbeResult("cannot_tell", str(error))

    def _look(self, name: str, arguments: dict[str, str], context: ToolContext) -> ProbeResult:
        path = relative(arguments["path"])
        match name:
            case "delete":
                return _outcome(not _exists(context, path))
            case "move":
                target = _exists(context, relative(arguments["to"]))
                return _outcome(target and not _exists(context, path))
            case "write":
                return _outcome(_exists(context, path) and _load(context, path) == arguments["text"].encode())
            case "edit":
                text = decode(_load(context, path)).text.replace("\r\n", "\n")
                before, after = text.count(arguments["old"]), arguments["new"] in text
                if before == 1 and arguments["old"] not in arguments["new"]:
                    return _outcome(False)
                return _outcome(True) if before == 0 and after else ProbeResult("cannot_tell")
            case _:
                return ProbeResult("cannot_tell")


def _outcome(happened: bool) -> ProbeResult:
    return ProbeResult("happened" if happened else "did_not_happen")


def _exists(context: ToolContext, name: str) -> bool:
    with Workspace(context.workspace) as workspace:
        try:
            next(workspace.walk(name), None)
        except ToolFailed:
            return False
    return True


def _load(context: ToolContext, name: str) -> bytes:
    with Workspace(context.workspace) as workspace, workspace.open(name) as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ToolFailed("too_large", f"{name!r} is larger than {MAX_BYTES >> 20} MB: use shell, python or tables.")
    return data


def _wanted(item: Item, glob: str) -> bool:
    if not glob:
        return True
    if item.kind == "folder":
        return False
    subject = item.path if "/" in glob else PurePosixPath(item.path).name
    return fnmatch.fnmatchcase(subject, glob.removeprefix("./")) or (
        glob.startswith("**/") and fnmatch.fnmatchcase(item.path, glob[3:])
    )


def _listed(item: Item) -> str:
    match item.kind:
        case "file":
            return f"{_shown(item.path)}  {item.size} bytes"
        case "folder":
            return f"{_shown(item.path)}/"
        case "link":
            return f"{_shown(item.path)}  symbolic link, not followed"
        case _:
            return f"{_shown(item.path)}  not a regular file"


def _shown(path: str) -> str:
    """A name on one line: a name with line breaks or control characters is quoted."""
    return path if path.isprintable() else repr(path)


def _describe(name: str, data: bytes) -> str:
    kind = next((what for magic, what in _BINARY if data.startswith(magic)), "a binary file")
    hint = " Read it with the tables tool." if PurePosixPath(name).suffix.lower() in _TABLES else ""
    return f"{name} is {kind} of {len(data)} bytes, not text.{hint}"


def _excerpt(everything: list[str], start: int, lines: int) -> tuple[str, int]:
    """Lines from `start` on, as many as fit; and the number of the last."""
    wanted = everything[start - 1 : start - 1 + lines] if lines else everything[start - 1 :]
    shown: list[str] = []
    size = 0
    for line in wanted:
        size += len(line) + 1
        if size > MAX_CHARACTERS and shown:
            break
        shown.append(line[:MAX_CHARACTERS] + (" ... (line cut)" if len(line) > MAX_CHARACTERS else ""))
    return "\n".join(shown), start + len(shown) - 1


def _remarks(decoded: Decoded, total: int, start: int, end: int) -> str:
    remarks: list[str] = []
    if start > 1 or end < total:
        more = f"; go on with start={end + 1}" if end < total else ""
        remarks.append(f"lines {start} to {end} of {total}{more}")
    if decoded.encoding not in ("utf-8", "utf-8-sig"):
        remarks.append(f"encoding {decoded.encoding}")
    if not decoded.exact:
        remarks.append("some bytes are not valid text and were replaced")
    return f"\n[{'; '.join(remarks)}]" if remarks else ""


def _matches(workspace: Workspace, path: str, pattern: str, deadline: float, most: int) -> Iterator[_Match]:
    import regex

    try:
        compiled = regex.compile(pattern)
    except (regex.error, RecursionError, OverflowError):
        compiled = regex.compile(regex.escape(pattern))
    try:
        with workspace.open(path) as file:
            decoded = decode(file.read(MAX_BYTES))
    except ToolFailed:  # it changed under us: not a match
        return
    for number, line in enumerate(decoded.text.splitlines(), 1):
        left = deadline - monotonic()
        try:
            if left <= 0:
                raise TimeoutError
            found = compiled.search(line, timeout=left, concurrent=True)
        except TimeoutError:
            message = f"The search for {pattern!r} took too long: use a simpler pattern, or name a path or a glob."
            raise ToolFailed("timeout", message) from None
        if found:
            yield _Match(_shown(path), number, line.strip()[:300])
            most -= 1
            if most <= 0:
                return


def _place(text: str, old: str, new: str, name: str) -> tuple[str, int, str, str]:
    """Where `old` stands in `text`, with the line endings of the file.

    Raises: ToolFailed that helps to find the right place.
    """
    if not old:
        raise ToolFailed("bad_arguments", "'old' is empty: give the text to replace, or use write.")
    if "\r\n" in text and "\r\n" not in old and old not in text:
        old, new = old.replace("\n", "\r\n"), new.replace("\n", "\r\n")
    count = text.count(old)
    if count == 1:
        return text, text.index(old), old, new
    if count == 0:
        raise ToolFailed("not_found", f"{name!r} does not contain that text. {_nearest(text, old)}")
    lines: list[str] = []
    position = -1
    for _ in range(min(count, 8)):
        position = text.index(old, position + 1)
        lines.append(str(text.count("\n", 0, position) + 1))
    where = ", ".join(lines)
    raise ToolFailed(
        "bad_arguments",
        f"That text occurs {count} times in {name!r} (lines {where}): add the lines around it to 'old'.",
    )


def _nearest(text: str, old: str) -> str:
    lines = text.splitlines()[:5000]
    first = next((line for line in old.splitlines() if line.strip()), "")
    for number, line in enumerate(lines, 1):
        if line.split() == first.split():
            return f"Line {number} differs only in white space: {line!r}."
    near = difflib.get_close_matches(first[:300], [line[:300] for line in lines], 3, 0.5)
    if not near:
        return "Read the file again and copy the text exactly."
    return "Nearest lines: " + "; ".join(f"{_line_of(lines, line)}: {line!r}" for line in near) + "."


def _line_of(lines: list[str], start: str) -> int:
    """The number of the first line that begins with `start`."""
    return next((number for number, line in enumerate(lines, 1) if line.startswith(start)), 0)
