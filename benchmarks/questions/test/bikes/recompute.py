"""The answers in pandas: the second means of `verify.py`."""

from collections.abc import Callable
from typing import Any

Frames = dict[str, Any]


def _jobs(d: Frames, column: str, value: str) -> Any:
    return d["jobs"][d["jobs"][column] == value]


def _dearest(d: Frames) -> list[int]:
    total = d["jobs"]["Parts"] + d["jobs"]["Labour"]
    return d["jobs"].loc[total == total.max(), "Job"].tolist()


def _often(d: Frames) -> list[str]:
    counts = d["jobs"].groupby("Customer").size()
    return sorted(counts[counts >= 9].index)


def _photo(d: Frames) -> list[str]:
    found = d["files"][d["files"]["folder"] == "photos"]
    return found.nlargest(1, "size", keep="all")["name"].tolist()


ANSWERS: dict[str, Callable[[Frames], Any]] = {
    "bikes-01": lambda d: sorted(_jobs(d, "Status", "waiting for parts")["Job"]),
    "bikes-02": lambda d: d["jobs"]["Labour"].groupby(d["jobs"]["Date"].str[:7]).sum()["2025-04"],
    "bikes-03": lambda d: _jobs(d, "Type", "E-bike")["Parts"].sum(),
    "bikes-04": _dearest,
    "bikes-05": lambda d: 100 * (d["jobs"]["Work"] == "Puncture repair").mean(),
    "bikes-06": lambda d: d["jobs"].groupby("Mechanic").size(),
    "bikes-07": _often,
    "bikes-08": lambda d: _jobs(d, "Work", "Full service")["Hours"].mean(),
    "bikes-09": lambda d: d["jobs"].groupby("Type").size(),
    "bikes-10": _photo,
}
