"""The workspace's own files as a table: `files`, a row for each, for questions such as "which file is the biggest?".

It is looked at anew for each query that names it. What costs reading (`text`, `lines`, `digest`) is filled in only for a
query that names the column, within bounds; what was not read is NULL and counted. Hidden files, links and whatever is not a
regular file have no row, and are counted too. Runs inside the sandbox.
"""

import hashlib
import json
import os
import re
import stat
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from glmos.tools.encoding import decode
from glmos.tools.tables.catalogue import Column, Table

ANY_FILE = "*"
"""What an answer that rests on the listing rests on: any file."""
MOST_FILES = 20_000
TEXT_BYTES = 2 << 20
"""The largest file whose text is read."""
ALL_TEXT_BYTES = 64 << 20
DIGEST_BYTES = 2 << 30
"""Read altogether to tell which files are the same."""
NAMED = 2_000
"""Paths and folders that `facts` gives."""

COLUMNS = (
    Column("path", "VARCHAR"), Column("name", "VARCHAR"), Column("folder", "VARCHAR"), Column("suffix", "VARCHAR"),
    Column("size", "BIGINT"), Column("modified", "TIMESTAMP"), Column("lines", "BIGINT"), Column("text", "VARCHAR"),
    Column("digest", "VARCHAR"),
)  # fmt: skip
_ABOUT = re.compile(
    r"\b(?:files?|filenames?|folders?|director(?:y|ies)|documents?|docs?|pdfs?|images?|photos?|pictures?|screenshots?|spreadsheets?|"
    r"excels?|workbooks?|csvs?|archives?|zips?|videos?|scripts?|presentations?|duplicates?|lines|big|large|modified|size)\b"
    r"|文件|文档|目录|图片|照片|图像|表格|压缩包|视频|音频|重复|excel|word|pdf|ppt|csv|多大|几行|多少行|修改",
    re.IGNORECASE,
)
_BINARY = (b"%PDF-", b"PK\x03\x04", b"\x89PNG", b"GIF8", b"\xff\xd8\xff", b"\x1f\x8b", b"RIFF", b"SQLite format 3")
"""How files begin that could pass for text."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class TooManyFilesError(Exception):
    """There are more files than are listed."""


class _File(NamedTuple):
    place: str
    path: str
    """As it can be shown."""
    found: os.stat_result


def about_files(text: str) -> bool:
    """Whether a question may be about files, so that the listing is worth offering."""
    return _ABOUT.search(text) is not None


def printable(name: str) -> str:
    """A file name on one line: control characters escaped, bytes that are no text replaced."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return _CONTROL.sub(lambda match: match.group().encode("unicode_escape").decode(), text)


