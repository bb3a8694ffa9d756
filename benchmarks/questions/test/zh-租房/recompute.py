"""The answers of this folder's questions in pandas: the second means of `verify.py`."""


def _dear(frames):
    rents = frames["房源"].groupby("小区")["月租"].mean()
    return sorted(rents[rents > 5000].index)


def _points(frames):
    flats = frames["房源"].sort_values("编号")
    return [cell for point in zip(flats["面积"], flats["月租"], strict=True) for cell in point]


ANSWERS = {
    "zh-租房-01": lambda d: sorted(d["房源"].query("月租 <= 3000 and 养宠 == '可'")["编号"]),
    "zh-租房-02": lambda d: d["房源"]["区域"].value_counts()["滨江区"],
    "zh-租房-03": lambda d: d["房源"].nsmallest(1, "月租", keep="all")["小区"].tolist(),
    "zh-租房-04": lambda d: d["房源"].nlargest(2, "看房次数", keep="all")["编号"].tolist(),
    "zh-租房-05": lambda d: d["房源"].groupby("户型")["月租"].mean(),
    "zh-租房-06": _dear,
    "zh-租房-07": lambda d: d["房源"]["面积"].between(60, 80).sum(),
    "zh-租房-08": lambda d: d["房源"]["上架日期"].str[-2:].astype(int).between(25, 31).sum(),
    "zh-租房-09": _points,
    "zh-租房-10": lambda d: len(d["房源"].query("户型 == '两室一厅' and 距地铁米数 <= 500")),
    "zh-租房-11": lambda d: 4450 * (1 + 3),
}
