"""The ways to ask about files, in English and Chinese, and the SELECT over `files` that each comes to."""

import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from glmos.models.nano import arithmetic, moments, sums
from glmos.models.nano.file_kinds import CHINESE_KIND, ENGLISH_KIND, Kind, kind_of
from glmos.models.nano.formula import NotUnderstoodError, UndefinedError

SHOWN = 20
"""Files put into words."""


class NotHereError(Exception):
    """The question names a file or folder that is not there; the message says which."""


class Files(NamedTuple):
    """What there is."""

    table: str
    paths: tuple[str, ...]
    folders: tuple[str, ...]
    number: int


class Asked(NamedTuple):
    """A question that was understood."""

    sql: str
    read_as: tuple[str, str]
    """In English and in Chinese."""
    say: Callable[[Sequence[Any], bool], str]
    """A row in words; the flag is for Chinese."""
    reads: bool = False
    """Whether it looks into the files."""
    may_mean_rows: bool = False


class Where(NamedTuple):
    """Which files: conditions, and how they are said."""

    tests: tuple[str, ...]
    said: tuple[str, str]

    @property
    def sql(self) -> str:
        return f" WHERE {' AND '.join(self.tests)}" if self.tests else ""

    def also(self, test: str, english: str, chinese: str) -> "Where":
        return Where((*self.tests, test), (f"{self.said[0]} {english}", f"{chinese}{self.said[1]}"))


_SIZES = dict.fromkeys(("b", "byte", "bytes", "字节"), 1) | {
    name: 1000**power
    for power, names in enumerate(
        ("kb k kilobyte kilobytes", "mb m 兆 megabyte megabytes", "gb g gigabyte gigabytes", "tb t"), 1
    )
    for name in names.split()
}
_UNIT = r"(?:bytes?|kilobytes?|megabytes?|gigabytes?|[kmgt]b?|b|字节|兆)"
_ORDERS = {
    "biggest": ("size", "MAX", "the biggest", "最大的"), "smallest": ("size", "MIN", "the smallest", "最小的"),
    "newest": ("modified", "MAX", "the last modified", "最近修改的"), "oldest": ("modified", "MIN", "the first modified", "最早修改的"),
    "longest": ("lines", "MAX", "the one with the most lines", "行数最多的"),
}  # fmt: skip
_SUPERLATIVES = {
    "biggest": r"biggest|largest|大", "smallest": r"smallest|大小|小",
    "newest": r"newest|latest|most recent|last modified|most recently (?:modified|changed|edited|updated)|last changed|last edited|新|近修改|近更新|近改动|近编辑|后修改|后更新",
    "oldest": r"oldest|least recently modified|first modified|旧|老|早修改",
    "longest": r"longest|长",
}  # fmt: skip
_BEST = "|".join(v for v in _SUPERLATIVES.values())
_BEST_EN = "|".join(x for v in _SUPERLATIVES.values() for x in v.split("|") if x.isascii())
_BEST_CN = "|".join(x for v in _SUPERLATIVES.values() for x in v.split("|") if not x.isascii() and x != "大小")
_IN = r"(?P<in> (?:there|here|in total|altogether|in all|in here|in (?:the|this|my) (?:folder|workspace|directory)|in (?:the )?(?:folder|directory) (?P<folder>[^ ]+)|in (?:the )?(?P<folder2>[^ ]+) (?:folder|directory)|in (?P<folder3>[^ ]+/)|in (?P<known>[^ ]+)|i have|do i have|did i give you|are there|exist))*"
_IN_CN = r"(?:(?P<known>[A-Za-z0-9_./-]+)(?:里|中|下|里面|下面)(?:的)?|(?:在)?(?P<folder>[^\s里中的]+?)(?:文件夹|目录)(?:里|中|下|里面|下面)?(?:的)?|(?:在)?(?:这个|这里|当前|该)?(?:文件夹|目录|工作区)?(?:里|中|下|里面)?(?:的)?)?"
_K = rf"(?P<kind>{ENGLISH_KIND})"
_KC = rf"(?P<kind>{CHINESE_KIND})"
_LIST = r"(?:please )?(?:list|show|show me|find|give me|name|tell me)"
_CONTAIN = r"(?:contains?|containing|mentions?|mentioning|includes?|including|ha(?:ve|s)|with)(?: (?:the )?(?:word|words|text|phrase|string|term))?(?: |(?=[\u3400-\u9fff]))"
_CONTAIN_CN = r"(?:里|中|里面|内容)?(?:包含|含有|含|提到|出现|有)(?:了|过)?"
_TERM = r"(?P<term>.+?)"
_SIZE = rf"(?P<amount>{arithmetic.DIGITS}) ?(?P<unit>{_UNIT})"
_MORE = r"(?P<more>(?:larger|bigger|more|greater) than|over|above|exceeding)"
_LESS = r"(?P<less>(?:smaller|less) than|under|below)"
_MODIFIED = r"(?:modified|changed|edited|updated|from)"

