"""The answers in pandas: the second means of `verify.py`."""

from collections.abc import Callable
from typing import Any

Frames = dict[str, Any]


def _sum(d: Frames, by: str, of: str = "金额") -> Any:
    return d["营业"].groupby(by)[of].sum()


def _june(d: Frames) -> Any:
    return d["营业"][d["营业"]["日期"].str.startswith("2025-06")].groupby("门店")["金额"].sum()["滨江店"]


ANSWERS: dict[str, Callable[[Frames], Any]] = {
    "cafe-01": lambda d: _sum(d, "品名", "数量").nlargest(3, keep="all").index,
    "cafe-02": lambda d: _sum(d, "门店").nsmallest(1, keep="all").index,
    "cafe-03": _june,
    "cafe-04": lambda d: d["营业"]["支付方式"].value_counts()["现金"],
    "cafe-05": lambda d: sorted(set(d["营业"].query("单价 > 20")["品名"])),
    "cafe-06": lambda d: _sum(d, "类别"),
    "cafe-07": lambda d: _sum(d, "门店"),
    "cafe-08": lambda d: _sum(d, "品名", "数量")["美式"],
    "cafe-09": lambda d: _sum(d, "门店")["滨江店"] - _sum(d, "门店")["大学城店"],
    "cafe-10": lambda d: d["营业"].set_index("品名")["单价"]["桂花乌龙"].unique().item(),
}
