"""The answers of this folder's questions in pandas: the second means of `verify.py`."""


def _visits(frames):
    return frames["就诊"].merge(frames["医生"], on="医生编号", suffixes=("", "_医生"), validate="many_to_one")


def _ills(frames):
    return frames["就诊"]["诊断"].value_counts()


ANSWERS = {
    "zh-门诊-01": lambda d: _visits(d)["姓名"].value_counts()["温如玉"],
    "zh-门诊-02": lambda d: _visits(d).groupby("科室")["药费"].sum().nlargest(1, keep="all").index,
    "zh-门诊-03": lambda d: d["就诊"]["病历号"].nunique(),
    "zh-门诊-04": lambda d: d["医生"].set_index("科室")["姓名"]["骨科"],
    "zh-门诊-05": lambda d: sorted(d["医生"].query("诊费 == 50")["姓名"]),
    "zh-门诊-06": lambda d: sorted(_ills(d)[_ills(d) > 20].index),
    "zh-门诊-07": lambda d: d["就诊"]["日期"].str.startswith("2025-05").sum(),
    "zh-门诊-08": lambda d: d["患者"].sort_values("出生日期")["姓名"].iloc[0],
    "zh-门诊-09": lambda d: 100 * d["就诊"]["复诊"].eq("是").mean(),
    "zh-门诊-10": lambda d: d["患者"]["医保"].value_counts(),
}
