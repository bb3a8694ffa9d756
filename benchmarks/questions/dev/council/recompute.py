"""The answers in pandas: the second means of `verify.py`."""

from collections.abc import Callable
from typing import Any

import pandas as pd

Frames = dict[str, Any]


def _reports(d: Frames) -> Any:
    return d["reports"].merge(d["wards"], on="ward_id", validate="many_to_one")


def _many(d: Frames) -> list[str]:
    counts = _reports(d)["ward"].value_counts()
    return sorted(counts[counts > 70].index)


def _per_resident(d: Frames) -> Any:
    wards = d["wards"].set_index("councillor")["residents"]
    return (_reports(d)["councillor"].value_counts() / wards).nlargest(1, keep="all").index


def _quarter(d: Frames, quarter: str) -> int:
    return int((pd.to_datetime(d["reports"]["reported"]).dt.to_period("Q") == quarter).sum())


ANSWERS: dict[str, Callable[[Frames], Any]] = {
    "council-01": lambda d: d["reports"].value_counts(["topic", "channel"])["Pothole", "app"],
    "council-02": lambda d: d["reports"]["topic"].value_counts().nlargest(3, keep="all").index,
    "council-03": lambda d: d["reports"].groupby("channel").size(),
    "council-04": _many,
    "council-05": lambda d: _quarter(d, "2025Q3"),
    "council-06": lambda d: (d["reports"]["channel"] == "phone").sum() - (d["reports"]["channel"] == "app").sum(),
    "council-07": lambda d: _reports(d).groupby("ward")["cost"].sum().nlargest(1, keep="all").index,
    "council-08": _per_resident,
    "council-09": lambda d: _reports(d).value_counts(["ward", "topic"])["Castle Hill", "Missed bin"],
    "council-10": lambda d: sorted(d["files"][d["files"]["modified"].str.startswith("2025-10")]["name"]),
}
