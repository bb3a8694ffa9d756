"""The answers of this folder's questions in pandas: the second means of `verify.py`."""

import pandas as pd


def _jobs(frames):
    jobs = frames["维修台账"]
    days = pd.to_datetime(jobs["进厂日期"])
    return jobs.assign(
        year=days.dt.year, quarter=days.dt.to_period("Q").astype(str), total=jobs["工时费"] + jobs["配件费"]
    )


def _regulars(frames):
    visits = _jobs(frames)["车牌"].value_counts()
    return sorted(visits[visits >= 7].index)


def _parts(frames, brand):
    return _jobs(frames).groupby("品牌")["配件费"].sum()[brand]


ANSWERS = {
    "zh-汽修-01": lambda d: _jobs(d).groupby("year")["工时费"].sum()[2025],
    "zh-汽修-02": lambda d: _jobs(d)["技师"].mode().tolist(),
    "zh-汽修-03": lambda d: _jobs(d).set_index("工单号")["项目"]["WX0041"],
    "zh-汽修-04": lambda d: (_jobs(d)["备注"] == "返修免工时").sum(),
    "zh-汽修-05": lambda d: _parts(d, "大众") - _parts(d, "丰田"),
    "zh-汽修-06": _regulars,
    "zh-汽修-07": lambda d: (_jobs(d)["quarter"] == "2024Q2").sum(),
    "zh-汽修-08": lambda d: _jobs(d).groupby("项目")["配件费"].mean()["换轮胎"],
    "zh-汽修-09": lambda d: _jobs(d).nlargest(2, "total", keep="all")["工单号"].tolist(),
    "zh-汽修-10": lambda d: 2.4 * 100,
}
