"""The benchmarks run, and what they say of behaviour is so. Their timings are not looked at here."""

import subprocess
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def rows(command: str, *options: str) -> dict[str, list[str]]:
    """The rows of the tables that a benchmark prints, by their first column."""
    ran = subprocess.run(
        [sys.executable, BENCHMARKS / f"{command}.py", *options],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    lines = [
        [cell.strip() for cell in line.strip("|").split(" | ")] for line in ran.stdout.splitlines() if line[:1] == "|"
    ]
    return {cells[0]: cells[1:] for cells in lines}


def test_a_loop_of_steps_is_measured_inside_a_program_and_through_the_daemon() -> None:
    found = rows(
        "steps",
        "--only",
        "glm-os",
        "floor aiohttp-sqlite-2",
        "--steps",
        "4",
        "--rounds",
        "1",
        "--reps",
        "1",
        "--sync",
        "0",
    )
    for name in ("GLM-OS pure", "GLM-OS irreversible", "GLM-OS daemon pure", "floor aiohttp-sqlite-2"):
        assert float(found[name][0]) > 0, name


def test_a_call_killed_in_flight_is_made_once_unless_it_may_be_repeated() -> None:
    found = rows("inflight", "--only", "glm-os")
    starts = {name: cells[0] for name, cells in found.items() if name.startswith("GLM-OS")}
    assert starts == {"GLM-OS irreversible": "1", "GLM-OS probed": "1", "GLM-OS reversible": "2", "GLM-OS pure": "2"}
    assert {cells[1] for name, cells in found.items() if name in starts} == {"0"}, "finished steps ran again"
    assert found["GLM-OS irreversible"][3] == "a person was asked"
    assert found["GLM-OS probed"][3] == "a probe"
    assert found["GLM-OS reversible"][3] == "taken back first; the file has 10 lines"
    assert {cells[4] for name, cells in found.items() if name in starts} == {"finished"}


def test_a_prompt_keeps_its_beginning_and_a_fact_that_has_left_it_is_found() -> None:
    kept = rows("prompt", "--part", "prefix", "--only", "glm-os", "--steps", "8")["GLM-OS pure"]
    assert kept[:3] == ["8", "8", "8"]
    paged = rows("prompt", "--part", "paging", "--long", "120", "--window", "4096")
    assert int(paged["compactions"][0]) > 1
    assert paged["compactions"] == paged["of them declared by a digest"]
    assert paged["the fact stood in the prompt when it was asked for"] == ["no"]
    assert paged["the process ended"][0].startswith("done: ")
    assert "朱砂" in paged["the process ended"][0]


def test_the_overhead_of_a_prompt_stays_within_its_bound() -> None:
    both = rows("prompt", "--part", "overhead")["both"]
    assert int(both[1].replace(",", "")) <= 1_500


def test_a_daemon_that_was_killed_loses_no_process_and_repeats_no_irreversible_call() -> None:
    back = rows("recovery", "--processes", "9", "--rounds", "1")["9"]
    assert back[4:6] == ["0", "0"]
    assert back[6] == "6 done, 3 waiting"
