"""The answers in pandas: the second means of `verify.py`."""

from collections.abc import Callable
from typing import Any

import pandas as pd

Frames = dict[str, Any]


def _evening(d: Frames) -> int:
    time = pd.to_datetime(d["access"]["time"])
    return int(((time.dt.day == 12) & (time.dt.hour == 20)).sum())


def _busy(d: Frames) -> list[str]:
    counts = d["access"]["ip"].value_counts()
    return sorted(counts[counts > 50].index)


ANSWERS: dict[str, Callable[[Frames], Any]] = {
    "weblog-01": lambda d: d["access"]["status"].value_counts()[404],
    "weblog-02": lambda d: d["access"]["agent"].value_counts().nlargest(3, keep="all").index,
    "weblog-03": _busy,
    "weblog-04": _evening,
    "weblog-05": lambda d: 100 * d["access"].query("path == '/tickets/checkout'")["status"].isin([500, 503]).mean(),
    "weblog-06": lambda d: d["access"]["path"].str.startswith("/news/").sum(),
    "weblog-07": lambda d: d["access"]["time"].str[:10].value_counts(),
    "weblog-08": lambda d: d["access"]["ip"].nunique(),
    "weblog-09": lambda d: d["files"]["name"].str.lower().str.endswith(".pdf").sum(),
    "weblog-10": lambda d: d["access"].nlargest(1, "ms", keep="all")["path"].tolist(),
}