Build = Callable[[re.Match[str], Files], Asked]


def readings(question: str, files: Files) -> list[Asked]:
    """All ways to understand the whole of `question`.

    Raises: NotHereError.
    """
    text = sums.normal(question)
    if text is None:
        return []
    text = re.sub(
        r"^(?:(?:please|can you|could you|tell me|hey|hi)[ ,]*|(?:请问|请|帮我|麻烦)[,，]?)+",
        "",
        text,
        flags=re.IGNORECASE,
    )
    found: list[Asked] = []
    for pattern, build in PHRASES:
        match = _compiled(pattern).fullmatch(text)
        if match is not None:
            try:
                found.append(build(match, files))
            except (NotUnderstoodError, UndefinedError):
                continue
    return found


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


def _where(match: re.Match[str], files: Files) -> Where:
    """The kind, folder, size and date that a question names."""
    part = match.groupdict()
    kind: Kind = kind_of(part.get("kind") or "files")
    where = Where((), (kind.english, kind.chinese))
    if kind.suffixes:
        where = where._replace(tests=(f"suffix IN ({', '.join(_text(s) for s in kind.suffixes)})",))
        where = where._replace(
            said=(f"{kind.english} ({' '.join(kind.suffixes)})", f"{kind.chinese}（{' '.join(kind.suffixes)}）")
        )
    folder = next((part[k] for k in ("folder", "folder2", "folder3") if part.get(k)), "")
    if part.get("known"):
        known = part["known"].strip("/").casefold()
        if not any(f.casefold() == known for f in files.folders):
            raise NotUnderstoodError(part["known"])
        folder = known
    if folder:
        where = _in_folder(where, folder.strip("/\"'“”"), files)
    if part.get("amount"):
        where = _sized(where, part)
    if part.get("when"):
        where = _dated(where, part)
    return where


def _in_folder(where: Where, folder: str, files: Files) -> Where:
    if len(files.folders) >= 2_000:
        raise NotUnderstoodError("more folders than are known here")
    named = [f for f in files.folders if f.casefold() == folder.casefold()]
    named = named or [f for f in files.folders if f.casefold().endswith(f"/{folder.casefold()}")]
    if not named:
        raise NotHereError(f"there is no folder {folder!r}")
    if len(named) > 1:
        raise NotHereError(f"there are several folders {folder!r}: {', '.join(named[:5])}")
    inside = [f for f in files.folders if f == named[0] or f.startswith(f"{named[0]}/")]
    test = f"folder IN ({', '.join(map(_text, inside))})"
    return where.also(test, f"in {named[0]} and below", f"{named[0]} 及其下的")


def _sized(where: Where, part: dict[str, str]) -> Where:
    value = arithmetic.number(part["amount"])
    if value is None:
        raise NotUnderstoodError(part["amount"])
    limit = value * _SIZES[part["unit"].lower()]
    if limit.denominator != 1:
        raise NotUnderstoodError(part["amount"])
    more = part.get("more") is not None
    said = f"{part['amount']} {part['unit']}"
    return where.also(
        f"size {'>' if more else '<'} {int(limit)}",
        f"{'over' if more else 'under'} {said}",
        f"{'大于' if more else '小于'} {said} 的",
    )


def _dated(where: Where, part: dict[str, str]) -> Where:
    day = moments.day(part["day"])
    english, chinese = moments.shown(day, chinese=False), moments.shown(day, chinese=True)
    match part["when"].lower():
        case "after" | "之后" | "以后":
            return where.also(
                f"modified >= '{day + timedelta(1)}'", f"modified after {english} UTC", f"{chinese}之后修改的"
            )
        case "since":
            return where.also(f"modified >= '{day}'", f"modified since {english} UTC", f"{chinese}起修改的")
        case "before" | "之前" | "以前":
            return where.also(f"modified < '{day}'", f"modified before {english} UTC", f"{chinese}之前修改的")
        case _:
            test = f"modified >= '{day}' AND modified < '{day + timedelta(1)}'"
            return where.also(test, f"modified on {english} UTC", f"{chinese}修改的")


