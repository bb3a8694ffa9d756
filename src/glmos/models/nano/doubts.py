"""Why an answer must not be vouched for, as a sentence for the person: `unread` and two readings that mean nothing.

Above `unread`, below the driver. Nothing here changes which candidates there are or which is likeliest.
"""

from glmos.models.nano.linker import Links
from glmos.models.nano.measures import is_measure
from glmos.models.nano.query import Query
from glmos.models.nano.reading import Reading
from glmos.models.nano.table import Table, holds_numbers
from glmos.models.nano.unread import terms_of, unread_words
from glmos.models.nano.wording import aggregates


def doubts(reading: Reading, index: int) -> str:
    """Why the answer of candidate number `index` must not be vouched for, in words; empty when nothing speaks against it."""
    candidate = reading.candidates[index]
    table = reading.tables[candidate.table]
    column = contradicts(candidate.query)
    if column is not None:
        return f"no row has two values of {table.columns[column].name!r} at once, and it compares or adds nothing"
    nameless = _computes_names(candidate.query, candidate.links, table)
    if nameless is not None:
        return (
            f"{table.columns[nameless].name!r} only names rows or years, so adding it up or comparing it means nothing"
        )
    words = unread_words(candidate.query, candidate.links, table, reading.tables)
    if not words:
        return ""
    named = ", ".join(repr(word) for word in dict.fromkeys(words))
    return f"it does not know what {named} means in table {table.name!r}, whose columns are {_columns(table)}"


def _columns(table: Table) -> str:
    names = [column.name for column in table.columns]
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")


def _computes_names(query: Query, links: Links, table: Table) -> int | None:
    """A column of identifiers or years that is computed with although the question does not name it just there."""
    for term in terms_of(query):
        if term.column is None or term.aggregate not in ("sum", "avg", "max", "min"):
            continue
        if not holds_numbers(table.columns[term.column]) or is_measure(table, term.column):
            continue
        ends = [said.place for said in aggregates(links) if said.aggregate == term.aggregate]
        named = [c for c in links.columns if c.whole and c.column == term.column]
        if not any(0 <= c.begin - place <= 3 for c in named for place in ends):
            return term.column
    return None


def contradicts(query: Query) -> int | None:
    """A column that would have to equal two values at once: such a query never finds a row."""
    equal: dict[int, object] = {}
    for condition in query.where:
        if condition.operator == "=" and equal.setdefault(condition.column, condition.value) != condition.value:
            return condition.column
    return None
