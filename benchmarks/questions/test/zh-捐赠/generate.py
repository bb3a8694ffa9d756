"""Gifts to a rural school's fund in 2024 and the first half of 2025, a list kept by several hands: dates in three formats,
amounts with and without separators or 元, gifts of goods without an amount, a line of totals at the end. Invented (CC0).

    python generate.py      # writes 捐款名单.csv and clean/捐款名单.csv
"""

import csv
import datetime as dt
import random
from pathlib import Path

HERE = Path(__file__).parent
HEADER = "序号 捐赠人 类型 金额 日期 方式 用途 回执".split()
COMPANIES = ("明远建材公司", "百味食品公司", "青禾书店", "大江物流公司", "同心诊所")
PEOPLE = "单先生 毕女士 匿名 应老师 2003届校友 边先生 匿名 车女士 卜女士 匿名 仲老师 祁先生 2011届校友 冉女士".split()
USES = {"图书": 6, "奖学金": 5, "校舍维修": 3, "营养午餐": 7}


def rows(dice):
    days = sorted(dt.date(2024, 1, 8) + dt.timedelta(days=dice.randrange(535)) for _ in range(128))
    for number, day in enumerate(days, 1):
        firm = dice.random() < 0.2
        giver = dice.choice(COMPANIES) if firm else dice.choice(PEOPLE)
        amount = (
            dice.choice((3000, 5000, 8000, 10000, 20000, 36000))
            if firm
            else dice.choice((50, 100, 100, 200, 300, 500, 666, 1000))
        )
        amount = amount + dice.choice((0, 0, 0, 0, 20, 88, 0.5))
        way = dice.choices(("银行转账", "微信", "现金"), (8, 1, 0) if firm else (2, 7, 2))[0]
        use = dice.choices(list(USES), list(USES.values()))[0]
        if dice.random() < 0.07:
            amount, way, use = None, "实物", "图书"
        receipt = "有" if firm or dice.random() < 0.45 else "无"
        yield number, giver, "单位" if firm else "个人", amount, day, way, use, receipt


def scribble(number, amount, day):
    """The amount and the date in the way of whoever wrote that line."""
    hand = number // 9 % 3
    date = (day.isoformat(), f"{day.year}.{day.month}.{day.day}", f"{day.year}年{day.month}月{day.day}日")[hand]
    if amount is None:
        return "/", date
    return (f"{amount:.2f}", f"{amount:,.2f}", f"{amount:g}元")[hand], date


def write(path, table):
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([HEADER, *table])


def main():
    table = list(rows(random.Random(13)))
    write(HERE / "clean/捐款名单.csv", table)
    messy = []
    for number, giver, sort, amount, day, *rest in table:
        shown, date = scribble(number, amount, day)
        messy.append([number, giver, sort, shown, date, *rest])
    messy.append(["合计", "", "", f"{sum(row[3] or 0 for row in table):,.2f}", "", "", "", ""])
    write(HERE / "捐款名单.csv", messy)


if __name__ == "__main__":
    main()
