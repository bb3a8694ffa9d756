"""The answers of this folder's questions in pandas: the second means of `verify.py`."""


def _plays(frames):
    return frames["plays"].merge(frames["albums"], on="album_id", validate="many_to_one")


def _often(frames):
    times = _plays(frames).query("listener == '我'")["title"].value_counts()
    return sorted(times[times >= 10].index)


ANSWERS = {
    "zh-唱片-01": lambda d: _plays(d)["title"].mode().tolist(),
    "zh-唱片-02": lambda d: d["albums"]["format"].value_counts()["LP"],
    "zh-唱片-03": lambda d: sorted(d["albums"].query("artist == '黑砖乐队'")["title"]),
    "zh-唱片-04": lambda d: d["albums"].set_index("title")["artist"]["沙漠电台"],
    "zh-唱片-05": lambda d: d["albums"].nlargest(3, "price_paid", keep="all")["title"].tolist(),
    "zh-唱片-06": lambda d: d["albums"].groupby("genre")["price_paid"].mean()["jazz"],
    "zh-唱片-07": lambda d: _plays(d).groupby(["listener", "genre"]).size()["小棠", "rock"],
    "zh-唱片-08": lambda d: d["albums"]["format"].value_counts(),
    "zh-唱片-09": lambda d: (d["albums"]["year"] // 10 == 199).sum(),
    "zh-唱片-10": _often,
}
