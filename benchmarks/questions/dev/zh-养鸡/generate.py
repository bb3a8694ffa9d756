"""The day book of a chicken farm with three houses, March and April 2025: a title, units in the cells (枚, 公斤), dates such
as 3月1日 with the year in the title only. Invented (CC0).

    python generate.py      # writes 养鸡日志.xlsx and clean/养鸡日志.csv
"""

import csv
import datetime as dt
import random
from pathlib import Path

from openpyxl import Workbook

HERE = Path(__file__).parent
HEADER = "日期 鸡舍 存栏 产蛋 饲料 死亡 记录人 备注".split()
LAYING = {"一号舍": 0.86, "二号舍": 0.79, "三号舍": 0.9}
NOTES = ("停电两小时", "换料", "打疫苗", "清粪", "兽医来看过")


def rows(dice):
    flock = {"一号舍": 480, "二号舍": 455, "三号舍": 310}
    for day in (dt.date(2025, 3, 1) + dt.timedelta(days=n) for n in range(61)):
        for house, laying in LAYING.items():
            dead = dice.choices((0, 1, 2, 5), (80, 12, 4, 0.6))[0]
            flock[house] -= dead
            rate = laying - (0.1 if day > dt.date(2025, 4, 20) else 0)
            eggs = round(flock[house] * rate * dice.uniform(0.95, 1.04))
            feed = round(flock[house] * dice.uniform(0.108, 0.122), 1)
            who = dice.choices(("宝珍", "老董", "小杜"), (5, 4, 2))[0]
            yield day, house, flock[house], eggs, feed, dead, who, dice.choice(NOTES) if dice.random() < 0.12 else None


def main():
    table = list(rows(random.Random(314)))
    (HERE / "clean").mkdir(exist_ok=True)
    with (HERE / "clean/养鸡日志.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([HEADER, *table])
    book = Workbook()
    sheet = book.active
    sheet.title = "养鸡日志"
    sheet.append(["2025年春季养鸡日志"])
    sheet.append(HEADER)
    for day, house, flock, eggs, feed, *rest in table:
        sheet.append([f"{day.month}月{day.day}日", house, flock, f"{eggs}枚", f"{feed:g}公斤", *rest])
    sheet.merge_cells("A1:H1")
    book.save(HERE / "养鸡日志.xlsx")


if __name__ == "__main__":
    main()
