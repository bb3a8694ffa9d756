"""Which words of a question a query leaves unread: the reason not to vouch for an answer.

A word is read when something of the query accounts for it: a column or value it names that the query uses, an
operation it asks for that the query performs, the name of the table or of what its rows are, or nothing at all
because it never changes a question ("please", "the", "的"). Every other word may be the one that matters: a query
that ignores "hottest" or "share" answers another question. Judges candidates; makes none.
"""

import re
from collections.abc import Callable, Sequence

from glmos.models.nano.evidence import stands_for
from glmos.models.nano.linker import Links
from glmos.models.nano.measures import is_measure, names_of_rows, said_for
from glmos.models.nano.periods import Period
from glmos.models.nano.query import Condition, Query, Term
from glmos.models.nano.table import Table
from glmos.models.nano.text import stem
from glmos.models.nano.wording import EARLY, LATE, LEAST, MOST

_NEUTRAL = frozenset(
    # articles, pronouns, prepositions, auxiliaries, question words
    "a an the this that these those it its their them they i me my we us our you your there here he she his her one ones "
    "of in on at to from for with within into through by as during via among across about and so then than if when "
    "where who whom whose which what how many much is are was were be been being do does did done have has had having "
    "will would can could s t re ve ll d all any only also just overall altogether per such while because due "
    # asking and telling
    "please tell show list give find get name named names called know see check look want need like question answer "
    "calculate compute determine read use using based according respectively "
    # what files are made of, and what cells hold
    "table tables file files data dataset spreadsheet sheet column columns field value values amount figure figures "
    "number numbers kind kinds type types row rows record records entry entries exist exists "
    # happening, trading, and being written down: what rows of any table do
    "happen happened occur occurred occurs appear appears appeared place placed take took taken make made come came "
    "sell sold selling buy bought ordered purchased "
    "recorded registered listed reported belong belongs contain contains include includes included "
    "i'd could let lets".split()
)
_MOVING = frozenset("left departed flown flew went gone travelled traveled came arrived moved".split())
_TIMES = {"month": 7, "year": 4, "day": 10, "date": 10, "monthly": 7, "yearly": 4, "annual": 4, "daily": 10}

Test = Callable[[Query], bool]


def _aggregates(*wanted: str) -> Test:
    return lambda query: any(term.aggregate in wanted for term in terms_of(query))


def _ordered(query: Query) -> bool:
    return query.order is not None or _aggregates("max", "min")(query)


def _compared(*wanted: str) -> Test:
    def test(query: Query) -> bool:
        return any(c.operator in wanted or _is_range(c) for c in query.where)

    return test


def _is_range(condition: Condition) -> bool:
    return isinstance(condition.value, Period)


def _grouped(query: Query) -> bool:
    return query.group is not None


def _either(*tests: Test) -> Test:
    return lambda query: any(test(query) for test in tests)


_MORE = _either(_compared(">", ">="), _ordered)
_LESS = _either(_compared("<", "<="), _ordered)
_ROLES: list[tuple[str, Test]] = [
    ("average mean avg", _aggregates("avg")),
    ("total sum combined", _aggregates("sum")),
    ("count", _aggregates("sum", "count", "distinct")),
    ("different distinct unique", _either(_aggregates("distinct"), _grouped)),
    ("each every", _grouped),
    ("over above exceed exceeds exceeding exceeded beyond greater higher larger bigger longer taller", _compared(">", ">=")),
    ("under below beneath fewer lower smaller shorter", _compared("<", "<=")),
    ("later after since starting", _compared(">", ">=")),
    ("earlier before until till", _compared("<", "<=")),
    ("between", _compared(">=", ">", "<", "<=")),
    ("more", _MORE),
    ("less", _compared("<", "<=")),
    ("not no without except excluding never none isn", _compared("!=")),
    ("single individual", lambda query: query.group is None and _ordered(query)),
    ("sorted descending ascending ranked rank first last", _ordered),
    (" ".join(MOST | LATE), _MORE),
    (" ".join(LEAST | EARLY), _LESS),
    ("common often frequent frequently popular", _either(_aggregates("count"))),
]  # fmt: skip
_BY_WORD: dict[str, Test] = {}
for _words, _test in _ROLES:
    for _word in _words.split():
        _BY_WORD.setdefault(_word, _test)

