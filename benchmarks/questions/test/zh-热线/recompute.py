"""The answers of this folder's questions in pandas: the second means of `verify.py`."""

import pandas as pd


def _calls(frames):
    return frames["热线工单"].assign(time=lambda d: pd.to_datetime(d["来电时间"]))


def _month(frames):
    calls = _calls(frames)
    return ((calls["区县"] == "东湖区") & (calls["time"].dt.month == 5)).sum()


def _angry(frames):
    calls = _calls(frames)
    return calls[calls["区县"].eq("临港区") & calls["满意度"].eq(1)]["工单编号"].tolist()


ANSWERS = {
    "zh-热线-01": lambda d: _calls(d).set_index("工单编号")["诉求内容"]["GD0200"],
    "zh-热线-02": lambda d: _calls(d)["承办单位"].value_counts().index,
    "zh-热线-03": _month,
    "zh-热线-04": lambda d: (_calls(d)["time"].dt.hour < 6).sum(),
    "zh-热线-05": lambda d: 100 * _calls(d)["满意度"].dropna().eq(5).mean(),
    "zh-热线-06": lambda d: _calls(d)["诉求内容"].str.contains("电梯").sum(),
    "zh-热线-07": lambda d: _calls(d).groupby("区县")["办结时间"].apply(lambda done: done.isna().sum()),
    "zh-热线-08": _angry,
    "zh-热线-09": lambda d: sorted(_calls(d)["渠道"].unique()),
    "zh-热线-10": lambda d: d["files"].query("suffix == '.docx'").set_index("modified")["name"].sort_index().iloc[-1],
}
