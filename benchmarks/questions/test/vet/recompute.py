"""The answers in pandas: the second means of `verify.py`."""

from collections.abc import Callable
from typing import Any

import pandas as pd

Frames = dict[str, Any]


def _visits(d: Frames) -> Any:
    return d["visits"].merge(d["animals"], on="animal_id", validate="many_to_one")


def _year(d: Frames, year: int) -> Any:
    return d["visits"][pd.to_datetime(d["visits"]["date"]).dt.year == year]


ANSWERS: dict[str, Callable[[Frames], Any]] = {
    "vet-01": lambda d: d["animals"].set_index("name").loc["Duke", "breed"],
    "vet-02": lambda d: _visits(d).groupby("owner")["fee"].sum()["Hartley"],
    "vet-03": lambda d: _visits(d).groupby("species")["fee"].sum().nlargest(1, keep="all").index,
    "vet-04": lambda d: d["visits"].value_counts(["reason", "vet"])["vaccination", "Dr. Abbott"],
    "vet-05": lambda d: d["visits"]["vet"].value_counts(),
    "vet-06": lambda d: int((pd.to_datetime(d["visits"]["date"]).dt.to_period("Q") == "2025Q3").sum()),
    "vet-07": lambda d: d["visits"].groupby("reason")["fee"].mean()["dental"],
    "vet-08": lambda d: sorted(d["visits"].set_index("paid").loc["no", "visit_no"]),
    "vet-09": lambda d: (_year(d, 2024)["vet"] == "Dr. Keane").sum(),
    "vet-10": lambda d: d["visits"].groupby("reason")["fee"].sum(),
}
