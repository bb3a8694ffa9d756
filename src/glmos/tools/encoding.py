"""From bytes to text: UTF-8 first, then what the bytes themselves say.

Chinese spreadsheets export GB18030, Excel's "Unicode text" is UTF-16, old Western files are Windows-1252. General
detectors mistake short GBK texts for Big5 or Korean, so the structure of GB2312 is tried first; the rest is left to
charset-normalizer. Used on the host by `files` and inside the sandbox by `tables`.
"""

import codecs
import re
from typing import NamedTuple


class Decoded(NamedTuple):
    text: str
    encoding: str
    """The codec's name; empty when the bytes are not text."""
    exact: bool = True
    """False: some bytes fit no encoding and were replaced."""


_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE = 1 << 16


def decode(data: bytes) -> Decoded:
    """The text in `data`; with an empty encoding when it is binary."""
    encoding = detect(data)
    if not encoding:
        return Decoded("", "", exact=False)
    try:
        return Decoded(data.decode(encoding), encoding)
    except UnicodeDecodeError:
        return Decoded(data.decode(encoding, "replace"), encoding, exact=False)


def detect(data: bytes) -> str:
    """The encoding of `data`, empty when it is binary."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return encoding
    sample = data[:_SAMPLE]
    if b"\0" in sample:
        return _wide(sample)
    control = sum(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in sample)
    if control > len(sample) // 100 + 2:
        return ""
    if _is_utf8(data):
        return "utf-8"
    if _is_utf8(sample, partial=True):  # a few broken bytes far into a UTF-8 file
        return "utf-8" if any(byte > 127 for byte in sample) else _legacy(data)
    return _legacy(sample)


def _is_utf8(data: bytes, *, partial: bool = False) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data, not partial)
    except UnicodeDecodeError:
        return False
    return True


def _wide(sample: bytes) -> str:
    """UTF-16 without a mark: every second byte of ASCII text is zero."""
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    half = max(len(sample) // 2, 1)
    for zeros, others, encoding in ((odd, even, "utf-16-le"), (even, odd, "utf-16-be")):
        if zeros > half * 0.2 and others < zeros * 0.1:
            try:
                text = sample[: len(sample) // 2 * 2].decode(encoding, "replace")
            except UnicodeDecodeError:
                continue
            if sum(c.isprintable() or c in "\t\r\n" for c in text) > 0.95 * len(text):
                return encoding
    return ""


def _legacy(data: bytes) -> str:
    runs = [len(run) for run in _HIGH.findall(data)]
    if sum(run == 1 for run in runs) > 0.6 * len(runs) and _reads_as(data, "cp1252"):
        return "cp1252"  # single accented letters between ASCII ones
    best = _guess(data)
    even = sum(run % 2 == 0 for run in runs) > 0.9 * len(runs)
    if even and _gb2312_share(data) > 0.9:
        leads = [lead for run in _HIGH.findall(data) for lead in run[::2]]
        if sum(lead in (0xA4, 0xA5) for lead in leads) > 0.2 * len(leads):
            return "euc_jp"  # kana
        if best != "cp1251" and (best != "cp949" or max(leads) > 0xC8):  # Korean syllables end at C8
            return "gb18030"
    return best or ("cp1252" if _reads_as(data, "cp1252") else "latin-1")


_HIGH = re.compile(rb"[\x80-\xff]+")
_CANDIDATES = ("gb18030", "big5", "cp949", "euc_jp", "cp932", "cp1251")


def _gb2312_share(data: bytes) -> float:
    """The share of non-ASCII bytes that form a pair of GB2312's punctuation or characters."""
    pairs = [run[i : i + 2] for run in _HIGH.findall(data) for i in range(0, len(run) - 1, 2)]
    good = sum((0xB0 <= lead <= 0xF7 or 0xA1 <= lead <= 0xA9) and trail >= 0xA1 for lead, trail in pairs)
    return good / len(pairs) if pairs else 0.0


def _reads_as(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _guess(data: bytes) -> str:
    import charset_normalizer

    found = charset_normalizer.from_bytes(data, threshold=0.6, cp_isolation=list(_CANDIDATES)).best()
    return found.encoding if found is not None else ""
