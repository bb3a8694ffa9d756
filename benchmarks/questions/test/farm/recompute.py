"""The answers in pandas: the second means of `verify.py`."""

from collections.abc import Callable
from typing import Any

import pandas as pd

Frames = dict[str, Any]


def _year(d: Frames, year: int) -> Any:
    return d["harvest"][pd.to_datetime(d["harvest"]["date"]).dt.year == year]


def _kilos(d: Frames, year: int, by: str) -> Any:
    return _year(d, year).groupby(by)["picked_kg"].sum()


def _monthly(d: Frames) -> Any:
    return _year(d, 2025)["picked_kg"].groupby(_year(d, 2025)["date"].str[:7]).sum()


def _rejected(d: Frames) -> Any:
    found = _year(d, 2024)[["crop", "picked_kg", "rejected_kg"]].groupby("crop").sum().loc["strawberries"]
    return 100 * found["rejected_kg"] / found["picked_kg"]


def _dense(d: Frames) -> Any:
    return (_kilos(d, 2025, "field") / d["fields"].set_index("field")["hectares"]).nlargest(1, keep="all").index


ANSWERS: dict[str, Callable[[Frames], Any]] = {
    "farm-01": lambda d: _kilos(d, 2025, "crop")["strawberries"],
    "farm-02": lambda d: d["harvest"].groupby("field")["picked_kg"].mean()["Top Orchard"],
    "farm-03": lambda d: d["harvest"].nlargest(1, "picked_kg", keep="all")["date"].tolist(),
    "farm-04": lambda d: _kilos(d, 2024, "crop"),
    "farm-05": lambda d: _monthly(d).nlargest(1, keep="all").index,
    "farm-06": _monthly,
    "farm-07": _rejected,
    "farm-08": lambda d: _kilos(d, 2025, "crop")["pears"] - _kilos(d, 2024, "crop")["pears"],
    "farm-09": lambda d: _kilos(d, 2025, "field")["Mill Field"],
    "farm-10": _dense,
}