# -- what is asked ----------------------------------------------------------------------------------------------------

_DETAILS = "path, size, ROUND(size / 1000e0, 1) AS KB, ROUND(size / 1000000e0, 1) AS MB, ROUND(size / 1000000000e0, 1) AS GB, modified"


def best(match: re.Match[str], files: Files) -> Asked:
    """The biggest, newest ...; all of them where several are."""
    where = _where(match, files)
    word = match["best"].lower()
    name = next(k for k, v in _SUPERLATIVES.items() if re.fullmatch(v, word))
    column, function, english, chinese = _ORDERS[name]
    count = match.groupdict().get("count")
    many = 1 if not count else arithmetic.number(count)
    if many is None or many.denominator != 1 or not 1 <= many <= SHOWN:
        raise NotUnderstoodError(word)
    details = _DETAILS + (", lines" if column == "lines" else "")
    known = where._replace(tests=(*where.tests, f"{column} IS NOT NULL"))
    if many == 1:
        test = f"{column} = (SELECT {function}({column}) FROM {files.table}{known.sql})"
        sql = f"SELECT {details} FROM {files.table}{known._replace(tests=(*known.tests, test)).sql} ORDER BY path LIMIT {SHOWN + 1}"
        said = (f"{english} of the {where.said[0]}", f"{chinese}{where.said[1]}")
    else:
        way = "DESC" if function == "MAX" else "ASC"
        inner = f"SELECT {details}, RANK() OVER (ORDER BY {column} {way}) AS place FROM {files.table}{known.sql}"
        sql = f"SELECT path, size, KB, MB, GB, modified{', lines' if column == 'lines' else ''} FROM ({inner}) AS ranked WHERE place <= {int(many)} ORDER BY {column} {way}, path"
        said = (
            f"{english} of the {where.said[0]}, the first {int(many)}",
            f"{chinese}前 {int(many)} 个{where.said[1]}",
        )
    lines = column == "lines"
    return Asked(
        sql,
        said,
        _line_count if lines else _file,
        lines,
    )


def how_many(match: re.Match[str], files: Files) -> Asked:
    where = _where(match, files)
    kind = kind_of(match.groupdict().get("kind") or "files")
    sql = f"SELECT COUNT(*) AS files FROM {files.table}{where.sql}"

    def say(row: Sequence[Any], cn: bool) -> str:
        return f"{row[0]} 个{kind.chinese}" if cn else f"{row[0]} {kind.english if row[0] != 1 else kind.one}"

    return Asked(sql, (f"the number of {where.said[0]}", f"{where.said[1]}的数量"), say)


def total_size(match: re.Match[str], files: Files) -> Asked:
    return _measured("SUM", ("the total size of", "总大小"), _where(match, files), files)


def average_size(match: re.Match[str], files: Files) -> Asked:
    return _measured("AVG", ("the average size of", "平均大小"), _where(match, files), files)


def _measured(function: str, name: tuple[str, str], where: Where, files: Files) -> Asked:
    size = f"COALESCE({function}(size), 0)"
    whole = size if function == "SUM" else f"ROUND({size})"
    sql = (
        f"SELECT {whole} AS bytes, ROUND({size} / 1000e0, 1) AS KB, ROUND({size} / 1000000e0, 1) AS MB, "
        f"ROUND({size} / 1000000000e0, 1) AS GB, COUNT(*) AS files FROM {files.table}{where.sql}"
    )

    def say(row: Sequence[Any], cn: bool) -> str:
        count = f"（{row[4]} 个文件）" if cn else f", {row[4]} file{'s' if row[4] != 1 else ''}"
        return _size(int(row[0]), row[1:4], cn) + count

    return Asked(sql, (f"{name[0]} the {where.said[0]}", f"{where.said[1]}的{name[1]}"), say)


