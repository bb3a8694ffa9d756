"""The answers of this folder's questions in pandas: the second means of `verify.py`."""

import pandas as pd


def _gifts(frames):
    gifts = frames["捐款名单"]
    return gifts.assign(quarter=pd.to_datetime(gifts["日期"]).dt.to_period("Q").astype(str))


def _sum(frames, by):
    return _gifts(frames).groupby(by)["金额"].sum()


def _large(frames):
    gifts = _gifts(frames)
    return gifts[gifts["类型"].eq("个人") & gifts["金额"].ge(1000)]["序号"].tolist()


ANSWERS = {
    "zh-捐赠-01": lambda d: _gifts(d)["金额"].sum(),
    "zh-捐赠-02": lambda d: _gifts(d)["捐赠人"].value_counts()["匿名"],
    "zh-捐赠-03": lambda d: _sum(d, "类型")["单位"] - _sum(d, "类型")["个人"],
    "zh-捐赠-04": lambda d: _sum(d, ["类型", "捐赠人"])["单位"].nlargest(3, keep="all").index,
    "zh-捐赠-05": lambda d: 100 * _sum(d, "用途")["营养午餐"] / _sum(d, "用途").sum(),
    "zh-捐赠-06": lambda d: _sum(d, "quarter")["2024Q3"],
    "zh-捐赠-07": lambda d: _gifts(d).set_index("序号")["捐赠人"][61],
    "zh-捐赠-08": lambda d: sum(total for name, total in _sum(d, "捐赠人").items() if "届校友" in name),
    "zh-捐赠-09": _large,
    "zh-捐赠-10": lambda d: (_gifts(d)["回执"] == "无").sum(),
    "zh-捐赠-12": lambda d: 20000 / 16,
}
