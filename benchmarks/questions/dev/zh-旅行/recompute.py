"""The answers of this folder's questions in pandas: the second means of `verify.py`."""


def _by(frames, column):
    return frames["花费"].groupby(column)["金额"].sum()


def _dear(frames):
    spent = frames["花费"].merge(frames["住宿"], on="城市", validate="many_to_one")
    return spent[spent["每晚房价"] > 400]["金额"].sum()


def _over(frames):
    cities = _by(frames, "城市")
    return sorted(cities[cities > 2000].index)


ANSWERS = {
    "zh-旅行-01": lambda d: d["花费"].nlargest(1, "金额", keep="all")["说明"].tolist(),
    "zh-旅行-02": _over,
    "zh-旅行-03": lambda d: _by(d, "付款人").sort_values(ascending=False).index,
    "zh-旅行-04": _dear,
    "zh-旅行-05": lambda d: d["住宿"][["晚数", "每晚房价", "房间数"]].prod(axis=1).sum(),
    "zh-旅行-06": lambda d: d["住宿"].set_index("城市")["酒店"]["沙溪"],
    "zh-旅行-07": lambda d: d["花费"][d["花费"]["日期"].dt.day == 13]["金额"].sum(),
    "zh-旅行-08": lambda d: d["花费"]["说明"].str.contains("菌子").sum(),
    "zh-旅行-09": lambda d: _by(d, "类别")["门票"],
}