def every(match: re.Match[str], files: Files) -> Asked:
    where = _where(match, files)
    sql = f"SELECT {_DETAILS} FROM {files.table}{where.sql} ORDER BY path LIMIT {SHOWN + 1}"
    return Asked(sql, (f"the {where.said[0]}, by name", f"{where.said[1]}，按名称"), _file)


def containing(match: re.Match[str], files: Files) -> Asked:
    """Files whose text has a word or phrase, upper and lower case alike."""
    where = _with_term(match, files, "text")
    sql = f"SELECT path FROM {files.table}{where.sql} ORDER BY path LIMIT {SHOWN + 1}"
    return Asked(sql, (f"{where.said[0]}, in plain text", f"{where.said[1]}（纯文本）"), _path, reads=True)


def how_many_containing(match: re.Match[str], files: Files) -> Asked:
    where = _with_term(match, files, "text")
    sql = f"SELECT COUNT(*) AS files FROM {files.table}{where.sql}"
    return Asked(
        sql, (f"the number of {where.said[0]}, in plain text", f"{where.said[1]}的数量（纯文本）"), _count, reads=True
    )


def named(match: re.Match[str], files: Files) -> Asked:
    where = _with_term(match, files, "name")
    sql = f"SELECT {_DETAILS} FROM {files.table}{where.sql} ORDER BY path LIMIT {SHOWN + 1}"
    return Asked(sql, (where.said[0], where.said[1]), _file)


def _with_term(match: re.Match[str], files: Files, column: str) -> Where:
    where, term = _where(match, files), _term(match["term"])
    pattern = re.sub(r"([\\%_])", r"\\\1", term.lower())
    test = f"LOWER({column}) LIKE {_text(f'%{pattern}%')}" + (" ESCAPE '\\'" if "\\" in pattern else "")
    if column == "text":
        return where.also(test, f"that contain {term!r}", f"内容含“{term}”的")
    return where.also(test, f"whose name contains {term!r}", f"名字含“{term}”的")


_QUOTED = re.compile(r"[\"'“‘「『](.+)[\"'”’」』]")
_NO_TERM = re.compile(
    r"\b(?:an?|any|the|no|or|and|not|all|most|more|less|than|least|data|tables?|numbers?|errors?|rows?|columns?|lines?|images?|"
    r"files?|words?|text|it|them|duplicates?|from|about|in|formulas?|macros?|password|sum|total|average)\b|[和或与不没的]|多少|几|最|以上|以下|什么|哪"
)


def _term(said: str) -> str:
    """What is searched for: quoted, or one or two plain words."""
    if quoted := _QUOTED.fullmatch(said.strip()):
        return quoted[1]
    plain = said.strip()
    if len(plain.split()) > 2 or len(plain) > 40 or _NO_TERM.search(plain.lower()) or re.search(r"[\"“”,，;；]", plain):
        raise NotUnderstoodError("what is searched for is not clear: quote it")
    return plain


def duplicates(match: re.Match[str], files: Files) -> Asked:
    sql = (
        f"SELECT path, size, digest FROM {files.table} WHERE digest IN (SELECT digest FROM {files.table} WHERE digest IS NOT NULL "
        f"GROUP BY digest HAVING COUNT(*) > 1) ORDER BY size DESC, digest, path LIMIT {SHOWN + 1}"
    )
    bare = re.search("file|文件|document|image|photo|图片|照片", match.group(), re.IGNORECASE) is None
    return Asked(
        sql,
        ("files with the same content as another", "内容与另一个文件完全相同的文件"),
        _same,
        reads=True,
        may_mean_rows=bare,
    )


def by_type(match: re.Match[str], files: Files) -> Asked:
    sql = f"SELECT suffix, COUNT(*) AS files FROM {files.table} GROUP BY suffix ORDER BY COUNT(*) DESC, suffix LIMIT {SHOWN + 1}"
    return Asked(sql, ("the number of files of each ending", "每种后缀的文件数"), _ending)


