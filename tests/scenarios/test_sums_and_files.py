"""Sums and questions about files through the real system: the bundled model, the sandboxed engine, every check."""

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from glmos.abi.api import Report
from glmos.models.nano.driver import NanoDriver
from glmos.sandbox import BubblewrapSandbox
from glmos.testing.world import World, world
from glmos.tools.tables.tool import Tables

pytestmark = pytest.mark.anyio

SUMS = {
    "15% of 240": "36\n(read as: 15 % of 240)",
    "if a shirt costs 49.90 and is 30 % off, what do I pay": "34.93\n(read as: 49.90 − 30 %)",
    "三百二十加十五乘以二是多少": "350\n（理解为：320 + 15 × 2）",
    "12.5 万的 8 %": "10,000\n（理解为：12.5万 × 8 %）",
    "50% of 200": "100\n(read as: 50 % of 200)",
    "一百的百分之五十": "50\n（理解为：100 × 50 %）",
    "half of two": "1\n(read as: half of 2)",
    "5 squared": "25\n(read as: 5 squared)",
    "-5 + 2": "-3\n(read as: -5 + 2)",
    "split 100 in the ratio 2:3": "40, 60\n(read as: 100 in the ratio 2 : 3)",
    "percent change from 92 to 69": "-25 %\n(read as: the change from 92 to 69 in per cent)",
    "how many minutes in an hour": "60 minutes\n(read as: an hour in minutes)",
    "1000 m in km": "1 kilometre\n(read as: 1000 m in kilometres)",
    "72 °F in Celsius": "about 22.2222 °C\n(read as: 72 °F in °C)",
    "10 gallons in litres": "37.85411784 litres (US gallons), or 45.4609 litres (imperial gallons)\n"
    "(read as: 10 gallons in litres)",
    "5斤是多少公斤": "2.5 公斤\n（理解为：5斤 换算成公斤）",
    "what is 18:40 plus 2 h 35 min": "21:15\n(read as: 18:40 + 2 h 35 min)",
    "2h35 after 22:30": "1:05 the next day\n(read as: 22:30 + 2h35)",
    "how long is it from 9:15 to 17:40": "8 h 25 min (505 minutes in all)\n(read as: from 9:15 to 17:40)",
    "days between 3 March 2025 and 17 May 2025": "75 days\n"
    "(read as: from 3 March 2025 to 17 May 2025, the first day not counted)",
    "90 days after 3 March 2025": "2025-06-01\n(read as: 3 March 2025 + 90 days)",
}
DECLINED = {
    "100 dollars in euros": "exchange rates",
    "3 / 0": "nothing can be divided by zero",
    "how many days until Christmas": "neither today's date",
    "15% of the sales": "Connect a stronger model",
}
FILES = {
    "which file is the biggest?": "beta.txt: 2 KB (2,000 bytes), modified 2025-11-02 12:00 UTC\n"
    "(read as: the biggest of the files)",
    "how many text files are there": "2 text files\n(read as: the number of text files (.txt))",
    "最近修改的两个文件": "- 表.csv：11 字节，修改于 2025-11-03 12:00 UTC\n"
    "- beta.txt：2 KB（2,000 字节），修改于 2025-11-02 12:00 UTC\n"
    "（理解为：最近修改的前 2 个文件）",
    "which files contain 发票": "alpha.txt\n(read as: files that contain '发票', in plain text)",
    "which files contain 'nothing at all'": "No file fits.\n(read as: files that contain 'nothing at all', in plain text)",
    "are there any duplicate files": "No file fits.\n(read as: files with the same content as another)",
    "total size of the files": "2 KB (2,021 bytes), 3 files\n(read as: the total size of the files)",
}


@pytest.fixture
async def system(tmp_path: Path, sandbox: BubblewrapSandbox) -> AsyncIterator[World]:
    async with world(tmp_path / "home", NanoDriver(), tools=[Tables()], sandbox=sandbox) as w:
        yield w


@pytest.fixture
def given(tmp_path: Path) -> list[Path]:
    content = {"alpha.txt": "发票 17\n".encode(), "beta.txt": b"b" * 2_000, "表.csv": "地区,额\n".encode()}
    for day, (name, text) in enumerate(content.items(), 1):
        (tmp_path / name).write_bytes(text)
        os.utime(tmp_path / name, (datetime(2025, 11, day, 12, tzinfo=UTC).timestamp(),) * 2)
    return [tmp_path / name for name in content]


def checks(report: Report) -> set[tuple[str, bool | None]]:
    return {(c.kind, c.passed) for s in report.steps for c in s.checks}


async def test_sums_end_done_with_the_second_engine_and_the_citation_agreeing(system: World):
    for question, answer in SUMS.items():
        report = await system.system.run(question)
        assert (question, report.status, report.answer) == (question, "done", answer), report.reason
        assert {("query", True), ("citation", True)} <= checks(report)


async def test_a_sum_beside_a_file_is_a_sum_all_the_same(system: World, given: list[Path]):
    for question in ("50% of 200", "how many minutes in an hour", "一百的百分之五十"):
        report = await system.system.run(question, files=given)
        assert (report.status, report.answer) == ("done", SUMS[question]), report.reason


async def test_what_has_no_answer_is_declined_in_a_sentence(system: World):
    for question, reason in DECLINED.items():
        report = await system.system.run(question)
        assert report.status == "failed"
        assert reason in report.reason


async def test_questions_about_files_end_done_with_every_line_cited(system: World, given: list[Path]):
    for question, answer in FILES.items():
        report = await system.system.run(question, files=given)
        assert (question, report.status) == (question, "done"), report.reason
        assert report.answer.startswith(answer)
        assert {("query", True), ("citation", True), ("goal", True)} <= checks(report)