_PHRASES: list[tuple[str, Test]] = [
    (r"at least|no less than|not less than|no fewer than|or (?:more|above|higher|later)|more than", _compared(">=", ">")),
    (r"at most|no more than|not more than|up to|or (?:less|fewer|below|lower|earlier)|less than", _compared("<=", "<")),
    (r"total number of|(?:in|how many) total|total of how many", _aggregates("sum", "count", "distinct")),
    (r"prior to", _compared("<", "<=")),
    (r"other than", _compared("!=")),
    (r"how long|how old|how far|how often", lambda query: False),
]  # fmt: skip

_CHINESE: list[tuple[str, Test | None]] = [
    (r"至少|不少于|不低于|以上|超过|大于|高于|多于", _compared(">", ">=")),
    (r"至多|不超过|不多于|以下|低于|小于|少于", _compared("<", "<=")),
    (r"之前|以前", _compared("<", "<=")),
    (r"之后|以后|以来", _compared(">", ">=")),
    (r"平均值?|均值", _aggregates("avg")),
    (r"最[高大多好长晚低小少差短早新贵]|排名", _ordered),
    (r"不同", _either(_aggregates("distinct"), _grouped)),
    (r"各个?|每一?[个种家位月年天日]?|分别|按照?", _grouped),
    (r"不是|不包括|除了|没有|[不没无非]", _compared("!=")),
    (r"前", lambda query: query.limit is not None),
    (r"一共有?|总共有?|合计|总计|总和|总数|总额|[总共]", _aggregates("sum", "count", "distinct")),
    (
        r"请问?|告诉我?|帮我|列出|显示|查询|查找|看看|一下|什么|哪一?[个些种家位天年月里]?|谁|多少|[几是的了在有吗呢啊和与及里中内间时为于从到至这那些个条笔行种家位名次份天日月年出来我你由属]|"
        r"所有|全部|数据|表格?|文件|记录|数字|名字|名称|叫做?|时候|期间|之间|其中|发生",
        None,
    ),
]


def unread_words(query: Query, links: Links, table: Table, others: Sequence[Table] = ()) -> tuple[str, ...]:
    """The words of the question that `query` does not account for, as written, in order; empty when all is read."""
    read = _linked(query, links)
    rows = names_of_rows(table, others) - _left_amounts(query, links, table)
    text = " ".join(token.text for token in links.tokens)
    starts = _starts(links)
    for pattern, test in _PHRASES:
        for match in re.finditer(rf"(?<![a-z])(?:{pattern})(?![a-z])", text):
            if test(query):
                _mark(read, starts, match.start(), match.end())
    left: list[str] = _askers(query, links, table)
    for i, token in enumerate(links.tokens):
        if read[i] or token.kind in ("mark", "cjk") or _only_leads(i, links, read):
            continue
        if token.kind == "number" or not _is_read(token.text, query, links, table, rows):
            left.append(links.question[token.start : token.end])
    return (*left, *_chinese(query, links, read, rows, dates=_only_dates(query, table)))


def _askers(query: Query, links: Links, table: Table) -> list[str]:
    """The "who" of a question that is answered with a number instead of a name."""
    asked = [links.question[t.start : t.end] for t in links.tokens[:1] if t.text in ("who", "whose", "whom")]
    if "谁" in links.question:
        asked = ["谁"]
    named = any(t.column is not None and table.columns[t.column].type == "text" for t in query.select)
    return [] if named else asked


def terms_of(query: Query) -> list[Term]:
    """What a query shows, and what it orders by."""
    return [*query.select, *([query.order] if query.order else [])]


def _linked(query: Query, links: Links) -> list[bool]:
    """For each token, whether it names a column or a value that the query uses."""
    read = [False] * len(links.tokens)
    touched = _touched(query)
    for column in links.columns:
        if column.column in touched:
            end = column.end
            if not column.whole and links.tokens[column.begin].kind == "cjk":
                end = min(end + 1, len(read))  # a part of a Chinese name is a run of two characters
            read[column.begin : end] = [True] * (end - column.begin)
    for value in links.values:
        spans = [c.value for c in query.where if isinstance(c.value, Period)]
        inside = value.period is not None and any(
            span.start <= value.period.start and value.period.end <= span.end for span in spans
        )
        if inside or any(stands_for(value, c) for c in query.where) or (value.number and value.number == query.limit):
            read[value.begin : value.end] = [True] * (value.end - value.begin)
    return read


