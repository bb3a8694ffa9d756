from datetime import date

import pytest
from tests.unit.nano.tables import CHINESE, ORDERS, PEOPLE, SALES

from glmos.models.nano.linker import index_table, link
from glmos.models.nano.periods import Period
from glmos.models.nano.query import Condition, Query, Term, to_sql
from glmos.models.nano.rules import read_by_rules
from glmos.models.nano.table import Column, Table

YEAR = Period(date(2025, 1, 1), date(2026, 1, 1))
IN_2025 = (Condition(1, "=", YEAR),)


def read(question: str, table: Table) -> Query:
    rule = read_by_rules(link(question, index_table(table)), table)
    assert rule is not None
    return rule.query


def test_the_highest_of_a_group_that_repeats_is_a_sum():
    assert read("Which region had the highest sales in 2025?", SALES) == Query(
        "sales", (Term(0), Term(4, "sum")), IN_2025, 0, None, Term(4, "sum"), True, 1
    )


def test_the_highest_of_a_column_that_never_repeats_is_its_row():
    assert read("which name has the lowest salary", PEOPLE) == Query(
        "employees", (Term(0), Term(2)), (), None, None, Term(2), False, 1
    )


@pytest.mark.parametrize(
    ("question", "table", "sql"),
    [
        (
            "What were total sales in March 2025?",
            SALES,
            'SELECT SUM("sales") FROM "sales" WHERE "date" >= \'2025-03-01\' AND "date" < \'2025-04-01\'',
        ),
        ("average sales per region", SALES, 'SELECT "region", AVG("sales") FROM "sales" GROUP BY "region"'),
        (
            "top 3 products by sales",
            SALES,
            'SELECT "product", SUM("sales") FROM "sales" GROUP BY "product" ORDER BY SUM("sales") DESC LIMIT 3',
        ),
        ("How many different products are there?", SALES, 'SELECT COUNT(DISTINCT "product") FROM "sales"'),
        (
            "How many units did we sell in the North?",
            SALES,
            'SELECT SUM("units") FROM "sales" WHERE LOWER("region") = LOWER(\'North\')',
        ),
        (
            "how many orders does Alice Smith have?",
            ORDERS,
            'SELECT COUNT(*) FROM "orders" WHERE LOWER("customer_name") = LOWER(\'Alice Smith\')',
        ),
        (
            "which customer has the most orders?",
            ORDERS,
            'SELECT "customer_name", COUNT(*) FROM "orders" GROUP BY "customer_name" ORDER BY COUNT(*) DESC LIMIT 1',
        ),
        (
            "total amount of cancelled orders",
            ORDERS,
            'SELECT SUM("amount") FROM "orders" WHERE LOWER("status") = LOWER(\'cancelled\')',
        ),
        (
            "names of employees with salary over 250",
            PEOPLE,
            'SELECT "name" FROM "employees" WHERE "salary" > 250',
        ),
        (
            "what is Bob's salary",
            PEOPLE,
            'SELECT "salary" FROM "employees" WHERE LOWER("name") = LOWER(\'Bob\')',
        ),
        ("各地区的平均销售额", CHINESE, 'SELECT "地区", AVG("销售额") FROM "销售" GROUP BY "地区"'),
        ("手机的销售额一共多少", CHINESE, 'SELECT SUM("销售额") FROM "销售" WHERE LOWER("产品") = LOWER(\'手机\')'),
    ],
)
def test_a_question_becomes_the_query_it_means(question: str, table: Table, sql: str):
    assert to_sql(read(question, table), table) == sql


def test_orders_over_an_amount_are_counted_by_amount_not_by_number():
    query = read("how many orders over 100 in March", ORDERS)
    march = Period(date(2025, 3, 1), date(2025, 4, 1))
    assert query == Query("orders", (Term(None, "count"),), (Condition(3, ">", 100.0), Condition(2, "=", march)))


def test_chinese_superlatives_group_and_sum():
    query = read("2025年哪个地区的销售额最高?", CHINESE)
    assert (query.group, query.order, query.where) == (0, Term(3, "sum"), IN_2025)


def test_between_two_dates_is_one_period():
    query = read("What were the sales of Widget between 2025-01-01 and 2025-03-31?", SALES)
    assert Condition(1, "=", Period(date(2025, 1, 1), date(2025, 4, 1))) in query.where
    assert query.select == (Term(4, "sum"),)


def test_months_of_a_date_column_are_groups():
    query = read("sales by month", SALES)
    assert (query.group, query.bucket, query.select[1]) == (1, "month", Term(4, "sum"))


def test_last_year_counts_from_the_day_given():
    links = link("total sales last year", index_table(SALES), today=date(2026, 3, 1))
    rule = read_by_rules(links, SALES)
    assert rule is not None
    assert rule.query.where == IN_2025


@pytest.mark.parametrize(
    ("wording", "operator"),
    [("over", ">"), ("at least", ">="), ("fewer than", "<"), ("no more than", "<="), ("of", "=")],
)
def test_wording_decides_the_comparison(wording: str, operator: str):
    query = read(f"which products have units {wording} 40", SALES)
    assert query.where == (Condition(3, operator, 40.0),)  # type: ignore[arg-type]


def test_nothing_of_the_table_said_is_no_query():
    assert read_by_rules(link("tell me a joke", index_table(SALES)), SALES) is None


def test_a_table_without_rows_is_no_crash():
    empty = Table("empty", (Column("region", "text", ()), Column("sales", "number", ())), 0)
    assert read_by_rules(link("which region had the highest sales", index_table(empty)), empty) is not None


@pytest.mark.parametrize(
    "question", ["Which product appears most often?", "what is the most common product", "most popular product"]
)
def test_the_most_frequent_value_is_found_by_counting_rows(question: str):
    query = read(question, SALES)
    assert (query.group, query.order, query.limit) == (2, Term(None, "count"), 1)


def test_how_much_asks_for_money_and_how_many_for_pieces():
    assert read("how much did we sell in the East in 2025", SALES).select == (Term(4, "sum"),)
    assert read("how many units did we sell in the East in 2025", SALES).select == (Term(3, "sum"),)


def test_days_are_groups_too():
    query = read("which day had the highest sales?", SALES)
    assert (query.group, query.bucket, query.order) == (1, "day", Term(4, "sum"))


def test_the_first_and_the_last_date_are_extremes():
    assert read("first order date", ORDERS).select == (Term(2, "min"),)
    assert read("most recent order date", ORDERS).select == (Term(2, "max"),)
