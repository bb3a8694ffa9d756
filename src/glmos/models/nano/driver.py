"""`NanoDriver`: the bundled model as a driver that answers the kernel's requests.

It knows one job, questions over tables, and does it in three replies:

    1  plan with the checks that will judge it, and `tables.find` with the question
    2  `tables.query` for each candidate reading
    3  `finish` with the answer in words, or `give_up`

Like every model it only makes calls: the kernel runs them, checks the result with a second engine, and decides. A goal
outside its range is declined at once, with the ways to connect a stronger model.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import anyio.to_thread

from glmos.abi.budgets import Usage
from glmos.abi.errors import ModelError
from glmos.abi.messages import Delta, FunctionCall, Message, ModelReply, ModelRequest, ModelTraits
from glmos.models.nano import answer, direct
from glmos.models.nano.doubts import doubts
from glmos.models.nano.rank import DOUBTFUL, choose
from glmos.models.nano.reading import Candidate, Reading, read_question
from glmos.models.nano.scope import expected_answer, why_outside
from glmos.models.nano.table import Column, Table

CANDIDATES = 5
GO_ON = "The person told you to go on."
"""What the prompt says when an ended process was resumed."""
CONNECT = (
    "Connect a stronger model: set ZAI_API_KEY, OPENAI_API_KEY or ANTHROPIC_API_KEY, start a local model server, or "
    "give one with -m URL (`glmos models` shows what is there)"
)


class _Exchange(NamedTuple):
    """A call made earlier in the conversation and what it gave."""

    name: str
    arguments: str
    text: str
    data: dict[str, Any]
    turn: int


class NanoDriver:
    """Loads its weights at the first question (tens of milliseconds)."""

    @property
    def traits(self) -> ModelTraits:
        return ModelTraits(
            "nano", "nano", context_tokens=1_000_000, max_output_tokens=1_024, can_plan=False, can_criticise=False,
            priced=True,
        )  # fmt: skip

    def estimate(self, request: ModelRequest) -> int:
        return 64

    def price(self, prompt_tokens: int, cached_tokens: int, completion_tokens: int) -> float:
        return 0.0

    async def complete(self, request: ModelRequest, on_delta: Callable[[Delta], None] | None = None) -> ModelReply:
        if request.purpose != "work":
            raise ModelError(
                "nano cannot judge or write: only answer questions over tables", kind="bad_request", usage=Usage()
            )
        calls = await anyio.to_thread.run_sync(_reply, request.messages)
        numbered = tuple(FunctionCall(f"n{i}", name, answer.encode(a)) for i, (name, a) in enumerate(calls))
        usage = Usage(prompt_tokens=48, completion_tokens=8 * len(numbered), model_calls=1)
        return ModelReply(calls=numbered, finish="calls", usage=usage, model="nano")

    async def aclose(self) -> None:
        return None


Calls = list[tuple[str, dict[str, Any]]]


def _reply(messages: Sequence[Message]) -> Calls:
    goal = goal_of(messages)
    past = _past(messages)
    empty = any(m.role == "user" and "The workspace is empty." in m.content for m in messages[:2])
    go_on = max((i for i, m in enumerate(messages) if m.role == "user" and GO_ON in m.content), default=0)
    if (calls := direct.reply(goal, past, empty=empty, again_after=go_on)) is not None:
        return calls
    found = next((x for x in reversed(past) if x.name == "tables" and '"find"' in x.arguments), None)
    if found is None:
        return _first(goal, empty=empty)
    if (calls := direct.about_files(goal, found, past, again_after=max(go_on, found.turn))) is not None:
        return calls
    told = go_on > found.turn
    if not found.data.get("tables") and told:
        return [("tables", {"action": "find", "text": goal})]  # what was missing may be there now
    if not found.data.get("tables"):
        reason = _plain(found.text.partition("] ")[2]).partition("\n")[0] or "no table could be read"
        return _give_up(f"the files could not be read as tables: {reason}")
    tables = [_table(t) for t in found.data["tables"]]
    reading = read_question(goal, tables, k=CANDIDATES)
    if not reading.in_range:
        return _give_up(f"the bundled nano model cannot answer this: {reason_text(reading.reason)}. {CONNECT}")
    queries = [x for x in past if x.name == "tables" and '"query"' in x.arguments and x.turn > found.turn]
    if not queries:
        return [("tables", {"action": "query", "sql": sql}) for sql in _distinct(reading)]
    return _finish(goal, reading, queries, [x for x in past if x.name == "finish"])


def goal_of(messages: Sequence[Message]) -> str:
    """The goal as the head of the prompt frames it."""
    first = next((m.content for m in messages if m.role == "user"), "")
    begin, end = first.find("<goal>\n"), first.rfind("\n</goal>")
    return first[begin + 7 : end].strip() if begin >= 0 and end > begin else first.strip()


def _past(messages: Sequence[Message]) -> list[_Exchange]:
    results = {}
    found: list[_Exchange] = []
    for turn, message in enumerate(messages):
        if message.role != "assistant":
            continue
        results = {m.call_id: m for m in _results(messages[turn + 1 :])}
        for call in message.calls:
            result = results.get(call.id)
            if result is not None:
                data = result.extra.get("data", {})
                found.append(_Exchange(call.name, call.arguments, result.content, data, turn))
    return found


def _results(messages: Sequence[Message]) -> list[Message]:
    found: list[Message] = []
    for message in messages:
        if message.role == "assistant":
            break
        if message.role == "tool":
            found.append(message)
    return found


def _first(goal: str, *, empty: bool) -> Calls:
    if empty:
        outside = why_outside(goal) or "no file was given with -f"
        return _give_up(
            "the bundled nano model only answers questions over files given with -f, and sums that it understands wholly: "
            f"{reason_text(outside)}. {CONNECT}"
        )
    checks: list[dict[str, Any]] = [{"kind": "query", "agree": True}]
    if expected_answer(goal) in ("number", "date"):
        checks.append({"kind": "pattern", "pattern": r"\d|Nothing|没有|–"})
    step = {"id": "answer", "goal": goal, "checks": checks}
    return [("plan", {"steps": [step]}), ("tables", {"action": "find", "text": goal})]


def _table(data: dict[str, Any]) -> Table:
    columns = tuple(Column(c["name"], _type(c["type"]), c["values"]) for c in data["columns"])
    return Table(data["name"], columns, data["row_count"])


def _type(name: str) -> Any:
    name = name.upper()
    if name.startswith(("DATE", "TIMESTAMP")):
        return "date"
    if name.startswith("BOOL"):
        return "boolean"
    numeric = ("TINYINT", "SMALLINT", "INT", "BIGINT", "HUGEINT", "UINT", "UBIG", "USMALL", "UTINY", "FLOAT", "DOUBLE",
               "DECIMAL", "REAL", "NUMERIC", "NUMBER")  # fmt: skip
    return "number" if name.startswith(numeric) else "text"


def reason_text(reason: str) -> str:
    return reason.strip().rstrip(".")


def _plain(observation: str) -> str:
    """The sentence of a failed observation, without its kind."""
    return re.sub(r"^failed \(\w+\): ", "", observation)


def _give_up(reason: str) -> Calls:
    return [("give_up", {"reason": reason})]


def _distinct(reading: Reading) -> list[str]:
    return list(dict.fromkeys(c.sql for c in reading.candidates))


def _finish(goal: str, reading: Reading, queries: Sequence[_Exchange], submitted: Sequence[_Exchange]) -> Calls:
    """Word the best candidate that ran; after a failed check, the next best one that says something else."""
    seen = {_sql(x): x for x in queries}
    results: list[Any] = []
    for candidate in reading.candidates:
        exchange = seen.get(candidate.sql)
        ran = exchange is not None and "rows" in exchange.data
        results.append(exchange.data["rows"] if ran and exchange is not None else ValueError("it did not run"))
    chosen = choose(reading, results)
    if chosen.index is None:
        first = _plain(queries[0].text.partition("] ")[2]).splitlines()[0]
        return _give_up(f"no reading of the question could be run over the table ({first}). {CONNECT}")
    order = [i for i in (chosen.index, *chosen.alternatives) if not doubts(reading, i)]
    if not order:
        return _give_up(f"the bundled nano model cannot answer this: {doubts(reading, chosen.index)}. {CONNECT}")
    if len(order) == 1 and chosen.confidence < DOUBTFUL:
        read = answer.describe(
            reading.candidates[order[0]].query, reading.tables[reading.candidates[order[0]].table], goal
        )
        return _give_up(
            f"the bundled nano model is not sure enough what is asked: it could only guess {read!r}. {CONNECT}"
        )
    place = len(submitted)
    if place >= len(order):
        return _give_up(f"no reading of the question passed the checks. {CONNECT}")
    best = reading.candidates[order[place]]
    table = reading.tables[best.table]
    observed = _observed(seen[best.sql])
    worded = answer.word(best, table, observed, goal)
    text = [worded.text, _read_as(best, table, goal)]
    claims = worded.claims
    if place == 0 and len(order) > 1:
        other = reading.candidates[order[1]]
        also = answer.word(other, reading.tables[other.table], _observed(seen[other.sql]), goal)
        text.append(_other(other, reading.tables[other.table], also.text, goal))
        claims = [*claims, *also.claims[:5]]
    text += answer.notes(observed)
    return [("finish", {"result": "\n".join(text), "claims": claims})]


def _sql(exchange: _Exchange) -> str:
    import json

    return str(json.loads(exchange.arguments).get("sql", ""))


def _observed(exchange: _Exchange) -> answer.Observed:
    head, _, text = exchange.text.partition("] ")
    return answer.Observed(head.lstrip("["), text, exchange.data.get("columns", []), exchange.data.get("rows", []))


def _read_as(candidate: Candidate, table: Table, goal: str) -> str:
    chinese = answer.is_chinese(goal)
    return (
        f"（理解为：{answer.describe(candidate.query, table, goal)}）"
        if chinese
        else (f"(read as: {answer.describe(candidate.query, table, goal)})")
    )


def _other(candidate: Candidate, table: Table, text: str, goal: str) -> str:
    first = text.splitlines()[0].removeprefix("- ") + (" …" if "\n" in text else "")
    read = answer.describe(candidate.query, table, goal)
    return f"另一种理解：{first}（{read}）" if answer.is_chinese(goal) else f"Another reading: {first} ({read})"
