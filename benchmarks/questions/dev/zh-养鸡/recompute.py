"""The answers of this folder's questions in pandas: the second means of `verify.py`."""


def _house(frames, house):
    return frames["养鸡日志"].groupby("鸡舍").get_group(house).set_index("日期")


def _by(frames, column):
    return frames["养鸡日志"].groupby("鸡舍")[column].sum()


ANSWERS = {
    "zh-养鸡-01": lambda d: d["养鸡日志"]["产蛋"].sum(),
    "zh-养鸡-02": lambda d: _by(d, "饲料")["一号舍"] - _by(d, "饲料")["三号舍"],
    "zh-养鸡-03": lambda d: _by(d, "死亡"),
    "zh-养鸡-04": lambda d: sorted(set(d["养鸡日志"].query("备注 == '停电两小时'")["日期"])),
    "zh-养鸡-05": lambda d: _house(d, "二号舍")["产蛋"].loc["2025-04-01":].mean(),
    "zh-养鸡-06": lambda d: sorted(d["养鸡日志"]["记录人"].unique()),
    "zh-养鸡-07": lambda d: _house(d, "一号舍")["产蛋"]["2025-03-26"],
    "zh-养鸡-08": lambda d: _house(d, "三号舍")["产蛋"].loc["2025-03-10":"2025-03-20"].sum(),
    "zh-养鸡-09": lambda d: _by(d, "产蛋"),
    "zh-养鸡-10": lambda d: 55.5 * 2,
}
