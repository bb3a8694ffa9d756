"""The driver, given the observations that the kernel would show it."""

from collections.abc import Mapping

import pytest

from glmos.abi.messages import FunctionCall, Message, ModelReply, ModelRequest
from glmos.models.nano.answer import encode
from glmos.models.nano.driver import NanoDriver

pytestmark = pytest.mark.anyio
COLUMNS = [
    {"name": "region", "type": "VARCHAR", "values": ["North", "East"]},
    {"name": "sales", "type": "DOUBLE", "values": [1.5, 2.5, 4.5]},
]
FOUND = {"tables": [{"name": "sales", "row_count": 9, "columns": COLUMNS}]}
NOTE = "Note on sales.csv: line 2 has more than 2 fields and was left out."


async def ask(goal: str, found: str, *, data: Mapping[str, object], rows: str = "", cell: object = 8.5) -> ModelReply:
    """The reply to `goal` after `tables.find` gave `found` and, with `rows`, after every query gave those rows."""
    find = FunctionCall("f", "tables", encode({"action": "find", "text": goal}))
    messages = [
        Message("user", f"<goal>\n{goal}\n</goal>"),
        Message("assistant", calls=(find,)),
        Message("tool", f"[c1] {found}", call_id="f", extra={"data": data}),
    ]
    driver = NanoDriver()
    reply = await driver.complete(ModelRequest(tuple(messages)))
    if not rows or reply.calls[0].name == "give_up":
        return reply
    messages.append(Message("assistant", calls=reply.calls))
    shown = {"columns": ["x"], "rows": [[cell]]}
    messages += [
        Message("tool", f"[c{i + 2}] {rows}", call_id=c.id, extra={"data": shown}) for i, c in enumerate(reply.calls)
    ]
    return await driver.complete(ModelRequest(tuple(messages)))


async def test_a_word_that_was_not_understood_is_named_instead_of_answered_past():
    reply = await ask("What are the total net sales?", "sales", data=FOUND, rows="| x |\n| - |\n| 8.5 |")
    assert reply.calls[0].name == "give_up"
    assert (
        "it does not know what 'net' means in table 'sales', whose columns are region, sales."
        in reply.calls[0].arguments
    )


async def test_lines_that_were_left_out_are_told_with_the_answer():
    reply = await ask("What are the total sales?", "sales", data=FOUND, rows=f"| x |\n| - |\n| 8.5 |\n(1 row)\n{NOTE}")
    assert reply.calls[0].name == "finish"
    assert NOTE in reply.calls[0].arguments


@pytest.mark.parametrize("cell", [["a.csv", "乙.csv"], {"量": [1, 2]}])
async def test_nested_data_in_a_cell_is_shown_as_it_is(cell: object):
    """Of JSON or Parquet."""
    shown = encode(cell)
    reply = await ask("sales where region is East", "sales", data=FOUND, rows=f"| x |\n| - |\n| {shown} |", cell=cell)
    assert reply.calls[0].name == "finish"
    assert encode(shown)[1:-1] in reply.calls[0].arguments


async def test_files_that_are_no_tables_are_told_in_a_plain_sentence():
    reply = await ask("total sales", "failed (not_found): The workspace holds no CSV file.", data={})
    assert reply.calls[0].name == "give_up"
    assert "tables: The workspace holds no CSV file." in reply.calls[0].arguments
    assert "not_found" not in reply.calls[0].arguments


async def test_a_person_who_says_go_on_gets_the_files_looked_at_again():
    find = FunctionCall("f", "tables", encode({"action": "find", "text": "total sales"}))
    give_up = FunctionCall("g", "give_up", encode({"reason": "no sandbox"}))
    messages = (
        Message("user", "<goal>\ntotal sales\n</goal>"),
        Message("assistant", calls=(find,)),
        Message("tool", "[c1] failed (unavailable): bubblewrap is not installed", call_id="f"),
        Message("user", "Now step 'answer': total sales"),
        Message("assistant", calls=(give_up,)),
        Message("tool", "[c2] ", call_id="g"),
        Message("user", "The person told you to go on."),
    )
    reply = await NanoDriver().complete(ModelRequest(messages))
    assert [(c.name, '"find"' in c.arguments) for c in reply.calls] == [("tables", True)]
    before = await NanoDriver().complete(ModelRequest(messages[:4]))
    assert [c.name for c in before.calls] == ["give_up"]
