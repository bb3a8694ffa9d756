"""Orders of a milk tea shop in three weeks of July 2025, as its till exports them: GBK, amounts such as ￥26.00, totals at
the end, - where no sugar was asked for. Invented (CC0).

    python generate.py      # writes 奶茶订单.csv and clean/奶茶订单.csv
"""

import csv
import datetime as dt
import random
from pathlib import Path

HERE = Path(__file__).parent
HEADER = "订单号 下单时间 渠道 饮品 杯型 糖度 杯数 实付".split()
DRINKS = {  # drink: price, weight
    "珍珠奶茶": (13, 9),
    "芋泥波波": (17, 6),
    "杨枝甘露": (19, 7),
    "茉莉绿茶": (9, 4),
    "柠檬红茶": (10, 4),
    "桂花乌龙": (14, 3),
    "抹茶拿铁": (18, 2),
}


def rows(dice):
    begin, times = dt.date(2025, 7, 7), []
    for day in (begin + dt.timedelta(days=n) for n in range(21)):
        for _ in range(dice.randint(9, 15) + (7 if day.weekday() > 4 else 0)):
            hour = dice.choices(range(10, 22), (1, 2, 4, 3, 6, 7, 5, 3, 3, 5, 6, 2))[0]
            times.append(dt.datetime.combine(day, dt.time(hour, dice.randrange(60), dice.randrange(60))))
    for number, time in enumerate(sorted(times), 1):
        drink = dice.choices(list(DRINKS), [weight for _, weight in DRINKS.values()])[0]
        size = dice.choices(("中杯", "大杯"), (5, 4))[0]
        sugar = dice.choices(("全糖", "七分糖", "五分糖", "无糖", None), (2, 4, 5, 2, 1))[0]
        cups = dice.choices((1, 2, 3, 4, 6), (12, 6, 2, 1, 0.5))[0]
        way = dice.choices(("堂食", "自提", "外卖"), (4, 3, 5))[0]
        paid = cups * (DRINKS[drink][0] + (3 if size == "大杯" else 0)) - dice.choices((0, 2, 5), (6, 2, 1))[0]
        yield f"NC{number:04d}", time, way, drink, size, sugar, cups, float(paid)


def write(path, encoding, table):
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([HEADER, *table])


def main():
    table = list(rows(random.Random(707)))
    write(HERE / "clean/奶茶订单.csv", "utf-8", table)
    messy = [
        (number, f"{time.year}/{time.month}/{time.day} {time:%H:%M}", *rest, sugar or "-", cups, f"￥{paid:,.2f}")
        for number, time, *rest, sugar, cups, paid in table
    ]
    messy.append(("合计", "", "", "", "", "", sum(row[-2] for row in table), f"￥{sum(row[-1] for row in table):,.2f}"))
    write(HERE / "奶茶订单.csv", "gbk", messy)


if __name__ == "__main__":
    main()
