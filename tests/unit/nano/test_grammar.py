import sqlite3
from random import Random

import pytest
from tests.unit.nano.tables import CHINESE, ORDERS, PEOPLE, SALES

from glmos.models.nano.grammar import Grammar
from glmos.models.nano.linker import index_table, link
from glmos.models.nano.pointer import EOS, Prompt, Unwritable, prompt_for, read, write
from glmos.models.nano.query import Condition, Query, Term, quote, to_sql
from glmos.models.nano.table import Table

QUESTIONS = [
    (SALES, "Which region had the highest sales in 2025 with units over 5?"),
    (SALES, 'top 3 products with "Lamp" between 10 and 20 units since March 2024'),
    (ORDERS, "how many orders of Bob Jones above 700 that are not shipped?"),
    (PEOPLE, "who earns most in IT"),
    (CHINESE, "华东2025年的销售额"),
]


def prompt_of(table: Table, question: str) -> Prompt:
    return prompt_for(link(question, index_table(table)), table)


def wander(grammar: Grammar, random: Random) -> list[str]:
    answer: list[str] = []
    while not answer or answer[-1] != EOS:
        allowed = grammar.allowed(answer)
        assert allowed, f"dead end after {answer!r}"
        answer.append(random.choice(allowed))
        assert len(answer) < 30
    return answer


@pytest.mark.parametrize(("table", "question"), QUESTIONS)
def test_every_answer_the_grammar_admits_runs(table: Table, question: str):
    prompt = prompt_of(table, question)
    connection = sqlite3.connect(":memory:")
    connection.execute(f"CREATE TABLE {quote(table.name)} ({', '.join(quote(c.name) for c in table.columns)})")
    for seed in range(300):
        query = read(wander(Grammar(prompt), Random(seed)), prompt)
        connection.execute(to_sql(query, table))
    connection.close()


@pytest.mark.parametrize(("table", "question"), QUESTIONS)
def test_reading_and_writing_are_each_others_inverse(table: Table, question: str):
    prompt = prompt_of(table, question)
    for seed in range(100):
        query = read(wander(Grammar(prompt), Random(seed)), prompt)
        assert read(write(query, prompt), prompt) == query


def test_only_numbers_are_summed():
    grammar = Grammar(prompt_of(SALES, "total sales"))
    assert set(grammar.allowed(["<sum>"])) == {"<c3>", "<c4>"}


def test_a_value_is_offered_only_where_it_could_be():
    grammar = Grammar(prompt_of(SALES, "sales in the North"))
    assert grammar.allowed(["<none>", "<c4>", "<c0>", "<=>"]) == ["<v0>"]
    assert "<c2>" not in [
        c for c in grammar.allowed(["<none>", "<c4>"]) if "<=>" in grammar.allowed(["<none>", "<c4>", c])
    ]


def test_columns_in_another_order_mean_the_same():
    links = link("sales in the North", index_table(SALES))
    query = Query("sales", (Term(4),), (Condition(0, "=", "North"),))
    straight, turned = prompt_for(links, SALES), prompt_for(links, SALES, [4, 3, 2, 1, 0])
    assert write(query, straight) != write(query, turned)
    assert read(write(query, turned), turned) == read(write(query, straight), straight) == query


def test_a_value_that_was_not_linked_cannot_be_written():
    with pytest.raises(Unwritable):
        write(Query("sales", (Term(4),), (Condition(0, "=", "South"),)), prompt_of(SALES, "sales in the North"))


def test_a_table_wider_than_the_pointers_keeps_the_columns_that_were_named():
    wide = Table("t", tuple(PEOPLE.columns[0]._replace(name=f"column {i}x") for i in range(60)), 5)
    prompt = prompt_of(wide, "what is the column 57x")
    assert len(prompt.columns) == 32
    assert 57 in prompt.columns
