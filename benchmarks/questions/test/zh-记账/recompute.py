"""The answers of this folder's questions in pandas: the second means of `verify.py`."""


def _book(frames):
    return frames["家庭账本"].assign(month=lambda d: d["日期"].str[:7])


def _spent(frames, by):
    return _book(frames).groupby(by)["支出"].sum()


def _where(frames, **cells):
    book = _book(frames)
    for column, cell in cells.items():
        book = book[book[column] == cell]
    return book


ANSWERS = {
    "zh-记账-01": lambda d: _spent(d, "类别")["买菜"],
    "zh-记账-02": lambda d: _spent(d, "month").nlargest(1, keep="all").index,
    "zh-记账-03": lambda d: len(_where(d, 类别="外卖")),
    "zh-记账-04": lambda d: _spent(d, "类别").nlargest(4, keep="all").index,
    "zh-记账-05": lambda d: 100 * _spent(d, "支付方式")["信用卡"] / _spent(d, "支付方式").sum(),
    "zh-记账-06": lambda d: d["家庭账本"]["收入"].sum() - d["家庭账本"]["支出"].sum(),
    "zh-记账-07": lambda d: sorted(_where(d, 备注="朵朵").query("支出 > 300")["商户"].unique()),
    "zh-记账-08": lambda d: _where(d, 类别="加油").groupby("month")["支出"].sum().loc[:"2025-06"],
    "zh-记账-09": lambda d: _where(d, 类别="下馆子").groupby("商户")["支出"].sum(),
    "zh-记账-11": lambda d: (
        d["files"]["name"].str.endswith(".jpg") & d["files"]["modified"].str.startswith("2025-06")
    ).sum(),
}