class Listing:
    """The files below `root`, written to `scratch` as lines of JSON for an engine to load."""

    def __init__(self, root: Path, scratch: Path) -> None:
        self._root = root
        self.stored = scratch / "listing.jsonl"
        self._version = 0
        self.left_out: dict[str, int] = {}
        """How many were not listed (`hidden`, `links`, `special`, `unreadable`) or not read (`unread`)."""

    def facts(self) -> dict[str, Any]:
        """What there is, for someone who makes a query: paths, folders, what is left out."""
        found = list(self._files())
        folders = dict.fromkeys(parent for f in found for parent in _parents(f.path))
        return {
            "row_count": len(found),
            "columns": [{"name": c.name, "type": c.type} for c in COLUMNS],
            "paths": [f.path for f in found[:NAMED]],
            "folders": list(folders)[:NAMED],
            "left_out": self.left_out,
        }

    def table(self, name: str, sql: str) -> Table:
        """Write the rows a statement needs, and give the table they are.

        Raises: TooManyFilesError; OSError.
        """
        wanted = {word for word in ("lines", "text", "digest") if re.search(rf"\b{word}\b", sql, re.IGNORECASE)}
        files = list(self._files())
        same = Counter(f.found.st_size for f in files)
        texts, digests, count = ALL_TEXT_BYTES, DIGEST_BYTES, 0
        with self.stored.open("w", encoding="utf-8") as out:
            for f in files:
                row = _row(f)
                size = f.found.st_size
                if wanted & {"lines", "text"}:
                    text = _text(f.place) if size <= min(TEXT_BYTES, texts) else None
                    texts -= size if text is not None else 0
                    count += text is None
                    row["text"] = text if "text" in wanted else None
                    row["lines"] = _lines(text) if text is not None else None
                if "digest" in wanted and same[size] > 1:
                    row["digest"] = _digest(f.place) if size <= digests else None
                    digests -= size
                    count += row["digest"] is None
                out.write(json.dumps(row, ensure_ascii=True) + "\n")
        if wanted:
            self.left_out["unread"] = count
        self._version += 1
        told = ", ".join(f"{n} {what}" for what, n in self.left_out.items() if n)
        notes = (f"left out: {told}",) if told else ()
        return Table(name, ANY_FILE, "", COLUMNS, len(files), notes, self.stored, self._version)

    def _files(self) -> Iterator[_File]:
        """In the order of their paths."""
        self.left_out = {"hidden": 0, "links": 0, "special": 0, "unreadable": 0}
        taken: Counter[str] = Counter()
        for place in self._walk():
            path = printable(os.path.relpath(place, self._root))
            taken[path] += 1
            try:
                found = os.lstat(place)
            except OSError:
                self.left_out["unreadable"] += 1
                continue
            if stat.S_ISLNK(found.st_mode):
                self.left_out["links"] += 1
            elif not stat.S_ISREG(found.st_mode):
                self.left_out["special"] += 1
            else:
                yield _File(place, path if taken[path] == 1 else f"{path} ({taken[path]})", found)

    def _walk(self) -> Iterator[str]:
        count = 0

        def unreadable(_: OSError) -> None:
            self.left_out["unreadable"] += 1

        for folder, folders, names in os.walk(self._root, onerror=unreadable):
            shown = sorted(name for name in names if not name.startswith("."))
            links = [name for name in folders if Path(folder, name).is_symlink()]
            self.left_out["links"] += len(links)
            self.left_out["hidden"] += len(names) - len(shown) + sum(name.startswith(".") for name in folders)
            folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in links)
            for name in shown:
                count += 1
                if count > MOST_FILES:
                    raise TooManyFilesError(f"There are more than {MOST_FILES:,} files, which is more than are listed.")
                yield str(Path(folder, name))


def _parents(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[: i + 1]) for i in range(len(parts))]


def _row(f: _File) -> dict[str, Any]:
    folder, _, name = f.path.rpartition("/")
    stem, dot, suffix = name.rpartition(".")
    modified = datetime.fromtimestamp(int(f.found.st_mtime), UTC) if 0 <= f.found.st_mtime < 2**33 else None
    return {
        "path": f.path, "name": name, "folder": folder, "suffix": f".{suffix.lower()}" if stem and dot else "",
        "size": f.found.st_size, "modified": modified.strftime("%Y-%m-%d %H:%M:%S") if modified else None,
        "lines": None, "text": None, "digest": None,
    }  # fmt: skip


def _open(place: str) -> int:
    return os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)


def _text(place: str) -> str | None:
    """The text of a file; None when it is none, or cannot be read."""
    try:
        with os.fdopen(_open(place), "rb") as file:
            data = file.read(TEXT_BYTES + 1)
    except OSError:
        return None
    if len(data) > TEXT_BYTES or data.startswith(_BINARY):
        return None
    decoded = decode(data)
    return None if data and not decoded.encoding else decoded.text.removeprefix("\ufeff").replace("\0", "")


def _lines(text: str) -> int:
    return text.count("\n") + bool(text and not text.endswith("\n"))


def _digest(place: str) -> str | None:
    try:
        with os.fdopen(_open(place), "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
