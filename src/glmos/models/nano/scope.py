"""What the nano model may be asked: a question that one query over one table answers.

Everything else is declined with a reason, because a wrong number is worse than none. Also here: which
kind of answer a question expects, for a check that does not trust the query.
"""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from glmos.models.nano.groups import tells_rows_apart
from glmos.models.nano.linker import Links
from glmos.models.nano.measures import said_measure
from glmos.models.nano.query import Bucket
from glmos.models.nano.table import Table, holds_numbers
from glmos.models.nano.text import STOP_WORDS, stem, words
from glmos.models.nano.wording import has_superlative

Expected = Literal["number", "text", "date", "list", "any"]

_ASKED_POLITELY = r"^(?:please |can you |could you |help me (?:to )?|i want (?:you )?to |let's |请|帮我)*"

# (why not, the words that say so)
_OUTSIDE = [
    (
        "it asks for a cause or an explanation, and a table only holds what happened",
        r"\bwhy\b|\bhow come\b|\bwhat caused\b|\breasons? (?:for|behind|why)\b|\bexplain\b|为什么|为何|原因|解释",
    ),
    (
        "it is a sum that it does not wholly understand",
        r"^(?:what is |what's |calculate |compute )?[\d\s.,()+*/x×÷^=-]+\??$",
    ),
    (
        "it asks to do something, not to look something up",
        _ASKED_POLITELY + r"(?:plan|book|remind|research|call|buy|schedule|organi[sz]e|teach|browse|play|turn|set|"
        r"start|stop|monitor|watch|click|go|say|chat|act|pretend|learn)\b|^(?:请|帮我)*(?:订|提醒|计划|安排|购买|搜索)",
    ),
    (
        "it asks to make something, not to look something up",
        _ASKED_POLITELY
        + r"(?:write|draft|compose|generate|create|make|design|build|draw|plot|code|implement|fix|edit|rewrite|"
        r"translate|convert)\b|\b(?:and|then) (?:write|save|send|email|plot|draw|create|make|build|post|export)\b|"
        r"^(?:请|帮我)*(?:写|画|翻译|生成|创建|设计|修改|制作)",
    ),
    (
        "it asks for prose",
        r"\b(?:summari[sz]e|summary of|paraphrase|review|analy[sz]e|tell me about|describe)\b|总结|概括|分析|描述|介绍",
    ),
    (
        "it asks about the future or for advice",
        r"\b(?:predict|forecast|estimate|will be|going to|next (?:year|month|quarter|week)|should (?:we|i)|recommend|advise|"
        r"suggest)\b|预测|建议|应该|明年|下个月",
    ),
    (
        "it asks to change or do something",
        r"\b(?:delete|remove|drop|insert|update|rename|send|email|e-mail|download|install|upload|open|save|run|execute) "
        r"(?:the |a |all |this |my |an )?(?:\w+ )?"
        r"(?:rows?|tables?|files?|columns?|records?|mail|email|report|script|message|page|folder|it|them)\b|"
        r"删除|发送|下载|安装|打开",
    ),
    (
        "it is about something other than a table",
        r"\b(?:pdf|docx?|web ?site|web ?page|https?://|internet|online search|google|screenshot|image|photo|video)\b|"
        r"网站|网页|图片|视频",
    ),
    (
        "it needs more than one query",
        r"\b(?:joined with|join(?:ing)? (?:the )?(?:two )?tables|correlat\w*|regression|growth rate|year over year|compare|"
        r"percent(?:age)?|times (?:larger|higher|greater|bigger|more|as)|by what factor|"
        r"how much (?:higher|more|less|larger|lower|greater|bigger|smaller) (?:was|were|is|are|did|do|does)|"
        r"compared (?:to|with)|difference between|ratio of|median|trend|"
        r"(?:what|which) (?:share|proportion|fraction|percentage) of|standard deviation)\b|"
        r"同比|环比|增长|百分之|百分比|占比|占全|占总|几分之几|比例|[高低多少大小]多少|几倍|相差|相关|对比|比较|差[额距值多异]|之差|中位数|趋势",
    ),
]
_JOINING = frozenset(["and", "or", ",", "&", "和", "或", "与", "、"])
_ASKS = re.compile(
    r"\b(?:who|whose|whom|which|what|what's|when|where|how|list|show|find|name|give|tell|total|number of|count|average)\b|"
    r"\?|[谁哪多几]|什么|总|平均"
)
_NUMBER = re.compile(
    r"\b(?:how many|how much|number of|count|total|sum|average|mean|highest|lowest|maximum|minimum|amount)\b|"
    r"多少|几个|几种|总|平均|最高是|最低是"
)
_LIST = re.compile(
    r"^(?:list|show|find|give|name all|which \w+s\b|what are\b)|\b(?:top|bottom) \w+|"
    r"\b(?:by|per|for each|in each|for every) \w+|列出|哪些|各|每"
)
_ENTITY = re.compile(
    r"^(?:in [^,]+, )?(?:which|who|whose)\b|^what(?: is| was|'s)? the (?:name|title|\w+) (?:with|of the \w+ with|that|who)|"
    r"哪个|谁|哪家"
)
_DATE = re.compile(
    r"\b(?:when|what (?:date|day|year|month)|which (?:date|day|year|month)|on (?:what|which)|"
    r"(?:latest|earliest|first|last) \w*\s?date)\b|什么时候|哪一?天|何时|日期是"
)


