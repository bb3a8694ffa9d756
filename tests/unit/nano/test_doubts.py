"""What the nano model must not vouch for, and what it may."""

from datetime import date

import pytest
from tests.unit.nano.tables import CHINESE, DAYS, ORDERS, PEOPLE, SALES

from glmos.models.nano.doubts import contradicts, doubts
from glmos.models.nano.linker import index_table, link
from glmos.models.nano.query import Condition, Query, Term
from glmos.models.nano.reading import Candidate, Reading, read_with
from glmos.models.nano.rules import read_by_rules
from glmos.models.nano.table import Column, Table
from glmos.models.nano.unread import unread_words

ALL_SALES = Query("sales", (Term(4, "sum"),))
MONTHS = tuple(date(1854 + i // 12, 1 + i % 12, 1).isoformat() for i in range(24))
WAR = Table(
    "war",
    (
        Column("date", "date", MONTHS),
        Column("wounds", "number", tuple(float(i) for i in range(24))),
        Column("disease", "number", tuple(float(7 * i) for i in range(24))),
    ),
    24,
)
FLIGHTS = Table(
    "flights",
    (
        Column("day", "date", DAYS),
        Column("flight", "number", tuple(float(n) for n in range(1, 90))),
        Column("dest", "text", ("ORD", "LAX", "ATL")),
        Column("dep_delay", "number", tuple(float(n) for n in range(-5, 90))),
        Column("gdpPercap", "number", tuple(n / 2 for n in range(90))),
        Column("year", "number", (2023.0, 2024.0)),
    ),
    900,
)
CHINESE_ORDERS = Table("销售", (Column("订单号", "text", tuple(f"A{n}" for n in range(90))), *CHINESE.columns), 90)


def unread(question: str, query: Query, table: Table = SALES) -> tuple[str, ...]:
    return unread_words(query, link(question, index_table(table)), table)


def read(question: str, table: Table) -> Query:
    rule = read_by_rules(link(question, index_table(table)), table)
    assert rule is not None
    return rule.query


def reading_of(question: str, query: Query, table: Table) -> Reading:
    candidate = Candidate(query, "", -0.1, "rules", link(question, index_table(table)))
    return Reading(question, (candidate,), True, "", (table,))


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("What are the total sales?", ()),
        ("Please show me the total revenue", ()),
        ("What are the total net sales?", ("net",)),
        ("total sales without refunds", ("without", "refunds")),
        ("total sales in the North", ("North",)),
        ("average sales", ("average",)),
        ("total sales over 40", ("over", "40")),
        ("total sales per region", ("region",)),
        ("total sales for each customer", ("each", "customer")),
        ("highest sales", ("highest",)),
    ],
)
def test_what_a_query_does_not_account_for_is_unread(question: str, words: tuple[str, ...]):
    assert unread(question, ALL_SALES) == words


@pytest.mark.parametrize(
    ("question", "table"),
    [
        ("Which region had the highest sales in 2025?", SALES),
        ("How many orders over 100 in March", ORDERS),
        ("top 3 products by sales", SALES),
        ("average sales per region", SALES),
        ("names of employees with salary over 250", PEOPLE),
        ("which customer has the most orders?", ORDERS),
        ("2025年哪个地区的销售额最高?", CHINESE),
        ("各地区的平均销售额", CHINESE),
        ("手机的销售额一共多少", CHINESE),
        ("2025年3月的销售额合计是多少", CHINESE),
    ],
)
def test_a_question_read_in_full_leaves_no_doubt(question: str, table: Table):
    assert doubts(reading_of(question, read(question, table), table), 0) == ""


@pytest.mark.parametrize("question", ["2025年净销售额合计", "销售额合计,不包括手机", "销售额最高的地区"])
def test_chinese_words_that_no_query_reads_are_doubted(question: str):
    assert unread(question, Query("销售", (Term(3, "sum"),)), CHINESE)


def test_the_doubt_names_the_word_and_the_columns_there_are():
    said = doubts(reading_of("total net sales", ALL_SALES, SALES), 0)
    assert (
        said
        == "it does not know what 'net' means in table 'sales', whose columns are region, date, product, units, sales"
    )


