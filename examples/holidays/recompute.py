"""The answers of this folder's questions in pandas: the second, independent means of `examples/verify.py`.

`nlargest(..., keep="all")` is meant: if two things tie for a place, the answer is not one answer, and verifying fails.
"""

from collections.abc import Callable
from typing import Any

import pandas as pd

Frames = dict[str, Any]


def _off(frames: Frames) -> Any:
    table = frames["节假日"]
    return table[table["类型"] == "放假"]


def _between(frame: Any, first: str, last: str) -> Any:
    return frame[pd.to_datetime(frame["日期"]).between(first, last)]


ANSWERS: dict[str, Callable[[Frames], Any]] = {
    "holidays-days-off-2025": lambda d: _off(d)["年份"].value_counts()[2025],
    "holidays-rows": lambda d: len(d["节假日"]),
    "holidays-most-days": lambda d: _off(d)["节日"].mode().tolist(),
    "holidays-spring-2020": lambda d: _off(d).groupby(["年份", "节日"]).size().loc[2020, "春节"],
    "holidays-year-most": lambda d: _off(d)["年份"].mode().tolist(),
    "holidays-per-festival-2026": lambda d: _off(d).groupby(["年份", "节日"]).size().loc[2026],
    "holidays-workdays": lambda d: d["节假日"]["类型"].value_counts()["补班"],
    "holidays-first-off-2026": lambda d: (
        _off(d).set_index(["年份", "节日"]).sort_index().loc[(2026, "国庆节"), "日期"].min()
    ),
    "holidays-lieu": lambda d: d["节假日"]["调休"].eq("是").sum(),
    "holidays-range": lambda d: len(_between(_off(d), "2024-05-01", "2024-10-31")),
    "holidays-more-2026": lambda d: _off(d)["年份"].eq(2026).sum() - _off(d)["年份"].eq(2025).sum(),
    "holidays-workday-weekday": lambda d: (
        100 * d["节假日"].groupby("类型")["星期"].value_counts(normalize=True)["补班", "星期六"]
    ),
}
