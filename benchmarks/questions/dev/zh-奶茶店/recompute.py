"""The answers of this folder's questions in pandas: the second means of `verify.py`."""

import pandas as pd


def _by(frames, column, of):
    return frames["奶茶订单"].groupby(column)[of].sum()


def _day(frames):
    orders = frames["奶茶订单"]
    return orders[pd.to_datetime(orders["下单时间"]).dt.day == 20]["杯数"].sum()


ANSWERS = {
    "zh-奶茶店-01": lambda d: _by(d, "饮品", "杯数").nlargest(1, keep="all").index,
    "zh-奶茶店-02": lambda d: _by(d, "渠道", "实付")["外卖"],
    "zh-奶茶店-03": lambda d: (d["奶茶订单"]["糖度"] == "无糖").sum(),
    "zh-奶茶店-04": _day,
    "zh-奶茶店-05": lambda d: _by(d, "渠道", "实付"),
    "zh-奶茶店-06": lambda d: 100 * (d["奶茶订单"]["杯型"] == "大杯").mean(),
    "zh-奶茶店-07": lambda d: _by(d, "饮品", "实付").nlargest(3, keep="all").index,
    "zh-奶茶店-08": lambda d: d["奶茶订单"].set_index("订单号")["饮品"]["NC0134"],
    "zh-奶茶店-09": lambda d: _by(d, "饮品", "杯数")["杨枝甘露"],
    "zh-奶茶店-10": lambda d: 26 * 85 / 100,
}
