"""The answers of this folder's questions in pandas: the second means of `verify.py`."""


def _exam(frames, exam="期末"):
    marks = frames["初二3班成绩"]
    return marks[marks["考试"] == exam]


def _mark(frames, name, exam, subject, sex):
    exams = _exam(frames, exam)
    return exams[(exams["姓名"] == name) & (exams["性别"] == sex)][subject].item()


ANSWERS = {
    "zh-成绩-01": lambda d: _mark(d, "宋子墨", "期末", "数学", "男"),
    "zh-成绩-02": lambda d: _exam(d, "期中")["英语"].dropna().mean(),
    "zh-成绩-03": lambda d: _exam(d).nlargest(3, "语文", keep="all")["姓名"].tolist(),
    "zh-成绩-04": lambda d: _mark(d, "刘洋", "期中", "英语", "女"),
    "zh-成绩-05": lambda d: (_exam(d)["物理"] < 60).sum(),
    "zh-成绩-06": lambda d: _mark(d, "梁晓彤", "期末", "数学", "女") - _mark(d, "梁晓彤", "期中", "数学", "女"),
    "zh-成绩-07": lambda d: sorted(_exam(d).query("英语 > 110")["姓名"]),
    "zh-成绩-08": lambda d: _exam(d, "期中").groupby("小组")["数学"].mean().nsmallest(1, keep="all").index,
    "zh-成绩-09": lambda d: _exam(d)["数学"].min(),
    "zh-成绩-10": lambda d: sorted(_exam(d)["数学"].dropna()),
}