def one_file(what: str) -> Build:
    def made(match: re.Match[str], files: Files) -> Asked:
        said = match["path"].strip("\"'“”")
        found = [p for p in files.paths if p.casefold() == said.casefold()]
        found = found or [p for p in files.paths if p.rpartition("/")[2].casefold() == said.casefold()]
        if len(found) != 1:
            if len(files.paths) < files.number or "." not in said or not re.fullmatch(r"[^ ]+\.\w{1,5}", said):
                raise NotUnderstoodError(said)
            raise NotHereError(
                f"there is no file {said!r}"
                if not found
                else f"several files are called {said!r}: {', '.join(found[:5])}"
            )
        columns = f"{_DETAILS}, lines" if what == "lines" else _DETAILS
        sql = f"SELECT {columns} FROM {files.table} WHERE path = {_text(found[0])}"
        if what == "lines":
            return Asked(sql, (f"the lines of {found[0]}", f"{found[0]} 的行数"), _line_count)
        return Asked(sql, (f"size and time of change of {found[0]}", f"{found[0]} 的大小和修改时间"), _file)

    return made


def dated_chinese(match: re.Match[str], files: Files) -> Asked:
    if (match["kind"] is None) == (match["kind2"] is None):
        raise NotUnderstoodError(match.group())
    part = match.groupdict()
    where = Where((), ("files", "文件"))
    kind = kind_of(part["kind"] or part["kind2"])
    if kind.suffixes:
        where = Where((f"suffix IN ({', '.join(map(_text, kind.suffixes))})",), (kind.english, kind.chinese))
    where = _dated(where, part)
    sql = f"SELECT {_DETAILS} FROM {files.table}{where.sql} ORDER BY path LIMIT {SHOWN + 1}"
    return Asked(sql, (where.said[0], where.said[1]), _file)


# -- words ------------------------------------------------------------------------------------------------------------


def _file(row: Sequence[Any], chinese: bool) -> str:
    changed = str(row[5])[:16] if row[5] else "?"
    if chinese:
        return f"{row[0]}：{_size(int(row[1]), row[2:5], chinese)}，修改于 {changed} UTC"
    return f"{row[0]}: {_size(int(row[1]), row[2:5], chinese)}, modified {changed} UTC"


def _path(row: Sequence[Any], chinese: bool) -> str:
    return str(row[0])


def _same(row: Sequence[Any], chinese: bool) -> str:
    return (
        f"{row[0]}（{row[1]} 字节，内容 {row[2][:8]}…）"
        if chinese
        else f"{row[0]} ({row[1]} bytes, content {row[2][:8]}…)"
    )


def _ending(row: Sequence[Any], chinese: bool) -> str:
    return f"{row[0] or '无后缀'}：{row[1]}" if chinese else f"{row[0] or 'no ending'}: {row[1]}"


def _count(row: Sequence[Any], chinese: bool) -> str:
    return f"{row[0]} 个文件" if chinese else f"{row[0]} file{'s' if row[0] != 1 else ''}"


def _line_count(row: Sequence[Any], chinese: bool) -> str:
    if row[6] is None:
        return f"{row[0]} 不是能读的纯文本" if chinese else f"{row[0]} is no plain text that can be read"
    return f"{row[0]}：{row[6]} 行" if chinese else f"{row[0]}: {row[6]} line{'s' if row[6] != 1 else ''}"


def _size(size: int, rounded: Sequence[float], chinese: bool) -> str:
    """A size for people, and exactly: 1.4 MB (1,432,576 bytes). 1 KB is 1,000 bytes."""
    exact = f"{size:,} 字节" if chinese else f"{size:,} byte{'s' if size != 1 else ''}"
    place = 2 if size >= 10**9 else 1 if size >= 10**6 else 0
    if size < 1000:
        return exact
    return f"{float(rounded[place]):g} {('KB', 'MB', 'GB')[place]}" + (f"（{exact}）" if chinese else f" ({exact})")


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


