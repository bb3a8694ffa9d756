"""Words, and what makes two spellings the same word.

Below the linker. A *token* is a word, a number, one CJK character, or one punctuation mark. The *key*
of a text is what is left when case, accents, spaces and punctuation are taken away, so that
"310-329 (20)" and "310 - 329 ( 20 )" are the same cell. Chinese has no spaces, so there every
character is a token and a phrase is found as a run of them.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Literal, NamedTuple

TokenKind = Literal["word", "number", "cjk", "mark"]

_CJK = "\u3400-\u9fff\u3040-\u30ff\uac00-\ud7af"
_TOKEN = re.compile(
    rf"(?P<number>\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?|\d+(?:\.\d+)?|(?<![\w.])\.\d+)"
    rf"|(?P<cjk>[{_CJK}])"
    rf"|(?P<word>(?:(?![{_CJK}])[^\W\d_])+)"
    rf"|(?P<mark>\S)"
)
_NUMBER = re.compile(r"[-+]? ?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?")

NUMBER_WORDS = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "twenty": 20, "thirty": 30, "fifty": 50,
    "hundred": 100, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8,
    "九": 9, "十": 10,
}  # fmt: skip

STOP_WORDS = frozenset(
    "a an and are as at be been by did do does for from had has have how if in into is it its many much of on or "
    "s t so than that the their them then there these they this to was were what when where which who whom whose why "
    "will with would you me my i we us our give show tell name list find get can could no not all any each every "
    "per more most less least over under between after before during same other only also".split()
)


class Token(NamedTuple):
    """One token of a text."""

    text: str
    """Lower case, without accents; a number without its thousands commas."""
    kind: TokenKind
    start: int
    """First character in the original text."""
    end: int
    """One past the last character."""


def tokens(text: str) -> list[Token]:
    """Split `text`; underscores and spaces separate and are dropped, other marks are tokens."""
    found: list[Token] = []
    for match in _TOKEN.finditer(text):
        kind: TokenKind = match.lastgroup  # type: ignore[assignment]
        if kind == "mark" and match.group() == "_":
            continue
        found.append(Token(plain(match.group()) if kind != "number" else _digits(match.group()), kind, *match.span()))
    return found


def _digits(text: str) -> str:
    text = text.replace(",", "")
    return "0" + text if text.startswith(".") else text


@lru_cache(maxsize=65536)
def plain(text: str) -> str:
    """Lower case without accents ("Málaga" -> "malaga")."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.lower())
    return "".join(char for char in decomposed if not unicodedata.combining(char))


@lru_cache(maxsize=65536)
def words(text: str) -> tuple[str, ...]:
    """The tokens of a name or cell without marks; CamelCase is split first."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    return tuple(token.text for token in tokens(spaced) if token.kind != "mark")


def key(text: str) -> str:
    """What identifies a cell's text, whatever its case, accents, spacing and punctuation."""
    return "".join(words(text))


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """A crude English singular: enough to see that "players" asks for the column "player"."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("ches", "shes", "sses", "xes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def number(text: str | float | None) -> float | None:
    """The number a cell or word stands for, or None. "1,024" -> 1024.0, "- 9" -> -9.0, "3 kg" -> None."""
    if text is None or isinstance(text, bool):
        return None
    if isinstance(text, int | float):
        return float(text)
    text = text.strip()
    if not text or not any(char.isdigit() for char in text) or not _NUMBER.fullmatch(text):
        return None
    return float(text.replace(",", "").replace(" ", ""))


def spell(value: str | float) -> str:
    """How a cell is written in a question: 3.0 -> "3", text unchanged."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def is_chinese(text: str) -> bool:
    """True when most of the letters of `text` are CJK characters."""
    kinds = [token.kind for token in tokens(text)]
    return kinds.count("cjk") > kinds.count("word") * 2
