"""The answers of this folder's questions in pandas: the second means of `verify.py`."""

import pandas as pd


def _log(frames):
    return frames["access_log"].assign(time=lambda d: pd.to_datetime(d["ts"]))


def _evening(frames):
    times = _log(frames)["time"]
    return ((times.dt.day == 12) & (times.dt.hour >= 20)).sum()


ANSWERS = {
    "zh-网站日志-01": lambda d: _log(d)["status"].value_counts()[404],
    "zh-网站日志-02": lambda d: _log(d)["ip"].nunique(),
    "zh-网站日志-03": lambda d: _log(d)["path"].value_counts().nlargest(3, keep="all").index,
    "zh-网站日志-04": lambda d: _log(d).groupby("path")["response_ms"].mean()["/search"],
    "zh-网站日志-05": lambda d: 100 * _log(d)["device"].value_counts(normalize=True)["mobile"],
    "zh-网站日志-06": lambda d: _log(d).query("status == 500")["time"].astype(str).tolist(),
    "zh-网站日志-07": _evening,
    "zh-网站日志-08": lambda d: _log(d)["response_ms"].max(),
    "zh-网站日志-09": lambda d: d["files"].nlargest(1, "size", keep="all")["name"].tolist(),
}
