"""The job book of a car repair shop, 2024 and 2025: dates such as 2025年3月8日, costs such as 1,250元, kilometres such as
8.6万公里. Invented (CC0).

    python generate.py      # writes 维修台账.csv and clean/维修台账.csv
"""

import csv
import datetime as dt
import random
from pathlib import Path

HERE = Path(__file__).parent
HEADER = "工单号 进厂日期 车牌 品牌 项目 技师 工时费 配件费 里程 出厂日期 备注".split()
JOBS = {  # job: weight, labour, parts
    "小保养": (12, 120, 280),
    "大保养": (5, 300, 900),
    "换轮胎": (5, 80, 1350),
    "刹车片": (5, 150, 420),
    "钣金喷漆": (6, 600, 350),
    "空调维修": (4, 260, 380),
    "变速箱维修": (1.3, 1800, 4200),
    "电瓶更换": (4, 50, 560),
    "四轮定位": (3, 180, 0),
}
BRANDS = {"大众": 6, "丰田": 5, "比亚迪": 5, "五菱": 4, "本田": 4, "奥迪": 2}
MECHANICS = {"祝师傅": 7, "老田": 6, "小彭": 4, "阿辉": 3}
NOTES = ("客户自带配件", "保险理赔", "返修免工时", "等配件", None, None, None, None, None, None)


def rows(dice):
    cars = []
    for number in range(70):
        plate = f"渝{dice.choice('ABDF')}{dice.choice('QWHK')}{dice.randrange(1000, 9999)}"
        cars.append((plate, dice.choices(list(BRANDS), list(BRANDS.values()))[0], dice.uniform(0.4, 19), number))
    days = sorted(dt.date(2024, 1, 4) + dt.timedelta(days=dice.randrange(710)) for _ in range(185))
    for number, day in enumerate(days, 1):
        plate, brand, distance, _ = cars[min(69, int(dice.expovariate(0.045)))]
        job = dice.choices(list(JOBS), [weight for weight, *_ in JOBS.values()])[0]
        _, labour, parts = JOBS[job]
        dear = 1.7 if brand == "奥迪" else 1
        note = dice.choice(NOTES)
        labour = 0 if note == "返修免工时" else round(labour * dear * dice.uniform(0.8, 1.3) / 10) * 10
        parts = 0 if note == "客户自带配件" else round(parts * dear * dice.uniform(0.75, 1.35))
        kilometres = round((distance + (day - dt.date(2024, 1, 1)).days / 365 * 1.5) * 1000) * 10
        stay = dice.choices((0, 1, 2, 5, 9), (9, 4, 2, 1, 1 if labour > 500 else 0))[0]
        mechanic = dice.choices(list(MECHANICS), list(MECHANICS.values()))[0]
        out = day + dt.timedelta(days=stay)
        yield f"WX{number:04d}", day, plate, brand, job, mechanic, labour, parts, kilometres, out, note


def write(path, table):
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([HEADER, *table])


def chinese(day):
    return f"{day.year}年{day.month}月{day.day}日"


def main():
    table = list(rows(random.Random(29)))
    write(HERE / "clean/维修台账.csv", table)
    messy = [
        (
            number,
            chinese(day),
            *words,
            f"{labour:,}元",
            f"{parts:,}元",
            f"{km / 10000:g}万公里",
            chinese(out),
            note or "无",
        )
        for number, day, *words, labour, parts, km, out, note in table
    ]
    write(HERE / "维修台账.csv", messy)


if __name__ == "__main__":
    main()
