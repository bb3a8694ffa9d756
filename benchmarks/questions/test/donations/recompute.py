"""The answers in pandas: the second means of `verify.py`."""

from collections.abc import Callable
from typing import Any

import pandas as pd

Frames = dict[str, Any]


def _faithful(d: Frames) -> list[str]:
    counts = d["gifts"].groupby("Donor").size()
    return sorted(counts[counts >= 15].index)


def _mentions(d: Frames, word: str) -> list[str]:
    return sorted(d["files"][d["files"]["text"].str.contains(word, case=False)]["name"])


def _quarters(d: Frames) -> Any:
    return d["gifts"].groupby(pd.to_datetime(d["gifts"]["Date"]).dt.quarter)["Amount"].sum()


ANSWERS: dict[str, Callable[[Frames], Any]] = {
    "donations-01": lambda d: d["gifts"].groupby("Appeal")["Amount"].sum()["Roof"],
    "donations-02": lambda d: d["gifts"].nlargest(3, "Amount", keep="all")["Receipt"].tolist(),
    "donations-03": lambda d: (d["gifts"]["Donor"] == "Anonymous").sum(),
    "donations-04": lambda d: sorted(set(d["gifts"].query("Amount > 1000")["Donor"])),
    "donations-05": lambda d: d["gifts"]["Amount"].between(100, 250).sum(),
    "donations-06": lambda d: _quarters(d)[4],
    "donations-07": _faithful,
    "donations-08": lambda d: _mentions(d, "boiler"),
    "donations-09": lambda d: d["gifts"].groupby("Appeal")["Amount"].sum().nlargest(1, keep="all").index,
}
