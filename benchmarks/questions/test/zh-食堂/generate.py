"""Swipes of staff cards in a company canteen in September 2025, as the till exports them: GBK, with ￥ before every amount
and times without leading zeros. Invented (CC0).

    python generate.py      # writes 食堂刷卡.csv and clean/食堂刷卡.csv
"""

import csv
import datetime as dt
import random
from pathlib import Path

HERE = Path(__file__).parent
STAFF = {
    "丁一帆": "研发部",
    "孟小雨": "研发部",
    "秦朗": "研发部",
    "白露": "市场部",
    "柯文": "市场部",
    "岳阳": "市场部",
    "唐果": "财务部",
    "简宁": "财务部",
    "石磊": "行政部",
    "冯夏": "行政部",
    "江南": "生产部",
    "武松林": "生产部",
    "关山月": "生产部",
}
DISHES = {  # window: dish, price, weight
    "早点": [("豆浆油条", 5.5, 5), ("肉包两个", 5, 6), ("茶叶蛋", 2, 4), ("皮蛋瘦肉粥", 6.5, 4)],
    "面食": [("牛肉面", 16, 7), ("炸酱面", 13, 5), ("番茄鸡蛋面", 11.5, 3)],
    "川菜": [("水煮鱼套餐", 24, 3), ("麻婆豆腐饭", 12, 6), ("回锅肉饭", 17.5, 5)],
    "轻食": [("鸡胸肉沙拉", 22, 4), ("金枪鱼三明治", 15, 3)],
    "清真": [("大盘鸡拌面", 21, 3), ("羊肉泡馍", 19.5, 3)],
}
WEIGHTS = {"面食": 8, "川菜": 9, "轻食": 4, "清真": 4}


def rows(dice):
    number = 20250900
    for day in (dt.date(2025, 9, 1) + dt.timedelta(days=n) for n in range(26)):
        if day.weekday() > 4:
            continue
        swipes = []
        for habit, (name, department) in enumerate(STAFF.items()):
            for hour, chance in (
                (7, 0.2 + 0.04 * (habit % 5)),
                (11, 0.75),
                (17, 0.5 if department == "研发部" else 0.14),
            ):
                if dice.random() < chance:
                    window = "早点" if hour == 7 else dice.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
                    dishes = DISHES[window]
                    dish, price, _ = dice.choices(dishes, [weight for *_, weight in dishes])[0]
                    time = dt.datetime.combine(day, dt.time(hour, 20)) + dt.timedelta(seconds=dice.randrange(6000))
                    swipes.append((time, name, department, window, dish, price))
        for swipe in sorted(swipes):
            number += 1
            yield number, *swipe


def write(path, encoding, table):
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n" if encoding == "gbk" else "\n")
        writer.writerow("流水号 刷卡时间 姓名 部门 窗口 菜品 金额".split())
        writer.writerows(table)


def main():
    table = list(rows(random.Random(91)))
    write(HERE / "clean/食堂刷卡.csv", "utf-8", table)
    messy = [
        (number, f"{t.year}/{t.month}/{t.day} {t.hour}:{t:%M:%S}", *rest, f"￥{price:.2f}")
        for number, t, *rest, price in table
    ]
    write(HERE / "食堂刷卡.csv", "gbk", messy)


if __name__ == "__main__":
    main()
