"""Questions about the workspace's own files: from words to one SELECT over the table `files`, and back to words.

    "which file is the biggest?"  ->  SELECT path, size, ... FROM files WHERE size = (SELECT MAX(size) FROM files)

As with sums, a question is answered only if every word of it is accounted for (`file_phrases`). Where a table of the
person's has a column or a name that the question's words for files name too, the question is left to the tables.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from glmos.models.nano import file_phrases
from glmos.models.nano.file_phrases import SHOWN, Asked, Files, NotHereError
from glmos.models.nano.text import is_chinese, stem, words

_OWN_WORDS = frozenset(
    "file folder directory document pdf image picture photo size spreadsheet workbook csv text line name "
    "文件 文件夹 目录 图片 照片 大小 行数 文件名".split()
)
_LEFT_OUT = {
    "hidden": ("hidden file or folder", "hidden files and folders", "个隐藏的文件或文件夹"),
    "links": ("link", "links", "个链接"),
    "special": ("that is no regular file", "that are no regular files", "个非普通文件"),
    "unreadable": ("that cannot be read", "that cannot be read", "个无法读取的"),
    "unread": (
        "not looked into (no plain text, or too large)",
        "not looked into (no plain text, or too large)",
        "个没有读内容的（不是纯文本或太大）",
    ),
}


class Worded(NamedTuple):
    """An answer, and the rows each of its lines rests on: a line and the place of its row, None for the note."""

    text: str
    lines: tuple[tuple[str, int | None], ...]


class Declined(NamedTuple):
    """A question about files that is understood, and cannot be answered."""

    reason: str


def read(question: str, listing: Mapping[str, Any], tables: Sequence[Mapping[str, Any]]) -> Asked | Declined | None:
    """What `question` asks of the files that `tables.find` tells of; None when it is no such question, or may be another."""
    files = Files(str(listing["name"]), tuple(listing["paths"]), tuple(listing["folders"]), int(listing["row_count"]))
    try:
        found = {asked.sql: asked for asked in file_phrases.readings(question, files)}
    except NotHereError as error:
        return Declined(str(error))
    if len(found) != 1:
        return None
    asked = next(iter(found.values()))
    if tables and asked.may_mean_rows:
        return Declined("it may mean duplicate files or duplicate rows: say which")
    return None if _names_columns(question, tables) else asked


def word(asked: Asked, question: str, rows: Sequence[Sequence[Any]], left_out: Mapping[str, int]) -> Worded:
    """The answer in the language of the question, with how it was read and what was left out."""
    chinese = _chinese(question)
    lines: list[tuple[str, int | None]] = [(asked.say(row, chinese), i) for i, row in enumerate(rows[:SHOWN])]
    if not rows:
        lines = [("没有这样的文件。" if chinese else "No file fits.", None)]
    text = [line if len(lines) == 1 else f"- {line}" for line, _ in lines]
    if len(rows) > SHOWN:
        text.append("… 还有更多" if chinese else "… and more")
    text.append(f"（理解为：{asked.read_as[1]}）" if chinese else f"(read as: {asked.read_as[0]})")
    if note := _note(asked, left_out, chinese=chinese):
        text.append(note)
        lines.append((note, None))
    return Worded("\n".join(text), tuple(lines))


def _note(asked: Asked, left_out: Mapping[str, int], *, chinese: bool) -> str:
    told = [
        f"{n} {_LEFT_OUT[what][2 if chinese else int(n != 1)]}" for what, n in left_out.items() if n and what in _LEFT_OUT
        and (what != "unread" or asked.reads)
    ]  # fmt: skip
    if not told:
        return ""
    return f"未计入：{'、'.join(told)}" if chinese else f"Left out: {', '.join(told)}."


def _names_columns(question: str, tables: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a word that the question says of files is the name of a column or a table too."""
    lowered = question.lower()
    said = {stem(word) for word in words(question)} | {
        word for word in _OWN_WORDS if not word.isascii() and word in lowered
    }
    names = [str(t["name"]) for t in tables] + [str(c["name"]) for t in tables for c in t["columns"]]
    theirs = {stem(word) for name in names for word in words(name)} | {name.lower() for name in names}
    return bool(said & theirs & _OWN_WORDS)


def _chinese(question: str) -> bool:
    return is_chinese(re.sub(r"[\w-]+\.[a-z]{2,4}(?![a-z])|excel|word|pdf|ppt|csv", "", question, flags=re.IGNORECASE))
