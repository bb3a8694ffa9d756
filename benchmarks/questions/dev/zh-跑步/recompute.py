"""The answers of this folder's questions in pandas: the second means of `verify.py`."""


def _runs(frames):
    return frames["跑步记录"].assign(month=lambda d: d["日期"].str[:7])


def _by(frames, column):
    return _runs(frames).groupby(column)["距离km"].sum()


def _wet(frames):
    runs = _runs(frames)
    return sorted(runs[runs["天气"].eq("小雨") & runs["距离km"].gt(10)]["日期"])


ANSWERS = {
    "zh-跑步-01": lambda d: _runs(d)["日期"].str.startswith("2025").sum(),
    "zh-跑步-02": lambda d: _runs(d)["平均心率"].max(),
    "zh-跑步-03": lambda d: _by(d, "路线").nlargest(2, keep="all").index,
    "zh-跑步-04": lambda d: _by(d, "month")["2025-05"],
    "zh-跑步-05": lambda d: _by(d, "鞋"),
    "zh-跑步-06": _wet,
    "zh-跑步-07": lambda d: _by(d, "month"),
    "zh-跑步-08": lambda d: sorted(_runs(d)["距离km"]),
    "zh-跑步-09": lambda d: _runs(d)["天气"].value_counts()["阴"],
    "zh-跑步-10": lambda d: (
        d["files"][d["files"]["name"].str.endswith(".gpx")].set_index("name")["size"].nlargest(1, keep="all").index
    ),
}