def test_one_cell_cannot_have_two_values():
    both = Query("sales", (Term(4, "sum"),), (Condition(0, "=", "North"), Condition(0, "=", "East")))
    assert contradicts(both) == 0
    assert "two values of 'region'" in doubts(reading_of("sales North East", both, SALES), 0)
    assert contradicts(Query("sales", (Term(3),), (Condition(3, ">", 1.0), Condition(3, "<", 9.0)))) is None


def test_the_latest_date_is_not_the_most_of_anything():
    latest = Query("sales", (Term(1, "max"),))
    assert unread("dates with the most sales", latest) == ("most", "sales")
    assert unread("what is the latest date", latest) == ()
    assert "最多" in unread("日期最多", Query("销售", (Term(1, "max"),)), CHINESE)
    assert unread("最晚的日期是什么", Query("销售", (Term(1, "max"),)), CHINESE) == ()


def test_who_is_a_name_and_not_a_number():
    query = Query("orders", (Term(0), Term(3, "sum")), (), 0, None, Term(3, "sum"), True, 1)
    assert "Who" in unread("Who has the highest amount?", query, ORDERS)


def test_identifiers_and_years_are_only_computed_with_when_named_just_there():
    adding = Query("flights", (Term(5, "sum"),))
    assert "'year' only names" in doubts(reading_of("how many in 2024", adding, FLIGHTS), 0)
    latest = Query("flights", (Term(5, "max"),))
    assert doubts(reading_of("what is the highest year", latest, FLIGHTS), 0) == ""


def test_rows_are_counted_when_a_column_of_numbers_is_called_like_one_row():
    assert read("How many flights are there?", FLIGHTS).select == (Term(None, "count"),)


@pytest.mark.parametrize(("phrase", "column"), [("departure delay", 3), ("destinations", 2), ("GDP per capita", 4)])
def test_a_shortened_name_is_recognised_by_the_words_it_shortens(phrase: str, column: int):
    links = link(f"what is the highest {phrase}?", index_table(FLIGHTS))
    assert [c.column for c in links.columns if c.whole] == [column]


def test_the_top_destinations_by_number_of_rows_are_counted():
    query = read("What are the top 3 destinations by number of flights?", FLIGHTS)
    assert (query.group, query.order, query.limit) == (2, Term(None, "count"), 3)


def test_the_month_of_the_highest_amount_is_its_row_and_not_the_latest_month():
    query = read("In which month was disease the highest?", WAR)
    assert query == Query("war", (Term(0), Term(2)), (), None, None, Term(2), True, 1)


def test_rows_that_are_months_are_counted_as_months():
    assert read("How many months are recorded?", WAR).select == (Term(None, "count"),)
    assert read_with(None, "How many months are recorded?", [WAR]).in_range


def test_old_years_are_periods_only_where_the_table_has_them():
    assert read("total of disease in 1855", WAR).where[0].column == 0
    assert link("orders over 1855", index_table(ORDERS)).values[0].number == 1855


def test_the_largest_single_amount_is_one_row():
    query = read("Which product had the largest single sales?", SALES)
    assert (query.group, query.order) == (None, Term(4))


@pytest.mark.parametrize("question", ["销售额最高的两种产品是什么", "销售额前2的产品"])
def test_chinese_asks_for_the_first_few(question: str):
    query = read(question, CHINESE)
    assert (query.group, query.order, query.limit) == (2, Term(3, "sum"), 2)


@pytest.mark.parametrize("question", ["一共有多少个订单?", "产品为手机的订单有多少个?"])
def test_chinese_rows_are_counted_by_what_their_key_calls_them(question: str):
    assert read(question, CHINESE_ORDERS).select == (Term(None, "count"),)


@pytest.mark.parametrize(
    "question",
    [
        "2025年华南的销售额占全年的百分之几?",
        "华南的销售额比华东高多少?",
        "What percentage of the sales came from the North?",
        "How many times larger are sales in North than in East?",
        "How much higher were the sales of North than those of East?",
    ],
)
def test_shares_and_differences_are_declined(question: str):
    assert not read_with(None, question, [SALES, CHINESE]).in_range
