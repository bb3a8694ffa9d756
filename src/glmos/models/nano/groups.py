"""Questions about groups and order, by pattern: superlatives, "per", top n, most frequent.

"Which region had the highest sales" means the sum when regions repeat in the table, and the single row
when each region stands once. These patterns are narrow on purpose: they win over the model when they match.
"""

from glmos.models.nano.linker import ColumnLink, Links
from glmos.models.nano.measures import ROW_WORDS, is_measure, said_measure, subject_of
from glmos.models.nano.query import Aggregate, Bucket, Condition, Query, Term
from glmos.models.nano.table import Table
from glmos.models.nano.text import stem, words
from glmos.models.nano.wording import DIMENSIONS, EACH, LEAST, MOST, aggregates, spoken

_BUCKETS: list[tuple[Bucket, str, str]] = [
    ("month", "month", "个月"),
    ("month", "month", "月"),
    ("year", "year", "年"),
    ("day", "day", "天"),
]
_FREQUENT = frozenset("often common frequent frequently popular".split())
_KINDS_OF_MOST = _FREQUENT | {"selling"}
_CHINESE_MOST, _CHINESE_LEAST = ("最高", "最大", "最多", "最好"), ("最低", "最小", "最少", "最差")


def grouped_query(
    links: Links, table: Table, where: tuple[Condition, ...], free: list[ColumnLink], limits: tuple[float, ...]
) -> Query | None:
    """The query of the first pattern that matches; `free` are column names not spent on conditions."""
    whole = _one_per_name(free, table)
    top = _top(links, table, where, whole, limits)
    return top or _per_group(links, table, where, whole) or _superlative(links, table, where, whole)


def _one_per_name(free: list[ColumnLink], table: Table) -> list[ColumnLink]:
    kept = [c for c in free if c.whole] + [c for c in free if not c.whole and _only_hit(c, free)]
    return sorted(kept, key=lambda c: c.begin)


def _only_hit(column: ColumnLink, free: list[ColumnLink]) -> bool:
    return sum(other.begin == column.begin for other in free) == 1


def _measure(table: Table, column: ColumnLink) -> bool:
    return is_measure(table, column.column)


def _subjects(table: Table, whole: list[ColumnLink]) -> list[ColumnLink]:
    return [c for c in whole if not _measure(table, c)]


def _extreme(links: Links) -> tuple[int, bool] | None:
    """Where a superlative stands, and whether it asks for the most (else the least)."""
    for i, token in enumerate(links.tokens):
        if any(c.whole and c.begin <= i < c.end for c in links.columns) or any(
            v.begin <= i < v.end for v in links.values
        ):
            continue
        if token.text in MOST or token.text in LEAST:
            if i and links.tokens[i - 1].text == "at":
                continue  # "at most 5", "at least 5"
            return i, token.text in MOST
        pair = token.text + (links.tokens[i + 1].text if i + 1 < len(links.tokens) else "")
        if pair in _CHINESE_MOST or pair in _CHINESE_LEAST:
            return i, pair in _CHINESE_MOST
    return None


def _superlative(links: Links, table: Table, where: tuple[Condition, ...], whole: list[ColumnLink]) -> Query | None:
    extreme = _extreme(links)
    if extreme is None:
        return None
    place, most = extreme
    chinese = links.tokens[place].kind == "cjk"
    bucket, dated = _bucket_asked(links, table, place)
    subject = dated if bucket else _subject(links, table, whole, place, chinese=chinese)
    if subject is None:
        return None
    span = range(place - 6, place + 6) if chinese else range(place, place + 5)
    near = [c for c in whole if is_measure(table, c.column) and c.begin in span and c.column != subject]
    order = _ordered_by(links, table, whole, near, place)
    if order is None or order.column == subject or (chinese and order.column is None):
        return None
    if bucket is not None and tells_rows_apart(table, subject, bucket):
        bucket = None  # each row is a month of its own: there is nothing to add up
    single = any(token.text in ("single", "individual") for token in links.tokens)
    if order.aggregate == "none" and not single and not (table.is_key(subject) and bucket is None):
        order = Term(order.column, _named_aggregate(links, "sum"))
    return _ranked(table, where, subject, order, most=most, limit=1, bucket=bucket)


