"""The answers of this folder's questions in pandas: the second means of `verify.py`."""


def _both(frames):
    return frames["订场"].merge(frames["会员"], on="会员号", validate="many_to_one")


def _golden(frames):
    return frames["会员"].query("等级 == '金卡'").sort_values("入会日期")["姓名"].tolist()


def _busy(frames):
    times = frames["订场"]["会员号"].value_counts()
    return sorted(times[times >= 15].index)


ANSWERS = {
    "zh-羽毛球-01": lambda d: _both(d).groupby(["等级", "状态"])["费用"].sum()["金卡", "已使用"],
    "zh-羽毛球-02": lambda d: _both(d)["姓名"].mode().tolist(),
    "zh-羽毛球-03": lambda d: d["订场"].groupby("场地").size(),
    "zh-羽毛球-04": lambda d: (d["订场"]["状态"] == "爽约").sum(),
    "zh-羽毛球-05": lambda d: (d["会员"]["入会日期"].str[:4] == "2024").sum(),
    "zh-羽毛球-06": _golden,
    "zh-羽毛球-07": lambda d: 100 * (d["订场"]["状态"] == "已取消").mean(),
    "zh-羽毛球-08": _busy,
    "zh-羽毛球-09": lambda d: d["订场"]["费用"].groupby(d["订场"]["日期"].str[:7]).sum(),
    "zh-羽毛球-10": lambda d: sorted(d["files"].query("size > 100e6")["name"]),
}
