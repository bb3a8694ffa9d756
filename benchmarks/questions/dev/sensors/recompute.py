"""The answers in pandas: the second means of `verify.py`."""

from collections.abc import Callable
from typing import Any

import pandas as pd

Frames = dict[str, Any]


def _station(d: Frames) -> Any:
    return d["station"].assign(moment=pd.to_datetime(d["station"]["time"]))


def _day(d: Frames, day: int) -> Any:
    return _station(d)[_station(d)["moment"].dt.day == day]


def _windiest(d: Frames) -> list[str]:
    return [time[:10] for time in d["station"].nlargest(1, "wind", keep="all")["time"]]


ANSWERS: dict[str, Callable[[Frames], Any]] = {
    "sensors-01": lambda d: d["station"]["temperature"].isna().sum(),
    "sensors-02": lambda d: d["station"]["humidity"].mean(),
    "sensors-03": _windiest,
    "sensors-04": lambda d: d["station"]["temperature"].groupby(d["station"]["time"].str[11:16]).mean(),
    "sensors-05": lambda d: _station(d)[_station(d)["moment"].dt.day >= 16]["rain"].sum(),
    "sensors-06": lambda d: d["station"]["temperature"].max() - d["station"]["temperature"].min(),
    "sensors-07": lambda d: _day(d, 17)["temperature"].min(),
    "sensors-08": lambda d: d["station"]["rain"].groupby(d["station"]["time"].str[:10]).sum(),
    "sensors-09": lambda d: 45.6 / 3.6,
    "sensors-10": lambda d: d["station"]["rain"].sum(),
}
