"""The answers in pandas: the second means of `verify.py`."""

from collections.abc import Callable
from typing import Any

Frames = dict[str, Any]


def _with(d: Frames, status: str) -> Any:
    return d["发货"][d["发货"]["状态"] == status]


ANSWERS: dict[str, Callable[[Frames], Any]] = {
    "parcels-01": lambda d: d["发货"].set_index("单号").loc["TR0046", "收件城市"],
    "parcels-02": lambda d: sorted(_with(d, "破损")["单号"]),
    "parcels-03": lambda d: len(_with(d, "退回")),
    "parcels-04": lambda d: d["发货"].groupby("收件城市")["运费"].sum()["北京"],
    "parcels-05": lambda d: d["发货"]["收件城市"].value_counts().nlargest(2, keep="all").index,
    "parcels-06": lambda d: d["发货"]["快递公司"].value_counts(),
    "parcels-07": lambda d: d["发货"]["重量"].between(4, 6).sum(),
    "parcels-08": lambda d: 100 * len(_with(d, "已签收")) / len(d["发货"]),
    "parcels-09": lambda d: d["发货"]["寄件日期"].str[8:].astype(int).between(25, 31).sum(),
    "parcels-10": lambda d: d["发货"].groupby("快递公司")["运费"].mean()["飞燕"],
}
