"""Numbers as people write them, and when two say the same."""

import pytest

from glmos.kernel.figures import in_words, numbers, says


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1,234.5 and 7", [1234.5, 7]),
        ("3.2 million, 3万, 1.5亿, 2k", [3.2e6, 3e4, 1.5e8, 2e3]),
        ("-5 to −3", [-5, -3]),
        ("1e3", [1000]),
        ("销售额3元", [3]),
        ("2025-03-04", [2025, 3, 4]),
        ("no number", []),
        ("1,23", [1, 23]),
    ],
)
def test_numbers_are_read_as_people_write_them(text: str, values: list[float]) -> None:
    assert [n.value for n in numbers(text)] == values


@pytest.mark.parametrize(
    ("stated", "known", "so"),
    [
        ("about 12.3 million", "12345678", True),
        ("about 12.9 million", "12345678", False),
        ("37.5 %", "0.375", True),
        ("37.5 sheep", "0.375", False),
        ("0.375", "37.5 %", True),
        ("0 million", "400000", False),
        ("a profit of 500", "-500", False),
        ("a loss of 500", "-500", True),
        ("亏损 500 元", "-500", True),
        ("1500 kg", "1500 g", False),
        ("1500 公斤", "1500 kg", True),
        ("$5", "5 euros", False),
        ("¥5", "5 元", True),
        ("5 days", "5", True),
        ("3万元", "30000 USD", False),
    ],
)
def test_a_number_may_be_rounded_but_not_turned_or_measured_otherwise(stated: str, known: str, so: bool) -> None:
    assert says(numbers(stated)[0], numbers(known)[0]) is so


def test_small_numbers_may_be_spelled_out() -> None:
    assert {n.value for n in in_words("three sheets for March, 两个文件")} == {2, 3}
    assert 320 in {n.value for n in in_words("三百二十加 fifteen")}
    assert {n.value for n in in_words("three hundred and twenty of a thousand")} >= {320, 1000}
