"""The answers of this folder's questions in pandas: the second means of `verify.py`."""

import pandas as pd


def _stock(frames):
    stock = frames["库存表"]
    return stock.assign(
        worth=stock["数量"] * stock["进价"],
        short=stock["数量"] < stock["安全库存"],
        month=pd.to_datetime(stock["上次进货"]).dt.strftime("%Y-%m"),
    )


def _worth(frames):
    return _stock(frames).groupby("类别")["worth"].sum()


ANSWERS = {
    "zh-仓库-01": lambda d: sorted(_stock(d).query("short and 类别 == '电动工具'")["品名"]),
    "zh-仓库-02": lambda d: _stock(d)["short"].sum(),
    "zh-仓库-03": lambda d: _stock(d).nlargest(1, "进价", keep="all")["品名"].tolist(),
    "zh-仓库-04": lambda d: _stock(d)["供应商"].nunique(),
    "zh-仓库-05": lambda d: sorted(_stock(d)[_stock(d)["品名"].str.contains("PPR")]["货号"]),
    "zh-仓库-06": lambda d: _worth(d)["水暖"] - _worth(d)["电料"],
    "zh-仓库-07": lambda d: (_stock(d)["month"] == "2025-08").sum(),
    "zh-仓库-08": lambda d: 100 * _worth(d)["电动工具"] / _worth(d).sum(),
    "zh-仓库-09": lambda d: _stock(d).query("类别 == '手动工具'").sort_values("进价")["品名"].tolist(),
    "zh-仓库-10": lambda d: d["files"]["suffix"].value_counts()[".pdf"],
}