def _ordered_by(links: Links, table: Table, whole: list[ColumnLink], near: list[ColumnLink], place: int) -> Term | None:
    """What a superlative at `place` compares: an amount, or the number of rows; None when it cannot be told."""
    following = [token.text for token in links.tokens[place + 1 : place + 3]]
    if following and following[0] in _FREQUENT:
        return Term(None, "count")
    if not near and place >= len(links.tokens) - 2:  # "in which month was disease the highest"
        near = [c for c in whole if is_measure(table, c.column) and place - 4 <= c.end - 1 < place][-1:]
    if near:
        second = next((c for c in near[1:] if c.begin == near[0].end), None)  # "total" + "order value"
        return Term((second or near[0]).column)
    if {stem(word) for word in following} & (ROW_WORDS | {stem(word) for word in words(table.name)}):
        return Term(None, "count")
    ends = place >= len(links.tokens) - 2 or following[0] in ("in", "?", "selling", "during", "for", "overall")
    if whole_behind(whole, place) and not ends:
        return None
    guess = ends and links.tokens[place].text not in DIMENSIONS
    measure = said_measure(links, table, guess=guess)
    return Term(measure) if measure is not None else None


def whole_behind(whole: list[ColumnLink], place: int) -> bool:
    """True when a column is named behind the superlative: then that one is meant, not a guess."""
    return any(c.begin > place for c in whole)


def _subject(links: Links, table: Table, whole: list[ColumnLink], place: int, *, chinese: bool) -> int | None:
    subjects = _subjects(table, whole)
    ahead = [c for c in subjects if c.begin < place] or (subjects if chinese else [])
    if ahead and (chinese or _asks_which(links, ahead[0].begin)):
        return ahead[0].column
    behind = [c for c in subjects if place < c.begin <= place + 2 and links.tokens[place + 1].text in _KINDS_OF_MOST]
    if behind:
        return behind[0].column
    return subject_of(links, table) if links.tokens and links.tokens[0].text in ("who", "which", "谁") else None


_WIDTHS: dict[Bucket, int] = {"month": 7, "year": 4, "day": 10}


def tells_rows_apart(table: Table, column: int, bucket: Bucket) -> bool:
    """True when every row has its own day, month or year in that column of dates."""
    parts = {str(value)[: _WIDTHS[bucket]] for value in table.columns[column].values if value}
    return table.is_key(column) and len(parts) >= table.row_count


def _bucket_asked(links: Links, table: Table, place: int) -> tuple[Bucket | None, int | None]:
    """ "which month ..." over a date column that is not itself called month."""
    dated = next((i for i, column in enumerate(table.columns) if column.type == "date"), None)
    named = {stem(word) for column in table.columns if column.type != "date" for word in words(column.name)}
    lead = spoken(links, 0, max(place, 4))
    for bucket, word, chinese in _BUCKETS:
        if (
            dated is not None
            and word not in named
            and (f"which {word}" in lead or f"what {word}" in lead or f"哪{chinese}" in lead)
        ):
            return bucket, dated
    return None, None


def _asks_which(links: Links, begin: int) -> bool:
    """True when the column at `begin` is what is asked for: "which X", "what is the X", or X opens the question."""
    lead = spoken(links, 0, begin)
    return not lead or (
        begin <= 7
        and any(
            word in lead.split() for word in ("which", "what", "who", "whose", "show", "list", "find", "name", "give")
        )
    )


def _named_aggregate(links: Links, default: Aggregate) -> Aggregate:
    named: list[Aggregate] = [said.aggregate for said in aggregates(links) if said.aggregate in ("avg", "sum")]
    return named[0] if named else default


def _ranked(
    table: Table,
    where: tuple[Condition, ...],
    subject: int,
    order: Term,
    *,
    most: bool,
    limit: int,
    bucket: Bucket | None = None,
) -> Query:
    group = None if order.aggregate == "none" else subject
    return Query(table.name, (Term(subject), order), where, group, bucket, order, most, limit)


