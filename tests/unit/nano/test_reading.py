from pathlib import Path

import pytest
from tests.unit.nano.tables import CHINESE, ORDERS, PEOPLE, SALES

from glmos.models.nano.query import Query, Term
from glmos.models.nano.rank import choose
from glmos.models.nano.reading import Candidate, Reading, load_model, read_question, read_with
from glmos.models.nano.scope import expected_answer
from glmos.models.nano.table import infer_type

TABLES = [SALES, ORDERS]


@pytest.mark.parametrize(
    "goal",
    [
        "write a poem",
        "summarise this PDF",
        "why did sales fall in 2025?",
        "make a chart of sales by region",
        "delete all rows",
        "translate this into French",
        "what will sales be next year?",
        "plan my trip to the East coast",
        "what is 2+2",
        "hello",
        "What is the capital of France?",
        "write a report about sales by region",
        "find the total sales per region and save it to a file",
        "Total sales for North and East",
        "help me write a letter about sales in the North",
        "写一首诗",
        "为什么销售额下降了",
        "",
        "sales " * 200,
    ],
)
def test_what_no_query_answers_is_declined_with_a_reason(goal: str):
    reading = read_question(goal, TABLES)
    assert not reading.in_range
    assert reading.reason
    assert reading.candidates == ()


@pytest.mark.parametrize(
    "goal",
    [
        "Read sales.csv and tell me which region had the highest sales in 2025",
        "Please check how many units were sold in the North",
        "Can you show me total sales per product?",
        "I want to know the average sales in March 2025",
        "total revenue in 2025",
    ],
)
def test_a_polite_question_is_still_a_question(goal: str):
    assert read_question(goal, TABLES).in_range


def test_without_a_table_there_is_nothing_to_ask():
    assert read_question("total sales?", []).reason == "there is no table"


@pytest.mark.parametrize(
    ("goal", "table"), [("total units per region", 0), ("how many cancelled orders", 1), ("各地区的总销售额", 2)]
)
def test_the_table_that_the_words_fit_is_asked(goal: str, table: int):
    reading = read_question(goal, [SALES, ORDERS, CHINESE])
    assert reading.in_range
    assert {c.table for c in reading.candidates} == {table}


def test_the_rules_answer_where_there_are_no_weights(tmp_path: Path):
    assert load_model(tmp_path) is None
    reading = read_with(None, "Which region had the highest sales in 2025?", TABLES)
    assert [c.source for c in reading.candidates] == ["rules"]
    assert reading.candidates[0].sql.startswith('SELECT "region", SUM("sales") FROM "sales"')


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("How many orders?", "number"),
        ("total sales in 2025", "number"),
        ("Which region had the highest sales?", "text"),
        ("When was the last order?", "date"),
        ("list all products", "list"),
        ("sales by region", "list"),
        ("销售额是多少", "number"),
        ("hm", "any"),
    ],
)
def test_the_kind_of_answer_is_told_from_the_question(question: str, kind: str):
    assert expected_answer(question) == kind


def test_types_are_told_from_values():
    assert infer_type(["1,024", "- 3", "", None]) == "number"
    assert infer_type(["2025-01-01", "2025-02"]) == "date"
    assert infer_type(["1", "n/a"]) == "text"
    assert infer_type([]) == "text"


def reading_of(*scores: float) -> Reading:
    links = read_with(None, "what is the salary of Ann?", [PEOPLE]).candidates[0].links
    queries = [Query("employees", (Term(i % 3),)) for i in range(len(scores))]
    found = tuple(Candidate(q, "", s, "model", links) for q, s in zip(queries, scores, strict=True))
    return Reading("what is the salary of Ann?", found, True, "", (PEOPLE,))


def test_a_candidate_that_failed_is_never_chosen(tmp_path: Path):
    choice = choose(reading_of(-0.1, -3.0), [ValueError("no such column"), [(5.0,)]], folder=tmp_path)
    assert choice.index == 1


def test_when_everything_failed_nothing_is_chosen(tmp_path: Path):
    choice = choose(reading_of(-0.1), [ValueError("locked")], folder=tmp_path)
    assert (choice.index, choice.confidence, choice.alternatives) == (None, 0.0, ())


def test_an_empty_result_is_disliked_but_not_impossible(tmp_path: Path):
    assert choose(reading_of(-0.4, -1.0), [[], [("Ann",)]], folder=tmp_path).index == 1
    assert choose(reading_of(-0.1, -5.0), [[], [("Ann",)]], folder=tmp_path).index == 0


def test_readings_with_the_same_result_strengthen_each_other(tmp_path: Path):
    choice = choose(reading_of(-1.0, -1.2, -1.2), [[(1.0,)], [(2,)], [(2.0,)]], folder=tmp_path)
    assert choice.index in (1, 2)
    assert choice.confidence > 0.5
    assert choice.alternatives == (0,)


def test_the_shipped_model_is_there_and_agrees_with_the_rules_on_the_first_question_of_the_manual():
    reading = read_question("Which region had the highest sales in 2025?", TABLES)
    best = reading.candidates[0]
    assert (best.source, best.agreed, best.sure) == ("model", True, True)
    assert best.sql == (
        'SELECT "region", SUM("sales") FROM "sales" WHERE "date" >= \'2025-01-01\' AND "date" < \'2026-01-01\' '
        'GROUP BY "region" ORDER BY SUM("sales") DESC LIMIT 1'
    )
    assert len(reading.candidates) == 5
    assert best.score > -1
