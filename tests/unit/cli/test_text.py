"""Text on a terminal is harmless and takes the columns it is thought to take."""

import pytest

from glmos.cli.text import clean, count, duration, fit, line, money, paragraph, plural, table, width


@pytest.mark.parametrize(
    "text",
    [
        "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "\x9b31m", "\x08\x08", "a\rb", "\u202eevil", "\u2066x\u2069",
        "\u200f", "tag\U000e0041", "\x00", "\x7f", "\u2028", "\udcff", "\x1b[2J\x1b[H", "\x0e", "\ufeff",
    ],
)  # fmt: skip
def test_nothing_a_terminal_would_obey_survives(text: str) -> None:
    shown = clean(text)
    assert all(char.isprintable() or char in "\n\t" for char in shown)
    assert shown != text


def test_ordinary_text_is_left_alone_in_every_language() -> None:
    for text in ("línea\n\tdos", "销售额最高的地区是华北。", "👩‍👩‍👧 emoji", "русский", "עברית", "a\u200bb"):
        assert clean(text) == text
    assert clean("dos\r\nlines") == "dos\nlines"


def test_a_chinese_character_takes_two_columns() -> None:
    assert width("华北 1204") == 9
    assert fit("华北华北", 5) == "华北…"
    assert width(fit("华" * 100, 79)) <= 79
    assert fit("short", 80) == "short"


def test_a_line_is_one_line() -> None:
    assert line("a\n b\t c\r\nd") == "a b c d"


def test_a_paragraph_is_wrapped_by_columns_and_indented() -> None:
    text = paragraph("销售额最高的地区是华北" * 8, columns=40, first="? ", rest="  ")
    assert len(text.splitlines()) > 1
    assert all(width(part) <= 40 for part in text.splitlines())
    assert paragraph("长" * 100, columns=None, first="> ") == "> " + "长" * 100
    assert paragraph("", columns=40, first="x ") == "x "


def test_a_table_fits_its_columns_and_lines_up_with_chinese_cells() -> None:
    rows = [("1", "运行中", "目标" * 60), ("12", "done", "short")]
    fitted = table(("PID", "STATUS", "GOAL"), rows, columns=80).splitlines()
    assert all(width(part) <= 80 for part in fitted)
    assert width(fitted[0].split("GOAL")[0]) == width(fitted[2].split("short")[0]) == width(fitted[1].split("目标")[0])
    assert "目标" * 60 in table(("PID", "STATUS", "GOAL"), rows, columns=None)


def test_numbers_are_short() -> None:
    assert [count(n) for n in (0, 999, 1000, 12_345, 999_960, 4_500_000)] == [
        "0",
        "999",
        "1.0k",
        "12.3k",
        "1.0M",
        "4.5M",
    ]
    assert [money(x) for x in (0, 0.0012, 1.5)] == ["$0.00", "$0.0012", "$1.50"]
    assert [duration(s) for s in (0.44, 12, 200, 7500, 400_000)] == ["0.4 s", "12 s", "3 min", "2 h 5 min", "4 d"]
    assert (plural(1, "check"), plural(2, "check")) == ("1 check", "2 checks")