def why_outside(question: str, tables: Sequence[Table] = ()) -> str | None:
    """Why a question is outside, whatever its tables hold, or None.

    A telling word that is part of a column's name tells nothing: "the median age" of a column "median age".
    """
    text = question.strip().lower()
    named = {stem(word) for table in tables for column in table.columns for word in words(column.name)}
    if not text:
        return "it is empty"
    if len(text) > 400 or text.count("\n") > 3:
        return "it is longer than one question"
    for reason, pattern in _OUTSIDE:
        match = re.search(pattern, text)
        if match and not any(stem(word) in named for word in words(match.group()) if word not in STOP_WORDS):
            return reason
    return None


def why_not_in(links: Links, table: Table) -> str | None:
    """Why a question that could be about a table is not about this one, or None."""
    two = _two_values_of_one_column(links)
    if two is not None:
        return (
            f"it names two values of {table.columns[two].name!r}: ask for one, or for each {table.columns[two].name!r}"
        )
    whole = [c for c in links.columns if c.whole]
    cells = [v for v in links.values if v.kind in ("cell", "part") and v.number is None]
    if whole or (cells and _ASKS.search(links.question.strip().lower())):
        return None
    if links.columns and (
        has_superlative(links)
        or links.values
        or re.search(_NUMBER, links.question.lower())
        or _LIST.search(links.question.lower())
    ):
        return None
    if said_measure(links, table, guess=False) is not None and (links.values or has_superlative(links)):
        return None  # "total revenue in 2025" of a table with sales
    names = "|".join(re.escape(name) for name in {table.name.lower(), *words(table.name)[-1:]})
    from_rows = re.search(
        rf"\b(?:rows|entries|records|{names})\b|多少(?:条|行)", links.question.lower()
    ) or _asks_periods(links, table)
    return None if from_rows else f"it names no column and no value of {table.name!r}"


def _asks_periods(links: Links, table: Table) -> bool:
    """ "how many days ..." over a table that has one row a day."""
    dated = [i for i, column in enumerate(table.columns) if column.type == "date" and table.is_key(i)]
    asked = re.search(r"how many (day|month|year)s\b", links.question.lower())
    buckets: dict[str, Bucket] = {"day": "day", "month": "month", "year": "year"}
    return asked is not None and any(tells_rows_apart(table, i, buckets[asked.group(1)]) for i in dated)


def _two_values_of_one_column(links: Links) -> int | None:
    """The column of "North and East": a condition that holds for either is not supported, and for both it never holds."""
    for one, other in pairwise(links.values):
        owners = {column for column, _ in one.cells} & {column for column, _ in other.cells}
        middle = {token.text for token in links.tokens[one.end : other.begin]}
        only = len({column for column, _ in (*one.cells, *other.cells)}) == 1
        text = one.number is None and other.number is None and one.period is None
        if owners and only and text and middle and middle <= _JOINING and one.cells != other.cells:
            return owners.pop()
    return None


def expected_answer(question: str, links: Links | None = None, table: Table | None = None) -> Expected:
    """The kind of answer `question` asks for; with its links also by the type of the column asked for."""
    text = question.strip().lower()
    if _LIST.search(text):
        return "list"
    if _DATE.search(text):
        return "date"
    if _ENTITY.search(text):
        return "text"
    if _NUMBER.search(text):
        return "number"
    if links is not None and table is not None:
        first = min((c for c in links.columns if c.whole), default=None)
        if first is not None and text.startswith("what"):
            return "number" if holds_numbers(table.columns[first.column]) else "text"
    return "any"
