"""Questions from patterns, for what WikiSQL lacks: groups, order, top n, ranges, periods, negation, counting rows.

Each pattern writes a question and its query from one table. `{x}` stands for a column's name, said in
one of a few ways; conditions are added behind. The sum over groups is meant when the group repeats
("which region had the highest sales"), the single row when it does not.
"""

from collections.abc import Callable
from random import Random

from glmos.models.nano.query import Query, Term
from glmos.models.nano.table import Table
from glmos.models.nano.training.pen import Pen

_MOST = ["highest", "most", "largest", "greatest", "biggest", "top", "best"]
_LEAST = ["lowest", "least", "smallest", "fewest", "minimum", "worst"]


def _superlative(pen: Pen) -> tuple[str, Query] | None:
    subjects = [i for i in pen.groups * 2 + pen.keys if [i] != pen.numbers]
    if not pen.numbers or not subjects:
        return None
    subject = pen.pick(subjects)
    column = pen.pick([i for i in pen.numbers if i != subject])
    most = pen.random.random() < 0.65
    word, name, x = pen.pick(_MOST if most else _LEAST), pen.name(column), pen.name(subject)
    tail, where = pen.conditions(column, subject)
    average = pen.random.random() < 0.2
    adjective = f"{word} average" if average else pen.pick([word, f"{word} total"] if subject in pen.groups else [word])
    ways = [
        f"which {x} had the {adjective} {name}{tail}",
        f"which {x} has the {adjective} {name}{tail}",
        f"what is the {x} with the {adjective} {name}{tail}",
        f"what {x} has the {adjective} {name}{tail}",
        f"{x} with the {adjective} {name}{tail}",
        f"{tail.strip()}, which {x} had the {adjective} {name}".lstrip(", "),
    ]
    if subject in pen.groups:
        order = Term(column, "avg" if average else "sum")
        return pen.pick(ways), pen.query(
            Term(subject), order, where=where, group=subject, order=order, descending=most, limit=1
        )
    if average:
        return None
    order = Term(column)
    return pen.pick(ways), pen.query(Term(subject), order, where=where, order=order, descending=most, limit=1)


def _most_rows(pen: Pen) -> tuple[str, Query] | None:
    if not pen.groups:
        return None
    subject, most = pen.pick(pen.groups), pen.random.random() < 0.7
    x, word, rows = pen.name(subject), "most" if most else "fewest", pen.rows()
    tail, where = pen.conditions(subject)
    ways = [f"which {x} has the {word} {rows}{tail}", f"which {x} had the {word} {rows}{tail}"]
    ways += [f"which {x} appears most often{tail}", f"what is the most common {x}{tail}"] if most else []
    order = Term(None, "count")
    return pen.pick(ways), pen.query(
        Term(subject), order, where=where, group=subject, order=order, descending=most, limit=1
    )


def _per_group(pen: Pen) -> tuple[str, Query] | None:
    if not pen.groups:
        return None
    group, per = pen.pick(pen.groups), pen.pick(["by", "per", "for each", "in each", "for every", "grouped by"])
    tail, where = pen.conditions(group)
    if not pen.numbers or pen.random.random() < 0.3:
        ways = [
            f"how many {pen.rows()}{tail} {per} {pen.name(group)}",
            f"number of {pen.rows()} {per} {pen.name(group)}{tail}",
        ]
        return pen.pick(ways), pen.query(Term(group), Term(None, "count"), where=where, group=group)
    if pen.numbers == [group]:
        return None
    column = pen.pick([i for i in pen.numbers if i != group])
    word, aggregate = pen.pick(
        [
            ("total", "sum"),
            ("", "sum"),
            ("average", "avg"),
            ("mean", "avg"),
            ("maximum", "max"),
            ("highest", "max"),
            ("minimum", "min"),
            ("sum of", "sum"),
        ]
    )
    phrase = f"{word} {pen.name(column)}".strip()
    ways = [
        f"{phrase} {per} {pen.name(group)}{tail}",
        f"what is the {phrase} {per} {pen.name(group)}{tail}",
        f"show {phrase} {per} {pen.name(group)}{tail}",
    ]
    term = Term(column, aggregate)  # type: ignore[arg-type]
    return pen.pick(ways), pen.query(Term(group), term, where=where, group=group)