def _touched(query: Query) -> set[int | None]:
    return {t.column for t in terms_of(query)} | {c.column for c in query.where} | {query.group}


def _is_read(word: str, query: Query, links: Links, table: Table, rows: frozenset[str]) -> bool:
    if word in _TIMES or stem(word) in _TIMES:
        return _time_is_read(_TIMES.get(word) or _TIMES[stem(word)], query, table)
    if word in _BY_WORD:
        return _BY_WORD[word](query) and not (word in MOST | LEAST and _only_dates(query, table))
    if word in _NEUTRAL or stem(word) in rows or word in rows:
        return True
    return any(column is not None and said_for(word, table, column) for column in _touched(query))


def _left_amounts(query: Query, links: Links, table: Table) -> set[str]:
    """Words that name an amount the query does without, even if rows are called so too, unless it counts the rows."""
    if any(term.column is None for term in terms_of(query)):
        return set()
    touched = _touched(query)
    left = [c for c in links.columns if c.whole and c.column not in touched and is_measure(table, c.column)]
    said = {links.tokens[i].text for c in left for i in range(c.begin, c.end)}
    return said | {stem(word) for word in said}


def _only_dates(query: Query, table: Table) -> bool:
    """True when all that is compared are dates, which can be the last but not the highest or the most."""
    compared = [query.order] if query.order else [t for t in query.select if t.aggregate in ("max", "min")]
    return bool(compared) and all(t.column is not None and table.columns[t.column].type == "date" for t in compared)


def _only_leads(place: int, links: Links, read: list[bool]) -> bool:
    """True for "flown" in "flown by the carrier DL": the column it leads to is named, so the verb adds nothing."""
    following = [i for i in range(place + 1, min(place + 5, len(read))) if links.tokens[i].text not in ("the", "each")]
    return (
        links.tokens[place].text in _MOVING
        and len(following) > 1
        and links.tokens[following[0]].text in ("by", "from", "at", "to", "with", "via", "through")
        and any(c.whole and c.begin == following[1] and read[c.begin] for c in links.columns)
    )


def _time_is_read(width: int, query: Query, table: Table) -> bool:
    """ "month" is read by a query over months, by one that shows or counts a date, and where rows are months."""
    buckets = {"month": 7, "year": 4, "day": 10, None: 10}
    for index, column in enumerate(table.columns):
        if column.type != "date":
            continue
        if query.group == index:
            return buckets[query.bucket] == width or (query.bucket is None and grain(table, index) == width)
        shown = any(term.column == index for term in query.select)
        counted = all(term.column is None for term in query.select)
        if (shown or counted) and grain(table, index) == width and table.is_key(index):
            return True
        if shown and width == 10:
            return True
    return False


def grain(table: Table, index: int) -> int:
    """How many characters of the dates of a column tell its rows apart: 4 (years), 7 (months) or 10 (days)."""
    days = {str(value)[:10] for value in table.columns[index].values if value}
    return next((width for width in (4, 7) if days and len({day[:width] for day in days}) == len(days)), 10)


def _starts(links: Links) -> list[int]:
    starts, at = list[int](), 0
    for token in links.tokens:
        starts.append(at)
        at += len(token.text) + 1
    return starts


def _mark(read: list[bool], starts: list[int], begin: int, end: int) -> None:
    for i, start in enumerate(starts):
        if begin <= start < end:
            read[i] = True


def _chinese(query: Query, links: Links, read: list[bool], rows: frozenset[str], *, dates: bool) -> list[str]:
    """Runs of Chinese characters that no phrase accounts for."""
    text = "".join("·" if read[i] or token.kind != "cjk" else token.text for i, token in enumerate(links.tokens))
    for noun in sorted(rows, key=len, reverse=True):
        if not noun.isascii():
            text = text.replace(noun, "·" * len(noun))
    unmet: list[str] = []
    for pattern, test in _CHINESE:
        for match in re.finditer(pattern, text):
            worth = dates and re.match("最[^晚早新]", match.group())
            if test is not None and (worth or not test(query)):
                unmet.append(match.group())
        text = re.sub(pattern, lambda match: "·" * len(match.group()), text)
    return unmet + [run for run in re.split("·+", text) if run]
