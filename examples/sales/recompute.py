"""The answers of this folder's questions in pandas: the second, independent means of `examples/verify.py`.

`nlargest(..., keep="all")` is meant: if two things tie for a place, the answer is not one answer, and verifying fails.
"""

from collections.abc import Callable
from typing import Any

import pandas as pd

Frames = dict[str, Any]


def _year(frame: Any, year: int, column: str = "date") -> Any:
    return frame[pd.to_datetime(frame[column]).dt.year == year]


def _month(frame: Any, month: str, column: str = "date") -> Any:
    return frame[pd.to_datetime(frame[column]).dt.strftime("%Y-%m") == month]


def _top(frame: Any, by: str, of: str, n: int = 1) -> Any:
    return frame.groupby(by)[of].sum().nlargest(n, keep="all").index


def _sum_where(frame: Any, column: str, value: str, of: str) -> Any:
    return frame.loc[frame[column] == value, of].sum()


def _longest(frame: Any) -> list[str]:
    since = frame["customer_since"]
    return frame.loc[since == since.min(), "name"].tolist()


def _growth(frame: Any) -> Any:
    years = pd.to_datetime(frame["date"]).dt.year
    table = frame.pivot_table(index="region", columns=years, values="sales", aggfunc="sum")
    return (table[2025] - table[2024]).nlargest(1, keep="all").index


def _best_month(frame: Any) -> Any:
    months = pd.to_datetime(frame["date"]).dt.strftime("%Y-%m")
    return frame["sales"].groupby(months).sum().nlargest(1, keep="all").index


def _orders(frames: Frames) -> Any:
    return frames["orders"].merge(frames["customers"], on="customer_id", validate="many_to_one")


def _returns(frames: Frames) -> Any:
    return frames["returns"].merge(frames["orders 2025"][["order_id", "region"]], on="order_id", validate="one_to_one")


def _zh_2025(frames: Frames) -> Any:
    return _year(frames["销售"], 2025, "日期").groupby("地区")["销售额"].sum()


ANSWERS: dict[str, Callable[[Frames], Any]] = {
    # sales.csv
    "sales-top-region-2025": lambda d: _top(_year(d["sales"], 2025), "region", "sales"),
    "sales-top-region-overall": lambda d: _top(d["sales"], "region", "sales"),
    "sales-total-2024": lambda d: _year(d["sales"], 2024)["sales"].sum(),
    "sales-count": lambda d: len(d["sales"]),
    "sales-count-online": lambda d: (d["sales"]["channel"] == "Online").sum(),
    "sales-units-product": lambda d: _sum_where(d["sales"], "product", "Espresso Machine", "units"),
    "sales-average-west": lambda d: d["sales"].groupby("region")["sales"].mean()["West"],
    "sales-top-products": lambda d: _top(d["sales"], "product", "sales", 3),
    "sales-by-category": lambda d: d["sales"].groupby("category")["sales"].sum(),
    "sales-top-customer": lambda d: _top(d["sales"], "customer", "sales"),
    "sales-march-2025": lambda d: len(_month(d["sales"], "2025-03")),
    "sales-lowest-channel": lambda d: d["sales"].groupby("channel")["sales"].sum().nsmallest(1, keep="all").index,
    "sales-tea-north": lambda d: d["sales"].groupby(["category", "region"])["sales"].sum()["Tea", "North"],
    "sales-customers": lambda d: _month(d["sales"], "2025-03")["customer"].nunique(),
    "sales-best-month-2025": lambda d: _best_month(_year(d["sales"], 2025)),
    "sales-share-west-2025": lambda d: (
        100 * _sum_where(_year(d["sales"], 2025), "region", "West", "sales") / _year(d["sales"], 2025)["sales"].sum()
    ),
    "sales-west-over-east-2025": lambda d: (
        -(_year(d["sales"], 2025).groupby("region")["sales"].sum()[["West", "East"]].diff()["East"])
    ),
    "sales-growth-region": lambda d: _growth(d["sales"]),
    # sales.xlsx
    "sales-xlsx-orders": lambda d: len(d["orders 2025"]),
    "sales-xlsx-refunds": lambda d: d["returns"]["refund"].sum(),
    "sales-xlsx-top-reason": lambda d: d["returns"]["reason"].mode().tolist(),
    "sales-xlsx-reasons": lambda d: d["returns"]["reason"].value_counts(),
    "sales-xlsx-damaged": lambda d: d["returns"]["reason"].value_counts()["Damaged"],
    "sales-xlsx-largest-refund": lambda d: d["returns"].nlargest(1, "refund", keep="all")["product"].tolist(),
    "sales-xlsx-coffee-units": lambda d: _sum_where(d["orders 2025"], "category", "Coffee", "units"),
    "sales-xlsx-average-price": lambda d: d["orders 2025"].groupby("region")["unit_price"].mean()["South"],
    "sales-xlsx-region-refund": lambda d: _top(_returns(d), "region", "refund"),
    "sales-net-2025": lambda d: _year(d["sales"], 2025)["sales"].sum() - d["returns"]["refund"].sum(),
    # sales.db
    "sales-db-customers": lambda d: len(d["customers"]),
    "sales-db-hotels": lambda d: (d["customers"]["segment"] == "Hotel").sum(),
    "sales-db-oldest": lambda d: _longest(d["customers"]),
    "sales-db-by-segment": lambda d: d["customers"]["segment"].value_counts(),
    "sales-db-total": lambda d: d["orders"]["sales"].sum(),
    "sales-db-max-units": lambda d: d["orders"]["units"].max(),
    "sales-db-phone-2023": lambda d: (_year(d["orders"], 2023)["channel"] == "Phone").sum(),
    "sales-db-top-segment": lambda d: _top(_orders(d), "segment", "sales"),
    "sales-db-top-customers": lambda d: _top(_year(_orders(d), 2025), "name", "sales", 3),
    "sales-db-city": lambda d: _top(_orders(d), "city", "sales"),
    # 销售.csv
    "sales-zh-top-region-2025": lambda d: _top(_year(d["销售"], 2025, "日期"), "地区", "销售额"),
    "sales-zh-top-region": lambda d: _top(d["销售"], "地区", "销售额"),
    "sales-zh-count": lambda d: len(d["销售"]),
    "sales-zh-total-2024": lambda d: _year(d["销售"], 2024, "日期")["销售额"].sum(),
    "sales-zh-tea-count": lambda d: (d["销售"]["类别"] == "茶叶").sum(),
    "sales-zh-average-online": lambda d: d["销售"].groupby("渠道")["销售额"].mean()["线上"],
    "sales-zh-top-products": lambda d: _top(d["销售"], "产品", "销售额", 3),
    "sales-zh-by-category": lambda d: d["销售"].groupby("类别")["数量"].sum(),
    "sales-zh-beijing": lambda d: (d["销售"]["城市"] == "北京").sum(),
    "sales-zh-date-range": lambda d: len(_month(d["销售"], "2025-06", "日期")),
    "sales-zh-share": lambda d: 100 * _zh_2025(d)["华南"] / _zh_2025(d).sum(),
    "sales-zh-difference": lambda d: _zh_2025(d)["华南"] - _zh_2025(d)["华东"],
}
