"""The answers of this folder's questions in pandas: the second means of `verify.py`."""

import pandas as pd


def _staff(frames):
    staff = frames["花名册"].merge(frames["部门"], left_on="部门", right_on="部门名称", validate="many_to_one")
    return staff.assign(since=pd.to_datetime(staff["入职日期"]))


def _of(frames, department):
    return _staff(frames).groupby("部门").get_group(department).sort_values("基本工资", ascending=False)


ANSWERS = {
    "zh-人事-01": lambda d: _staff(d).set_index("工号")["部门"]["YG1046"],
    "zh-人事-02": lambda d: sorted(_staff(d).query("学历 == '博士'")["姓名"]),
    "zh-人事-03": lambda d: _of(d, "财务部")["姓名"].tolist(),
    "zh-人事-04": lambda d: _staff(d).groupby("部门").size(),
    "zh-人事-05": lambda d: _of(d, "技术中心")["基本工资"].sum(),
    "zh-人事-06": lambda d: (_staff(d)["since"].dt.year == 2024).sum(),
    "zh-人事-07": lambda d: (_staff(d)["楼层"] == "4楼").sum(),
    "zh-人事-08": lambda d: _staff(d).nsmallest(1, "since", keep="all")["姓名"].tolist(),
    "zh-人事-09": lambda d: sorted(_of(d, "销售部").query("基本工资 > 10000")["姓名"]),
}
