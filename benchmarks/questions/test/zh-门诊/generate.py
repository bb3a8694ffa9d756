"""A small clinic's database: doctors, patients and their visits from January to June 2025. Invented (CC0).

python generate.py      # writes 诊所.db
"""

import datetime as dt
import random
import sqlite3
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).parent
DOCTORS = [  # number, name, department, title, fee
    (1, "邱明德", "内科", "主任医师", 50),
    (2, "骆春华", "内科", "主治医师", 25),
    (3, "温如玉", "儿科", "副主任医师", 40),
    (4, "沙海涛", "骨科", "主任医师", 50),
    (5, "易安然", "皮肤科", "主治医师", 25),
    (6, "乔牧之", "中医科", "副主任医师", 40),
]
ILLS = {
    "内科": ("高血压", "感冒", "胃炎", "糖尿病", "支气管炎"),
    "儿科": ("感冒", "手足口病", "腹泻", "支气管炎"),
    "骨科": ("腰椎间盘突出", "骨折", "关节炎"),
    "皮肤科": ("湿疹", "荨麻疹", "痤疮"),
    "中医科": ("失眠", "颈椎病", "胃炎"),
}
SURNAMES = "方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹"
GIVEN = "建平 秀珍 国栋 小满 丽萍 子轩 桂英 浩宇 雅琴 俊峰 玉兰 佳宁 德顺 可可 文斌 美凤 天佑 淑华 志强 乐乐".split()


def main():
    dice = random.Random(62)
    patients = []
    for number in range(1, 61):
        name = dice.choice(SURNAMES) + dice.choice(GIVEN)
        while name in {patient[1] for patient in patients}:
            name = dice.choice(SURNAMES) + dice.choice(GIVEN)
        born = dt.date(1940, 1, 1) + dt.timedelta(days=dice.randrange(30600))
        cover = dice.choices(("职工医保", "居民医保", "自费"), (5, 4, 2))[0]
        district = dice.choices(("河东", "河西", "新城", "南郊"), (5, 4, 3, 1))[0]
        patients.append((number, name, dice.choice("男女"), born.isoformat(), cover, district))
    visits = []
    for _ in range(310):
        patient = patients[min(59, int(dice.expovariate(0.06)))]
        child = patient[3] > "2012"
        doctor = DOCTORS[2] if child else dice.choices(DOCTORS, (7, 9, 0, 4, 4, 5))[0]
        day = dt.date(2025, 1, 2) + dt.timedelta(days=dice.randrange(178))
        medicine = round(dice.lognormvariate(4.4, 0.7), 1) if dice.random() < 0.86 else 0.0
        again = dice.choice("是否否否")
        visits.append(
            (day.isoformat(), patient[0], doctor[0], dice.choice(ILLS[doctor[2]]), doctor[4], medicine, again)
        )
    visits.sort()
    path = HERE / "诊所.db"
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(
            "CREATE TABLE 医生 (医生编号 INTEGER PRIMARY KEY, 姓名 TEXT, 科室 TEXT, 职称 TEXT, 诊费 REAL);"
            "CREATE TABLE 患者 (病历号 INTEGER PRIMARY KEY, 姓名 TEXT, 性别 TEXT, 出生日期 DATE, 医保 TEXT, 片区 TEXT);"
            "CREATE TABLE 就诊 (就诊号 INTEGER PRIMARY KEY, 日期 DATE, 病历号 INTEGER REFERENCES 患者, 医生编号 INTEGER"
            " REFERENCES 医生, 诊断 TEXT, 诊费 REAL, 药费 REAL, 复诊 TEXT);"
        )
        connection.executemany("INSERT INTO 医生 VALUES (?, ?, ?, ?, ?)", DOCTORS)
        connection.executemany("INSERT INTO 患者 VALUES (?, ?, ?, ?, ?, ?)", patients)
        numbered = [(number, *visit) for number, visit in enumerate(visits, 1)]
        connection.executemany("INSERT INTO 就诊 VALUES (?, ?, ?, ?, ?, ?, ?, ?)", numbered)


if __name__ == "__main__":
    main()
