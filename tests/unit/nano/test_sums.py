"""Sums and conversions in words: what they come to by both engines, and what is left alone."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from glmos.abi import numerals
from glmos.models.nano import sums, units
from glmos.tools.tables import same_rows
from glmos.tools.tables.worker import Worker

ANSWERS = {
    # arithmetic
    "15% of 240": "36",
    "what is 1,234.5 * 17": "20,986.5",
    "What's (3 + 4) * 5?": "35",
    "3 + 4 * 5": "23",
    "100 / 8 - 2": "10.5",
    "-5 + 2": "-3",
    "(-3)^2": "9",
    "2 * -3": "-6",
    "calculate 2 ^ 10": "1,024",
    "2 to the power of 10": "1,024",
    "7 squared": "49",
    "5²": "25",
    "the square root of 144": "12",
    "sqrt(2)": "about 1.4142",
    "three hundred and twenty plus fifteen": "335",
    "twenty-five times four": "100",
    "two thirds of 90": "60",
    "half of 350": "175",
    "double 45": "90",
    "10 minus 12.5 =": "-2.5",
    "1 / 3": "about 0.3333",
    "3.5 million / 2": "1,750,000",
    "how much is 0.1 + 0.2": "0.3",
    "三百二十加十五乘以二是多少": "350",
    "12.5 万的 8 %": "10,000",
    "一千零五减六等于几": "999",
    "240的三分之一": "80",
    "九的平方根": "3",
    "2的10次方是多少": "1,024",
    "请问 56 除以 7 等于多少？": "8",
    "（3＋4）×5": "35",
    "一百的百分之五十": "50",
    "一万二加三千": "15,000",
    "36的一半": "18",
    # lists
    "average of 4, 8 and 15": "9",
    "the mean of 4,8,15": "9",
    "sum of 1.5, 2.5 and 3": "7",
    "product of 3, 4 and 5": "60",
    "difference between 12 and 30": "18",
    "4、8和15的平均数": "9",
    "12和30的差是多少": "18",
    # per cent
    "how many percent of 80 is 12": "15 %",
    "12 is what percent of 80?": "15 %",
    "30 as a percentage of 120": "25 %",
    "percentage change from 80 to 92": "15 %",
    "percent change from 92 to 69": "-25 %",
    "percentage decrease from 100 to 80": "20 %",
    "200 plus 10%": "220",
    "increase 80 by 25%": "100",
    "reduce 80 by 25 percent": "60",
    "15是60的百分之几": "25 %",
    "从100涨到120，涨了百分之几": "20 %",
    "从100降到80，下降了百分之几": "20 %",
    # buying
    "split 87.50 between 5 people": "17.5 each",
    "split $100 between 3 friends": "about $33.33 each",
    "how much does each person pay if 4 people split 90": "22.5 each",
    "if a shirt costs 49.90 and is 30 % off, what do I pay": "34.93",
    "20% off $65": "$52",
    "an 18% tip on $54.20": "about $9.76",
    "60 plus a 15% tip": "69",
    "bill of 120 with a 15% tip split between 4 people": "34.5 each",
    "add 19% VAT to 100": "119",
    "VAT on 250 at 19%": "47.5",
    "remove 19% VAT from 119": "100",
    "how much VAT is included in 119 at 19%": "19",
    "3 apples at 1.20 each": "3.6",
    "200元打八折": "160 元",
    "一件衣服原价300元，打七五折后多少钱": "225 元",
    "把120元平均分给8个人，每人多少元": "15 元（每份）",
    "100元8个人平分每人多少": "12.50 元（每份）",
    "含税价113元，税率13%，不含税是多少": "100 元",
    # ratios
    "ratio of 12 to 18": "2 : 3 (about 0.6667)",
    "split 100 in the ratio 2:3": "40, 60",
    "把100按2:3分": "40、60",
    # units
    "how many minutes are 3.5 hours": "210 minutes",
    "how many minutes in an hour": "60 minutes",
    "how many inches in a foot?": "12 inches",
    "26 miles in km": "41.842944 kilometres",
    "1 km in m": "1,000 metres",
    "72 °F in Celsius": "about 22.2222 °C",
    "-40 C to F": "-40 °F",
    "5 feet 11 inches in cm": "180.34 centimetres",
    "an hour and a half in minutes": "90 minutes",
    "2 h 35 min in minutes": "155 minutes",
    "100 km/h in mph": "about 62.1371 miles per hour",
    "2.5 m^2 in cm^2": "25,000 square centimetres",
    "10 gallons in litres": "37.85411784 litres (US gallons), or 45.4609 litres (imperial gallons)",
    "300 MB in GB": "0.3 decimal GB (decimal MB), or 0.29296875 binary GB (binary MB)",
    "1 GiB in MiB": "1,024 MiB",
    "18 months in years": "1.5 years",
    "3 km plus 500 m": "3.5 kilometres",
    "5斤是多少公斤": "2.5 公斤",
    "五斤三两是多少克": "2,650 克",
    "两亩地合多少平方米": "约 1,333.3333 平方米",
    "两个半小时是多少分钟": "150 分钟",
    "华氏100度是多少摄氏度": "约 37.7778°C",
    "一百里换算成公里": "50 公里",
    "3.5小时是多少分钟": "210 分钟",
    # times and days
    "what is 18:40 plus 2 h 35 min": "21:15",
    "2 hours 35 minutes after 18:40": "21:15",
    "22:30 plus 3 hours": "1:30 the next day",
    "45 minutes before 9:15": "8:30",
    "3:30 pm plus 45 minutes": "16:15",
    "how long is it from 9:15 to 17:40": "8 h 25 min (505 minutes in all)",
    "18:40加2小时35分钟是几点": "21:15",
    "下午3点到下午5点半有多久": "2 小时 30 分钟（共 150 分钟）",
    "9点15分到17点40分有多久": "8 小时 25 分钟（共 505 分钟）",
    "days between 3 March 2025 and 17 May 2025": "75 days",
    "how many days are there between 2024-02-28 and 2024-03-01": "2 days",
    "90 days after 3 March 2025": "2025-06-01",
    "2 weeks before 2025-01-05": "2024-12-22",
    "2025年3月3日到2025年5月17日有多少天": "75 天",
    "2025年3月3日之后90天是几号": "2025-06-01",
}
NEAR_MISSES = [
    "15% of", "what is 3 +", "3 / 0", "sqrt(-4)", "1,2 + 3", "007 + 1", "2025-11-23", "5!", "3 + 5!", "3 then 4",
    "3加4再乘以5", "20% + 30", "100 + 100 + 10%", "twenty twenty plus 1", "average of 7", "average of my grades",
    "15% of the sales", "what is 3 plus the number of regions", "split 90 between me and 4 friends",
    "two shirts cost 49.90 each and are 30% off, what do I pay", "split 90 between 0 people", "满300打八折",
    "买二送一打八折是多少", "100 dollars in euros", "100美元是多少人民币", "250 euros in yuan", "3 pm in London time",
    "what time is it in Tokyo", "how many days until Christmas", "what is the date today", "2 years in days",
    "10 kg in metres", "5 kg 3 lb in grams", "20 degrees in Fahrenheit", "3 hours 90 minutes in seconds", "-300 C in F",
    "100 Mb in GB", "5 apples in oranges", "18:40 plus 5", "25:00 plus 1 hour", "how long between 17:40 and 9:15",
    "days between 30 February 2025 and 1 May 2025", "days between 3/4/2025 and 5/4/2025", "days between March and May",
    "percentage decrease from 80 to 100", "change from 0 to 5 in percent", "ratio of 3 to 0", "what is 100 with 19% VAT",
    "3的", "一百加", "3.5.1 + 2", "9^9^9^9", "10 ^ 400", "17 people share", "15 percent more than last year",
    "the sum of 3 and 4 times 5", "-3 squared", "-2^2", "2^3^2", "1 + 1 = 3",
    "what is love", "how much is a shirt", "three of five", "十十加一",
]  # fmt: skip


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    folder: Path = tmp_path_factory.mktemp("sums")
    (folder / "empty").mkdir()
    worker = Worker(folder / "empty", folder / "scratch")
    yield worker
    worker.close()


@pytest.mark.parametrize(("question", "answer"), ANSWERS.items())
def test_a_sum_that_is_understood_is_right_by_two_engines(worker: Worker, question: str, answer: str):
    read = sums.read(question, alone=True)
    assert isinstance(read, sums.Calculation), read
    sql = sums.sql(read)
    first = worker.answer({"action": "query", "sql": sql})
    second = worker.answer({"action": "query", "sql": sql, "engine": "sqlite"})
    assert "failure" not in first and "failure" not in second, (sql, second.get("failure"))
    rows = first["data"]["rows"]
    assert same_rows(rows, second["data"]["rows"])
    told = sums.word(read, rows[0])
    assert told is not None
    assert told.splitlines()[0] == answer


@pytest.mark.parametrize("question", NEAR_MISSES)
def test_what_is_not_wholly_understood_is_not_answered(question: str):
    assert not isinstance(sums.read(question, alone=True), sums.Calculation)


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("100 dollars in euros", "exchange rates"),
        ("100美元是多少人民币", "exchange rates"),
        ("3 pm in London time", "time zones"),
        ("how many days until Christmas", "today's date"),
        ("3 / 0", "divided by zero"),
        ("2 years in days", "months and years differ"),
        ("10 kg in metres", "do not measure the same thing"),
        ("-300 C in F", "absolute zero"),
    ],
)
def test_why_a_sum_has_no_answer_is_said(question: str, reason: str):
    read = sums.read(question, alone=True)
    assert isinstance(read, sums.Declined)
    assert reason in read.reason


def test_beside_tables_numbers_that_may_be_years_are_left_to_them():
    assert isinstance(sums.read("difference between 2024 and 2025", alone=True), sums.Calculation)
    assert sums.read("difference between 2024 and 2025", alone=False) is None
    assert isinstance(sums.read("difference between 202 and 204", alone=False), sums.Calculation)


def test_a_row_that_is_not_what_the_sum_comes_to_is_not_told():
    read = sums.read("15% of 240", alone=True)
    assert isinstance(read, sums.Calculation)
    assert sums.word(read, [36.0]) == "36\n(read as: 15 % of 240)"
    assert sums.word(read, [36.1]) is None
    assert sums.word(read, [None]) is None


def test_how_a_number_in_words_was_read_is_shown_in_digits():
    read = sums.read("三百二十加十五乘以二是多少", alone=True)
    assert isinstance(read, sums.Calculation)
    assert read.read_as == "320 + 15 × 2"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("三百二", 320), ("三百零二", 302), ("两千五", 2500), ("一万二", 12_000), ("十五", 15), ("二〇二五", 2025),
        ("三亿五千万", 350_000_000), ("三点一四", Fraction("3.14")),
        ("十十", None), ("二十百", None), ("百", None), ("零五", None),
    ],
)  # fmt: skip
def test_chinese_numerals_are_read_as_people_say_them(text: str, value: Fraction | int | None):
    assert numerals.chinese(text) == value


def test_every_name_of_a_unit_has_a_worth_of_its_dimension():
    for meanings in units.NAMES.values():
        for meaning in meanings:
            assert units.worth(meaning) > 0
            assert units.dimension(meaning)


def test_a_mile_a_jin_and_a_mu_are_what_they_are_by_law():
    def metres(name: str) -> Fraction:
        return units.worth(units.NAMES[name][0])

    assert metres("mile") == Fraction("1609.344")
    assert metres("斤") / metres("kilogram") == Fraction(1, 2)
    assert metres("亩") == Fraction(2000, 3)
    assert metres("磅") / metres("kilogram") == Fraction("0.45359237")
