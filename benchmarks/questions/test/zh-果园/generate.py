"""An orchard's picking book of summer and autumn 2025, kept by hand in Excel: units inside the cells (公斤 and 元), dates
such as 7月3日 with the year only in the title, an empty line between months. Invented (CC0).

    python generate.py      # writes 采摘记录.xlsx and clean/采摘记录.csv
"""

import csv
import datetime as dt
import random
from pathlib import Path

from openpyxl import Workbook

HERE = Path(__file__).parent
HEADER = "日期 地块 果品 采摘人 重量 单价 买家 天气".split()
FRUIT = {  # kind: first day, last day, plots, kilograms a day, price a kilogram
    "黄桃": ((6, 28), (8, 5), ("南坡", "水塘边"), 120, 7.5),
    "李子": ((6, 20), (7, 20), ("水塘边",), 60, 5.2),
    "葡萄": ((8, 1), (9, 12), ("大棚", "东坡"), 85, 11.0),
    "翠冠梨": ((7, 15), (8, 25), ("北坡", "东坡"), 150, 4.6),
    "柿子": ((9, 25), (10, 28), ("南坡", "北坡"), 95, 3.8),
}
PICKERS = ("老马", "春兰", "阿贵", "小宋", "凤霞")
BUYERS = ("镇上水果店", "鲜达批发", "游客采摘", "社区团购")


def rows(dice):
    for day in (dt.date(2025, 6, 20) + dt.timedelta(days=n) for n in range(131)):
        weather = dice.choices(("晴", "多云", "小雨"), (5, 4, 2))[0]
        for fruit, (first, last, plots, usual, price) in FRUIT.items():
            if first <= (day.month, day.day) <= last and dice.random() < (0.2 if weather == "小雨" else 0.62):
                weight = round(usual * dice.lognormvariate(0, 0.4) * 2) / 2
                buyer = dice.choices(BUYERS, (4, 6, 2, 3))[0]
                asked = round(price * {"游客采摘": 1.8, "鲜达批发": 0.85}.get(buyer, 1) * dice.uniform(0.92, 1.1), 1)
                picker = dice.choices(PICKERS, (7, 6, 4, 3, 2))[0]
                yield day, dice.choice(plots), fruit, picker, weight, asked, buyer, weather


def main():
    table = list(rows(random.Random(17)))
    (HERE / "clean").mkdir(exist_ok=True)
    with (HERE / "clean/采摘记录.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([HEADER, *table])
    book = Workbook()
    sheet = book.active
    sheet.title = "采摘记录"
    sheet.append(["2025年果园采摘记录"])
    sheet.append(HEADER)
    month = table[0][0].month
    for day, plot, fruit, picker, weight, price, buyer, weather in table:
        if day.month != month:
            sheet.append([])
            month = day.month
        cells = (f"{weight:g}公斤", f"{price:g}元/公斤")
        sheet.append([f"{day.month}月{day.day}日", plot, fruit, picker, *cells, buyer, weather])
    book.save(HERE / "采摘记录.xlsx")


if __name__ == "__main__":
    main()