_N = rf"(?P<count>\d+|[一二两三四五六七八九十]+|{arithmetic.SPOKEN})"
_NAME = r"(?P<path>[^ ]+(?: [^ ]+)*?)"
_NAME_CN = r"(?P<path>[^\s]+?\.[A-Za-z0-9]{1,5})"
PHRASES: list[tuple[str, Build]] = [
    (rf"(?:which|what) {_K}(?: is| are| was| were)(?: the)? (?P<best>{_BEST_EN}){_IN}", best),
    (rf"(?:which|what) is the (?P<best>{_BEST_EN}) {_K}{_IN}", best),
    (rf"(?:{_LIST} |what(?:'s| is| are) |which are )?(?:the )?(?P<best>{_BEST_EN}) {_K}{_IN}", best),
    (rf"(?:{_LIST} |what(?:'s| is| are) |which are )?(?:the )?(?:top )?{_N} (?P<best>{_BEST_EN}) {_K}{_IN}", best),
    (rf"(?:which|what) {_K} was (?P<best>last modified|last changed|last edited|most recently modified){_IN}", best),
    (rf"how many {_K}(?: are| do| did| is)?{_IN}", how_many),
    (rf"(?:is|are) there (?:a|an|any) {_K}{_IN}", how_many),
    (rf"{_IN_CN}有没有{_KC}", how_many),
    (rf"(?:what(?:'s| is) )?(?:the )?number of {_K}{_IN}", how_many),
    (rf"count (?:all )?(?:the |my )?{_K}{_IN}", how_many),
    (rf"how many {_K}(?: are)? {_MORE} {_SIZE}", how_many),
    (rf"how many {_K}(?: are)? {_LESS} {_SIZE}", how_many),
    (rf"(?:{_LIST} )?(?:which |what |all |the )*{_K}(?: are| is)? {_MORE} {_SIZE}{_IN}", every),
    (rf"(?:{_LIST} )?(?:which |what |all |the )*{_K}(?: are| is)? {_LESS} {_SIZE}{_IN}", every),
    (rf"(?:{_LIST} )?(?:which |what |all |the )*{_K} (?:were |was )?{_MODIFIED} (?P<when>after|since|before|on) (?P<day>.+)", every),
    (rf"how many {_K} (?:were |was )?{_MODIFIED} (?P<when>after|since|before|on) (?P<day>.+)", how_many),
    (rf"(?:what(?:'s| is) )?(?:the )?total size of (?:all )?(?:the |my )?{_K}{_IN}", total_size),
    (rf"how (?:big|large) are (?:all )?(?:the |my )?{_K}(?: in total| together| altogether| all together)+", total_size),
    (rf"how much (?:disk )?space (?:do|does) (?:all )?(?:the |my )?{_K} (?:take|use|need|occupy)(?: up)?(?: in total| altogether)?", total_size),
    (rf"(?:what(?:'s| is) )?(?:the )?average size of (?:all )?(?:the |my )?{_K}{_IN}", average_size),
    (rf"{_LIST} (?:all )?(?:of )?(?:the |my )?{_K}{_IN}", every),
    (rf"(?:which|what) {_K}(?: are| do)?{_IN}", every),
    (rf"(?:{_LIST} )?(?:which |what |all |the )*{_K} (?:that )?{_CONTAIN}{_TERM}", containing),
    (rf"how many {_K} {_CONTAIN}{_TERM}", how_many_containing),
    (rf"(?:{_LIST} )?(?:which |what |all |the )*{_K} (?:whose|where the) (?:file ?)?names? (?:contains?|includes?|has) {_TERM}", named),
    (rf"(?:which|what) {_K} have {_TERM} in (?:the|their) (?:file ?)?names?", named),
    (r"(?:are there|do i have|is there|have i)(?: any| got any)? (?:duplicates?|duplicate (?:files?|documents?)|identical files|files that are the same|files with the same content)(?: in (?:the|this|my) (?:folder|workspace))?", duplicates),
    (rf"(?:{_LIST} )?(?:which |what )?(?:all )?(?:the )?(?:files are (?:duplicates|identical|the same|duplicated|exact copies)|duplicate files|identical files)(?: are there)?", duplicates),
    (r"(?:find|list|show)(?: me)?(?: all| any)?(?: the)? duplicates?", duplicates),
    (r"how many files (?:are there )?(?:of each (?:type|kind|ending|extension)|by (?:type|extension|ending)|per (?:type|extension|kind))", by_type),
    (rf"(?:how (?:big|large) is|what(?:'s| is) the (?:file )?size of|when was) (?:the )?(?:file )?{_NAME}(?: (?:last )?(?:modified|changed|edited))?", one_file("size")),
    (rf"how many lines (?:does|do|are in|has|are there in) (?:the )?(?:file )?{_NAME}(?: have| has| contain)?", one_file("lines")),
    (rf"{_IN_CN}(?:哪个|哪一个|哪些|什么|哪张){_KC}(?:是)?(?:最)(?P<best>{_BEST_CN})(?:的)?", best),
    (rf"{_IN_CN}最(?P<best>{_BEST_CN})的(?:{_N}[个张份])?{_KC}(?:是)?(?:哪个|哪一个|什么|哪些|有哪些|叫什么|哪[几两三四五]个|哪张)?", best),
    (rf"{_IN_CN}{_N}[个张份]最(?P<best>{_BEST_CN})的{_KC}(?:是)?(?:哪些|有哪些|哪几个)?", best),
    (rf"(?:列出|显示|找出){_IN_CN}最(?P<best>{_BEST_CN})的(?:{_N}[个张份])?{_KC}", best),
    (rf"{_IN_CN}(?:一共|总共|共)?有(?:多少|几)[个份张]?{_KC}", how_many),
    (rf"{_IN_CN}{_KC}(?:一共|总共|共)?有?(?:多少|几)[个份张]", how_many),
    (rf"(?:一共|总共)?有(?:多少|几)[个份张]?{_KC}(?P<more>大于|超过) ?{_SIZE}", how_many),
    (rf"(?:一共|总共)?有(?:多少|几)[个份张]?(?P<more>大于|超过) ?{_SIZE}的{_KC}", how_many),
    (rf"(?:哪些|有哪些|列出|找出)(?:所有)?{_KC}(?P<more>大于|超过) ?{_SIZE}", every),
    (rf"(?:哪些|有哪些|列出|找出)(?:所有)?{_KC}(?P<less>小于|不到) ?{_SIZE}", every),
    (rf"(?:列出|找出)?(?:所有)?(?P<more>大于|超过) ?{_SIZE}的{_KC}(?:有哪些|是哪些)?", every),
    (rf"(?:列出|找出)?(?:所有)?(?P<less>小于|不到) ?{_SIZE}的{_KC}(?:有哪些|是哪些)?", every),
    (rf"(?:列出|哪些|有哪些)?(?:{_KC}是)?(?P<day>\d+年\d+月\d+日)(?P<when>之后|以后|之前|以前)修改(?:过)?的(?P<kind2>{CHINESE_KIND})?(?:有哪些)?", dated_chinese),
    (rf"{_IN_CN}(?:所有|全部)?(?:的)?{_KC}(?:一共|总共|加起来|合计)(?:有)?(?:多大|占(?:了|用)?多少(?:空间|磁盘|硬盘))", total_size),
    (rf"{_IN_CN}(?:所有|全部)?(?:的)?{_KC}的?总大小(?:是)?(?:多少)?", total_size),
    (rf"{_IN_CN}(?:所有|全部)?(?:的)?{_KC}的?平均大小(?:是)?(?:多少)?", average_size),
    (rf"(?:列出|显示|给我看){_IN_CN}(?:所有|全部)?(?:的)?{_KC}", every),
    (rf"{_IN_CN}(?:有哪些|有什么){_KC}", every),
    (rf"(?:哪些|哪个|什么|有哪些|找出|列出){_KC}{_CONTAIN_CN}{_TERM}", containing),
    (rf"(?:找出|列出|有哪些|哪些是)?(?:所有)?(?:包含|含有|含|提到|出现){_TERM}的{_KC}(?:有哪些|是哪些|是哪个)?", containing),
    (rf"有?(?:多少|几)[个份]{_KC}{_CONTAIN_CN}{_TERM}", how_many_containing),
    (rf"(?:哪些|哪个|有哪些|找出|列出){_KC}(?:的)?(?:名字|名称|文件名)(?:里|中)?(?:包含|含有|含|带|有){_TERM}", named),
    (r"(?:这里|文件夹里|里面)?有(?:没有)?重复(?:的)?(?:文件|图片|照片)?吗?", duplicates),
    (r"(?:有)?哪些(?:文件)?(?:是)?(?:重复|相同|一样|完全一样)(?:的|了)?(?:文件)?(?:的)?", duplicates),
    (r"(?:找出|列出)(?:所有)?(?:重复|相同|一样)的文件", duplicates),
    (r"(?:各种|每种)(?:类型|后缀|格式)的?文件(?:各|分别)?有(?:多少|几)个?", by_type),
    (rf"{_NAME_CN}(?:这个文件)?(?:有)?(?:多大|的大小是多少|的大小)", one_file("size")),
    (rf"{_NAME_CN}(?:是)?(?:什么时候|何时)(?:修改|改|更新)(?:过)?的?", one_file("size")),
    (rf"{_NAME_CN}(?:一共|总共|共)?有(?:多少|几)行", one_file("lines")),
]  # fmt: skip
