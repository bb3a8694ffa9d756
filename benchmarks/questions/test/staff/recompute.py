"""The answers in pandas: the second means of `verify.py`."""

from collections.abc import Callable
from typing import Any

import pandas as pd

Frames = dict[str, Any]


def _staff(d: Frames) -> Any:
    return d["staff"].merge(d["departments"], left_on="dept", right_on="code", validate="many_to_one")


def _absences(d: Frames) -> Any:
    return d["absences"].merge(_staff(d), on="emp_no", validate="many_to_one")


def _joined(d: Frames, year: int) -> list[str]:
    return sorted(d["staff"][pd.to_datetime(d["staff"]["hired"]).dt.year == year]["name"])


ANSWERS: dict[str, Callable[[Frames], Any]] = {
    "staff-01": lambda d: d["staff"].set_index("name").loc["Jelena Brack", "title"],
    "staff-02": lambda d: _staff(d).groupby("department")["salary"].mean().nlargest(1, keep="all").index,
    "staff-03": lambda d: _absences(d).groupby(["department", "kind"])["days"].sum()["Logistics", "sick"],
    "staff-04": lambda d: d["staff"].groupby("weekly_hours")["salary"].mean()[40],
    "staff-05": lambda d: d["staff"]["salary"].max() - d["staff"]["salary"].min(),
    "staff-06": lambda d: _joined(d, 2024),
    "staff-07": lambda d: 100 * (d["staff"]["weekly_hours"] < 40).mean(),
    "staff-08": lambda d: _staff(d)["building"].value_counts(),
    "staff-09": lambda d: d["absences"].groupby("kind")["days"].sum()["sick"],
    "staff-10": lambda d: d["staff"].loc[d["staff"]["hired"] == d["staff"]["hired"].min(), "name"].tolist(),
}