def _top(
    links: Links, table: Table, where: tuple[Condition, ...], whole: list[ColumnLink], limits: tuple[float, ...]
) -> Query | None:
    """ "top 3 products by sales", "the 5 regions with the lowest revenue"."""
    if not limits or not limits[0].is_integer() or not 1 < limits[0] <= 1000:
        return None
    number = next((v for v in links.values if v.number == limits[0]), None)
    named = {stem(token.text) for token in links.tokens} & {stem(word) for word in words(table.name)}
    if number is not None and named and not _subjects(table, whole) and _extreme(links):
        measure = said_measure(links, table, guess=True)
        if measure is not None:
            everything = tuple(Term(i) for i in range(len(table.columns)))
            most = (_extreme(links) or (0, True))[1]
            return Query(table.name, everything, where, None, None, Term(measure), most, int(limits[0]))
    subjects, measures = _subjects(table, whole), [c for c in whole if _measure(table, c)]
    if number is None or not subjects:
        return None
    ahead = spoken(links, number.begin - 2, number.begin)
    extreme = _extreme(links)
    opened = any(word in ahead for word in ("top", "bottom", "first", "best", "worst", "前"))
    close = [c for c in subjects if c.begin - number.end in (0, 1, 2)]
    if not close or not (opened or extreme):
        return None
    most = "bottom" not in ahead and "worst" not in ahead and (extreme is None or extreme[1])
    subject = close[0].column
    if measures:
        aggregate: Aggregate = "none" if table.is_key(subject) else _named_aggregate(links, "sum")
        return _ranked(table, where, subject, Term(measures[0].column, aggregate), most=most, limit=int(limits[0]))
    measure = said_measure(links, table, guess=True)
    if measure is None or "row" in spoken(links) or "common" in spoken(links):
        return _ranked(table, where, subject, Term(None, "count"), most=most, limit=int(limits[0]))
    return _ranked(
        table,
        where,
        subject,
        Term(measure, "none" if table.is_key(subject) else "sum"),
        most=most,
        limit=int(limits[0]),
    )


def _per_group(links: Links, table: Table, where: tuple[Condition, ...], whole: list[ColumnLink]) -> Query | None:
    """ "total sales by region", "how many orders per customer", "各地区的总销售额"."""
    for column in whole:
        ahead = spoken(links, max(0, column.begin - 3), column.begin)
        each = next(
            (word for word in EACH if f" {ahead}".endswith(f" {word}") or f" {ahead}".endswith(f" {word} the")), None
        )
        if each is None and not ahead.endswith(("每个", "各", "每", "按", "各个")):
            continue
        if table.is_key(column.column) and each == "by":
            continue
        measures = [c for c in whole if _measure(table, c) and c.column != column.column]
        if not measures and said_measure(links, table, guess=False) is not None:
            measures = [column._replace(column=said_measure(links, table, guess=False) or 0)]
        named: list[Aggregate] = [said.aggregate for said in aggregates(links)]
        rows = {stem(word) for word in words(table.name)}
        if measures and not (
            named[:1] == ["count"] and rows == {stem(w) for w in words(table.columns[measures[0].column].name)}
        ):
            term = Term(measures[0].column, _amount(named))
        elif "count" in named or "distinct" in named:
            counted = [c for c in whole if c.column != column.column]
            term = Term(counted[0].column, "distinct") if "distinct" in named and counted else Term(None, "count")
        else:
            continue
        ordered = any(wish in spoken(links) for wish in ("sorted", "highest first", "descending"))
        return Query(table.name, (Term(column.column), term), where, column.column, None, term if ordered else None)
    return _per_bucket(links, table, where, whole)


def _amount(named: list[Aggregate]) -> Aggregate:
    """What to compute of an amount: what is named, and else its sum."""
    for aggregate in named:
        if aggregate in ("avg", "max", "min", "sum"):
            return aggregate
    return "sum"


def _per_bucket(links: Links, table: Table, where: tuple[Condition, ...], whole: list[ColumnLink]) -> Query | None:
    """ "sales by month", "how many orders per year", "每月的销售额": a date column, cut down to months or years."""
    dated = next((i for i, column in enumerate(table.columns) if column.type == "date"), None)
    named = {stem(word) for column in table.columns for word in words(column.name)}
    text = spoken(links)
    for bucket, word, chinese in _BUCKETS:
        asked = (
            any(f"{each} {word}" in text for each in EACH)
            or f"{word}ly" in text
            or f"每{chinese}" in text
            or f"各{chinese}" in text
        )
        if dated is None or word in named or not asked:
            continue
        said: list[Aggregate] = [s.aggregate for s in aggregates(links)]
        measures = [c.column for c in whole if is_measure(table, c.column)]
        measure = measures[0] if measures else None if "count" in said else said_measure(links, table, guess=False)
        if measure is None and "count" not in said:
            return None
        term = Term(measure, _amount(said)) if measure is not None else Term(None, "count")
        return Query(table.name, (Term(dated), term), where, dated, bucket, Term(dated), descending=False)
    return None
