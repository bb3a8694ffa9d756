"""The answers of this folder's questions in pandas: the second means of `verify.py`."""

import pandas as pd


def _swipes(frames):
    return frames["食堂刷卡"].assign(time=lambda d: pd.to_datetime(d["刷卡时间"]))


def _by(frames, column):
    return frames["食堂刷卡"].groupby(column)["金额"]


ANSWERS = {
    "zh-食堂-01": lambda d: d["食堂刷卡"]["部门"].value_counts()["研发部"],
    "zh-食堂-02": lambda d: _by(d, "姓名").sum().nlargest(1, keep="all").index,
    "zh-食堂-03": lambda d: _by(d, "窗口").sum()["川菜"],
    "zh-食堂-04": lambda d: sorted(dish for dish, n in d["食堂刷卡"]["菜品"].value_counts().items() if n >= 30),
    "zh-食堂-05": lambda d: d["食堂刷卡"]["菜品"].str.contains("面").sum(),
    "zh-食堂-06": lambda d: _by(d, "窗口").mean()["轻食"],
    "zh-食堂-07": lambda d: (_swipes(d)["time"].dt.hour >= 17).sum(),
    "zh-食堂-08": lambda d: _by(d, "部门").sum()["财务部"],
    "zh-食堂-09": lambda d: 4 * 16 + 2 * 22,
}
