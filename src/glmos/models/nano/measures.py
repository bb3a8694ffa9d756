"""Which column somebody means who does not say its name: "sold", "spent", "revenue", "who", "orders".

Small lists for business tables; used by the rules only, where the alternative is no answer at all.
"""

from collections.abc import Sequence
from functools import lru_cache

from glmos.models.nano.linker import Links
from glmos.models.nano.table import Table, holds_numbers
from glmos.models.nano.text import stem, words

_MEANS: dict[str, str] = {
    "sold": "unit quantity qty sale revenue amount",
    "sell": "unit quantity qty sale revenue amount",
    "selling": "unit quantity qty sale revenue amount",
    "spent": "amount total cost price value",
    "spend": "amount total cost price value",
    "revenue": "revenue sale amount turnover income total",
    "turnover": "turnover revenue sale amount",
    "income": "income revenue sale amount",
    "sale": "sale revenue amount total",
    "earn": "salary revenue income amount",
    "earned": "salary revenue income amount",
    "paid": "salary amount price total",
    "cost": "cost price amount expense",
    "expensive": "price cost amount",
    "cheapest": "price cost amount",
    "money": "amount revenue sale total",
}
_WORTH = (
    "sale revenue amount total value profit price cost salary score unit quantity 销售额 金额 总额 收入 数量".split()
)
_IDS = frozenset("id no number code key zip phone year".split())
_IDS_CN = ("编号", "号码", "号", "代码", "邮编", "电话", "年份", "年度", "年")
ROW_WORDS = frozenset("row entry record time item line".split())
_PERSON = "name player driver person employee customer student author winner rep 姓名 名字 员工 客户".split()


def is_identifier(table: Table, column: int) -> bool:
    """True for numbers that only name a row: adding them up means nothing."""
    name = words(table.columns[column].name)
    return bool(name) and name[-1] == "id"


def is_measure(table: Table, column: int) -> bool:
    """True for a column of amounts: numbers that are not identifiers, years or codes."""
    name = words(table.columns[column].name)
    named = bool(name) and (name[-1] in _IDS or table.columns[column].name.strip().endswith(_IDS_CN))
    return holds_numbers(table.columns[column]) and not named and not counts_rows(table, column)


def counts_rows(table: Table, column: int) -> bool:
    """True for whole numbers under the name of one row: the flight number `flight` in a table `flights`."""
    name = words(table.columns[column].name)
    if len(name) != 1 or stem(name[0]) != name[0] or table.columns[column].type != "number":
        return False
    plural = any(word != name[0] and stem(word) == name[0] for word in words(table.name))
    return plural and all(float(v).is_integer() for v in table.columns[column].values if isinstance(v, int | float))


@lru_cache(maxsize=64)
def _row_names(name: str, columns: tuple[str, ...]) -> frozenset[str]:
    found = set(ROW_WORDS - {"time"}) | {stem(word) for word in words(name)} | {name}
    for column in columns:
        parts = words(column)
        if len(parts) > 1 and parts[-1] in ("id", "no", "number", "key"):
            found |= {stem(word) for word in parts[:-1]}
        end = next((end for end in _IDS_CN[:4] if column.endswith(end)), None)
        if end is not None and len(column) > len(end):
            found.add(column.removesuffix(end))
    return frozenset(found)


def names_of_rows(table: Table, others: Sequence[Table] = ()) -> frozenset[str]:
    """What one row may be called: by the table's name, by its key ("order" of `order_id`), or just "row".

    What all tables are named alike (their file) names the rows of none.
    """
    keys = tuple(column.name for i, column in enumerate(table.columns) if table.is_key(i))
    heads = {words(other.name)[:1] for other in others}
    shared = len(others) > 1 and len(heads) == 1 and len(words(table.name)) > 1
    return _row_names(" ".join(words(table.name)[1:]) if shared else table.name, keys)


def said_for(word: str, table: Table, column: int) -> bool:
    """True when `word` is another way to speak of that column: "revenue" of `sales`."""
    name = {stem(part) for part in words(table.columns[column].name)}
    return bool(name & set(_MEANS.get(word, _MEANS.get(stem(word), "")).split()))


def said_measure(links: Links, table: Table, *, guess: bool) -> int | None:
    """The amount a word like "sold" or "revenue" means; with `guess`, else the table's most likely amount."""
    amounts = [i for i in range(len(table.columns)) if is_measure(table, i)]
    money = "how much" in links.question.lower()
    for said in (token.text for token in links.tokens):
        # "how much did we sell" asks for money, "how many did we sell" for units
        word = "revenue" if money and said in ("sell", "sold", "earn", "earned", "make", "made") else said
        for wanted in _MEANS.get(word, _MEANS.get(stem(word), "")).split():
            for column in amounts:
                if wanted in map(stem, words(table.columns[column].name)):
                    return column
    if not guess:
        return None
    if len(amounts) == 1:
        return amounts[0]
    for wanted in _WORTH:
        for column in amounts:
            if wanted in map(stem, words(table.columns[column].name)) or wanted == table.columns[column].name:
                return column
    return None


def subject_of(links: Links, table: Table) -> int | None:
    """The column that names what a row is about, if the question asks "who" or says the table's name."""
    said = {stem(token.text) for token in links.tokens}
    texts = [i for i, column in enumerate(table.columns) if column.type == "text"]
    if "who" in said or "谁" in links.question:
        for wanted in _PERSON:
            for column in texts:
                if wanted in words(table.columns[column].name) or wanted == table.columns[column].name:
                    return column
    if said & {stem(word) for word in words(table.name)}:
        return next((column for column in texts if table.is_key(column)), None)
    return None
