"""Text for a terminal: harmless, measured in columns, aligned.

A model or a web page may have chosen the words that are shown. Whatever could move the cursor, colour,
hide or reverse text is made visible instead.
"""

import re
from collections.abc import Sequence

_DANGEROUS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters but tab and newline; ESC and its 8-bit twins among them
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # marks that change the direction of writing
    "\u2028\u2029\u00ad\u2060-\u2064\ufeff\ufff9-\ufffb"  # other separators and invisible characters
    "\ud800-\udfff"  # bytes that are no text
    "\U000e0000-\U000e007f]"  # invisible tags
)


def clean(text: str) -> str:
    """`text` with nothing in it that a terminal would obey: such characters are shown as escapes."""
    return _DANGEROUS.sub(_visible, text.replace("\r\n", "\n"))


def _visible(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)  # the picture of the control character
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def line(text: str) -> str:
    """`text` cleaned, on one line."""
    return " ".join(clean(text).split())


def width(text: str) -> int:
    """Columns that `text` takes: two for a Chinese character, none for a combining accent."""
    import wcwidth

    return wcwidth.width(text)


def fit(text: str, columns: int) -> str:
    """`text` on one line of at most `columns`, with `…` where something was left out."""
    import wcwidth

    text = line(text)
    if wcwidth.width(text) <= columns:
        return text
    return wcwidth.clip(text, 0, max(columns - 1, 0)).rstrip() + "…"


def paragraph(text: str, *, columns: int | None, first: str = "", rest: str = "") -> str:
    """`text` wrapped to `columns` (None: not at all), the first line after `first`, the others after `rest`."""
    import wcwidth

    lines: list[str] = []
    for part in clean(text).splitlines() or [""]:
        room = None if columns is None else max(columns - wcwidth.width(rest or first), 20)
        lines += [part] if room is None else (wcwidth.wrap(part, room) or [""])
    return "\n".join((first if number == 0 else rest) + text for number, text in enumerate(lines))


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, columns: int | None) -> str:
    """Aligned columns; the last takes what is left of `columns` (None: as much as it needs)."""
    import wcwidth

    cells = [[line(cell) for cell in row] for row in (head, *rows)]
    widths = [max(wcwidth.width(row[i]) for row in cells) for i in range(len(head) - 1)]
    taken = sum(widths) + 2 * len(widths)
    lines: list[str] = []
    for row in cells:
        last = row[-1] if columns is None else fit(row[-1], max(columns - taken, 10))
        padded = [wcwidth.ljust(cell, w) for cell, w in zip(row[:-1], widths, strict=True)]
        lines.append("  ".join([*padded, last]).rstrip())
    return "\n".join(lines)


def count(number: float) -> str:
    """`950`, `12.3k`, `4.5M`."""
    if number < 1000:
        return f"{number:.0f}"
    return f"{number / 1000:.1f}k" if number < 999_950 else f"{number / 1_000_000:.1f}M"


def money(usd: float) -> str:
    """Dollars, with as many digits as tell something."""
    return f"${usd:.2f}" if usd >= 1 or usd == 0 else f"${usd:.4f}"


def duration(seconds: float) -> str:
    """`0.4 s`, `12 s`, `3 min`, `2 h 5 min`, `4 d`."""
    if seconds < 10:
        return f"{max(seconds, 0):.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = int(seconds // 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes < 2880 else f"{minutes // 1440} d"


def plural(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
