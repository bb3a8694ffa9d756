"""What a goal's own words say about files."""

import pytest

from glmos.kernel.wishes import may_change, wanted_files

GIVEN = ["calc.py", "test_calc.py", "sales.csv"]


@pytest.mark.parametrize(
    ("goal", "files"),
    [
        ("Write report.csv with the totals of sales.csv.", ["report.csv", "sales.csv"]),
        ("Using a.csv: write report.xlsx with one sheet per quarter and chart.png as bars.", ["report.xlsx", "chart.png"]),
        ("Convert a.csv to b.json", ["a.csv", "b.json"]),
        ("Save the plot as figures/plot.png. What is in notes.txt?", ["figures/plot.png"]),
        ("把结果写入report.csv，并告诉我总数", ["report.csv"]),
        ("把待办整理成 todo.md，按紧急程度排序", ["todo.md"]),
        ("请把销售额汇总保存为 汇总.xlsx。", ["汇总.xlsx"]),
        ("Do not write out.csv", []),
        ("What is the total in sales.csv?", []),
        ("Count the lines in log.txt", []),
        ("不要写入 out.csv", []),
    ],
)  # fmt: skip
def test_the_files_a_goal_asks_for_are_read_from_it(goal: str, files: list[str]) -> None:
    assert wanted_files(goal) == files


@pytest.mark.parametrize(
    ("goal", "changeable"),
    [
        ("Fix the bug in calc.py so that test_calc.py passes", ["calc.py"]),
        ("Fix the program so that its tests pass.", ["calc.py"]),
        ("Make test_calc.py pass.", ["calc.py"]),
        ("Make calc.py work.", ["calc.py"]),
        ("Get the tests green by fixing calc.py", ["calc.py"]),
        ("Repair calc", ["calc.py"]),
        ("Please update test_calc.py to cover zero", ["test_calc.py"]),
        ("Update the tests.", ["test_calc.py"]),
        ("Sort sales.csv by date.", ["sales.csv"]),
        ("把 sales.csv 按日期排序", ["sales.csv"]),
        ("修复 calc.py，使 test_calc.py 通过", ["calc.py"]),
        ("修改程序让测试通过", ["calc.py"]),
        ("What is the total in sales.csv?", []),
        ("What is the change in sales.csv?", []),
        ("Which region is highest, sorted by total, in sales.csv?", []),
        ("Add up the sales in sales.csv", []),
        ("Do not change sales.csv; tell me its total", []),
        ("不要修改 sales.csv，告诉我总数", []),
        ("Convert sales.csv to sales.json", []),
        ("把 sales.csv 整理成 todo.md", []),
    ],
)  # fmt: skip
def test_what_was_given_may_change_only_where_the_goal_says_so(goal: str, changeable: list[str]) -> None:
    assert [p for p in GIVEN if may_change(goal, p, GIVEN)] == changeable


def test_a_doer_cannot_allow_its_child_to_change_what_work_is_measured_by() -> None:
    goal = "Update test_calc.py and calc.py"
    assert [p for p in GIVEN if may_change(goal, p, GIVEN, told_by_person=False)] == ["calc.py"]
