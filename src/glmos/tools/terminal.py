"""Text that programs print, made fit for a model: no colours or cursor movements, bounded, beginning and end kept."""

import re

# Linear in the length of the text, whatever it holds: it comes from hostile programs.
_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|\x1b[\]PX^_][^\n\x07\x1b]*(?:\x07|\x1b\\)?"  # OSC and other strings: titles, links, clipboard
    r"|\x1b[ -/]*[0-~]"
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f]")

MAX_CHARACTERS = 100_000


def clean(text: str) -> str:
    """As it would look on a screen after the program has ended."""
    text = _ESCAPES.sub("", text).replace("\r\n", "\n")
    if "\r" in text or "\b" in text:
        text = "\n".join(_overwritten(line) for line in text.split("\n"))
    return _CONTROLS.sub("", text)


def _overwritten(line: str) -> str:
    """What is left of a line over which a progress bar was drawn."""
    line = line.rstrip("\r").rpartition("\r")[2]
    if "\b" not in line:
        return line
    kept: list[str] = []
    for character in line:
        if character != "\b":
            kept.append(character)
        elif kept:
            kept.pop()
    return "".join(kept)


def bounded(text: str, most: int = MAX_CHARACTERS) -> str:
    """Beginning and end of a text that is too long, with a line between that says what is missing."""
    if len(text) <= most:
        return text
    head, tail = text[: most // 2], text[-(most // 2) :]
    if (end := head.rfind("\n")) > len(head) * 0.8:
        head = head[:end]
    if 0 <= (start := tail.find("\n")) < len(tail) * 0.2:
        tail = tail[start + 1 :]
    return f"{head}\n[... {len(text) - len(head) - len(tail)} characters left out ...]\n{tail}"
