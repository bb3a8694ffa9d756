"""The list of crash points says what the source says."""

import re
from pathlib import Path

import pytest

import glmos
from glmos.testing.crash.points import POINTS, DieAt


def test_every_point_in_the_source_is_on_the_list_and_the_other_way_round() -> None:
    source = "\n".join(path.read_text("utf-8") for path in Path(glmos.__file__).parent.rglob("*.py"))
    assert set(re.findall(r'crash_points?\("([a-z_.]+)"\)', source)) == set(POINTS)


def test_an_order_to_die_at_an_unknown_point_is_refused() -> None:
    assert DieAt.parse("tool.after_end:3").left == 3
    with pytest.raises(ValueError, match=r"no crash point 'nowhere'; there are: append\.before_insert"):
        DieAt.parse("nowhere")
