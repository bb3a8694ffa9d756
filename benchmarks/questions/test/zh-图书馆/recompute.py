"""The answers of this folder's questions in pandas: the second means of `verify.py`."""


def _books(frames):
    return frames["图书"].set_index("书名")


def _loans(frames):
    with_titles = frames["借阅"].merge(frames["图书"], on="图书编号", validate="many_to_one")
    return with_titles.merge(frames["读者"], on="借书证号", validate="many_to_one")


def _kept(frames, name):
    loans = _loans(frames)
    return sorted(loans[loans["归还日期"].isna() & (loans["姓名"] == name)]["书名"])


ANSWERS = {
    "zh-图书馆-01": lambda d: _books(d)["作者"]["断桥雪"],
    "zh-图书馆-02": lambda d: _loans(d)["书名"].value_counts().nlargest(3, keep="all").index,
    "zh-图书馆-03": lambda d: _kept(d, "桑榆"),
    "zh-图书馆-04": lambda d: sorted(title for title in d["图书"]["书名"] if "手" in title),
    "zh-图书馆-05": lambda d: d["图书"].groupby("出版社")["定价"].mean()["青芽出版社"],
    "zh-图书馆-06": lambda d: (d["借阅"]["借出日期"].dt.month == 3).sum(),
    "zh-图书馆-07": lambda d: _books(d).query("出版社 == '大河文艺'")["出版年"].sort_values().index,
    "zh-图书馆-08": lambda d: d["图书"]["类别"].value_counts()["科普"],
    "zh-图书馆-09": lambda d: sorted(d["files"][d["files"].duplicated("text", keep=False)]["name"]),
}
