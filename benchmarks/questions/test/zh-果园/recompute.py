"""The answers of this folder's questions in pandas: the second means of `verify.py`."""


def _weight(frames, by):
    return frames["采摘记录"].groupby(by)["重量"].sum()


def _fruit(frames, fruit):
    return frames["采摘记录"].groupby("果品").get_group(fruit)


def _pears(frames):
    pears = _fruit(frames, "翠冠梨")
    return sorted(pears[pears["重量"].gt(300)]["日期"])


ANSWERS = {
    "zh-果园-01": lambda d: _weight(d, "果品")["黄桃"],
    "zh-果园-02": lambda d: _fruit(d, "翠冠梨")["重量"].mean(),
    "zh-果园-03": lambda d: _weight(d, "日期").sort_index().loc["2025-07-10":"2025-07-20"].sum(),
    "zh-果园-04": lambda d: sorted(d["采摘记录"].groupby("地块").get_group("南坡")["果品"].unique()),
    "zh-果园-05": _pears,
    "zh-果园-06": lambda d: _fruit(d, "葡萄")[["重量", "单价"]].prod(axis=1).sum(),
    "zh-果园-07": lambda d: d["采摘记录"]["天气"].value_counts()["小雨"],
    "zh-果园-08": lambda d: 366.5 * 2,
    "zh-果园-09": lambda d: sorted(d["files"][d["files"]["text"].str.contains("农药")]["name"]),
}
