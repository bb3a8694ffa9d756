"""Which column somebody means who does not say its name: "sold", "spent", "revenue", "who", "orders".

Small lists for business tables; used by the rules only, where the alternative is no answer at all.
"""

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
_PERSON = "name player driver person employee customer student author winner rep 姓名 名字 员工 客户".split()


def is_identifier(table: Table, column: int) -> bool:
    """True for numbers that only name a row: adding them up means nothing."""
    name = words(table.columns[column].name)
    return bool(name) and name[-1] == "id"


def is_measure(table: Table, column: int) -> bool:
    """True for a column of amounts: numbers that are not identifiers."""
    name = words(table.columns[column].name)
    return holds_numbers(table.columns[column]) and not (name and name[-1] in _IDS)


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