def _top(pen: Pen) -> tuple[str, Query] | None:
    subjects = [i for i in pen.groups + pen.keys if [i] != pen.numbers]
    if not pen.numbers or not subjects:
        return None
    subject, n = pen.pick(subjects), pen.pick([2, 3, 4, 5, 10])
    column = pen.pick([i for i in pen.numbers if i != subject])
    most, tail_where = pen.random.random() < 0.75, pen.conditions(column, subject)
    said = pen.pick([str(n), {2: "two", 3: "three", 4: "four", 5: "five", 10: "ten"}[n]])
    word = "top" if most else "bottom"
    extreme = pen.pick(_MOST[:4] if most else _LEAST[:4])
    ways = [
        f"{word} {said} {pen.plural(subject)} by {pen.name(column)}{tail_where[0]}",
        f"show the {said} {pen.plural(subject)} with the {extreme} {pen.name(column)}{tail_where[0]}",
        f"what are the {word} {said} {pen.plural(subject)} by {pen.name(column)}{tail_where[0]}",
    ]
    grouped = subject in pen.groups
    order = Term(column, "sum" if grouped else "none")
    return pen.pick(ways), pen.query(
        Term(subject),
        order,
        where=tail_where[1],
        group=subject if grouped else None,
        order=order,
        descending=most,
        limit=n,
    )


def _one_number(pen: Pen) -> tuple[str, Query] | None:
    if not pen.numbers:
        return None
    column = pen.pick(pen.numbers)
    tail, where = pen.conditions(column)
    word, aggregate = pen.pick(
        [
            ("total", "sum"),
            ("overall", "sum"),
            ("sum of", "sum"),
            ("average", "avg"),
            ("mean", "avg"),
            ("maximum", "max"),
            ("highest", "max"),
            ("lowest", "min"),
            ("minimum", "min"),
            ("largest", "max"),
        ]
    )
    ways = [
        f"what is the {word} {pen.name(column)}{tail}",
        f"what was the {word} {pen.name(column)}{tail}",
        f"{word} {pen.name(column)}{tail}",
    ]
    if aggregate == "sum":
        ways += [f"how much {pen.name(column)} did we have{tail}", f"how many {pen.name(column)}{tail} in total"]
    return pen.pick(ways), pen.query(Term(column, aggregate), where=where)  # type: ignore[arg-type]


def _count(pen: Pen) -> tuple[str, Query] | None:
    if pen.random.random() < 0.35 and pen.groups:
        subject = pen.pick(pen.groups)
        tail, where = pen.conditions(subject)
        word = pen.pick(["different", "distinct", "unique"])
        return f"how many {word} {pen.plural(subject)} are there{tail}", pen.query(
            Term(subject, "distinct"), where=where
        )
    tail, where = pen.conditions()
    rows = pen.rows()
    ways = [
        f"how many {rows}{tail}",
        f"how many {rows} are there{tail}",
        f"number of {rows}{tail}",
        f"count the {rows}{tail}",
    ]
    return pen.pick(ways), pen.query(Term(None, "count"), where=where)


def _list(pen: Pen) -> tuple[str, Query] | None:
    subject = pen.pick(list(range(len(pen.table.columns))))
    tail, where = pen.conditions(subject)
    if not where:
        return None
    ways = [
        f"what is the {pen.name(subject)}{tail}",
        f"list the {pen.plural(subject)}{tail}",
        f"show {pen.plural(subject)}{tail}",
        f"which {pen.plural(subject)}{tail}",
    ]
    return pen.pick(ways), pen.query(Term(subject), where=where)


_PATTERNS: list[Callable[[Pen], tuple[str, Query] | None]] = [
    _superlative,
    _superlative,
    _superlative,
    _most_rows,
    _per_group,
    _per_group,
    _top,
    _one_number,
    _one_number,
    _count,
    _count,
    _list,
]


def write_question(table: Table, random: Random) -> tuple[str, Query] | None:
    """A question about `table` and its query, or None if the pattern drawn does not fit the table."""
    pen = Pen(table, random)
    made = pen.pick(_PATTERNS)(pen)
    if made is None:
        return None
    question = made[0].strip()
    style = random.random()
    question = question[0].upper() + question[1:] if style < 0.7 else question
    return question + random.choice(["?", "?", "", "."]), made[1]
