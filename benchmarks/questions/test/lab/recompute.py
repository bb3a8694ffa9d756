"""The answers in pandas: the second means of `verify.py`."""

from collections.abc import Callable
from typing import Any

Frames = dict[str, Any]


def _week(d: Frames, week: int) -> Any:
    return d["beans"][d["beans"]["week"] == week]


def _same(d: Frames) -> list[str]:
    return sorted(d["files"][d["files"].duplicated("text", keep=False)]["name"])


ANSWERS: dict[str, Callable[[Frames], Any]] = {
    "lab-01": lambda d: _week(d, 4).set_index("pot").loc["P07", "height_cm"],
    "lab-02": lambda d: sorted(_week(d, 6)[_week(d, 6)["height_cm"].isna()]["pot"]),
    "lab-03": lambda d: d["beans"]["pot"].nunique(),
    "lab-04": lambda d: _week(d, 5).nlargest(3, "height_cm", keep="all")["pot"].tolist(),
    "lab-05": lambda d: _week(d, 6)["height_cm"].between(20, 25).sum(),
    "lab-06": lambda d: _week(d, 6).groupby("treatment")["height_cm"].mean()["seaweed"],
    "lab-07": lambda d: 35 / 2 * 7,
    "lab-08": lambda d: d["files"].set_index("modified")["name"].sort_index().iloc[-1],
    "lab-09": _same,
}
