"""The answers of this folder's questions in pandas: the second means of `verify.py`."""


def _of(frames, building):
    return frames["energy_2025h1"].groupby("building").get_group(building).set_index("日期")


def _sum(frames, column):
    return frames["energy_2025h1"].groupby("building")[column].sum()


def _coldest(frames):
    readings = frames["energy_2025h1"]
    return readings.nsmallest(1, "室外气温", keep="all")["日期"].unique().tolist()


ANSWERS = {
    "zh-用电-01": lambda d: _of(d, "Dormitory")["kwh_day"]["2025-05-01"],
    "zh-用电-02": lambda d: _sum(d, "电费")["Canteen"],
    "zh-用电-03": lambda d: _sum(d, "kwh_night"),
    "zh-用电-04": lambda d: _sum(d, "电费")["Teaching Block"] - _sum(d, "电费")["Library"],
    "zh-用电-05": lambda d: _of(d, "Teaching Block")["kwh_day"].loc["2025-04-15":"2025-05-15"].sum(),
    "zh-用电-06": _coldest,
    "zh-用电-07": lambda d: _of(d, "Library")["kwh_day"].isna().sum(),
    "zh-用电-08": lambda d: _sum(d, "电费"),
    "zh-用电-09": lambda d: 1362.5 * 3.6,
}
