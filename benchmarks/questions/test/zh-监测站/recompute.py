"""The answers of this folder's questions in pandas: the second means of `verify.py`."""

import pandas as pd


def _air(frames):
    air = frames["空气质量"]
    return air.assign(day=pd.to_datetime(air["日期"]).dt.strftime("%Y-%m-%d"))


def _at(frames, station):
    return _air(frames).groupby("站点").get_group(station).set_index("day")


def _line(frames):
    january = _at(frames, "大学城")["PM10"].loc["2025-01-01":"2025-01-31"].dropna()
    return [cell for day, value in january.items() for cell in (day, int(value))]


ANSWERS = {
    "zh-监测站-01": lambda d: int(_at(d, "大学城")["PM2.5"]["2025-01-10"]),
    "zh-监测站-02": lambda d: _at(d, "钢厂路")["等级"].eq("重度").sum(),
    "zh-监测站-03": lambda d: _air(d).nlargest(1, "风速", keep="all")["day"].unique().tolist(),
    "zh-监测站-04": lambda d: float(_at(d, "钢厂路")["PM2.5"].mean() - _at(d, "人民公园")["PM2.5"].mean()),
    "zh-监测站-05": lambda d: _air(d)[_air(d)["气温"].between(-5, 0)]["day"].nunique(),
    "zh-监测站-06": lambda d: _air(d).groupby("站点")["臭氧"].mean(),
    "zh-监测站-07": _line,
    "zh-监测站-08": lambda d: _at(d, "大学城")["等级"].eq("优").sum(),
    "zh-监测站-09": lambda d: (96 + 113 + 142) / 3,
    "zh-监测站-10": lambda d: 9.3 * 3600 / 1000,
}
