"""A badminton club: its members, and who booked which court from March to May 2025. Invented (CC0).

python generate.py      # writes 会员.csv and 订场.csv
"""

import csv
import datetime as dt
import random
from pathlib import Path

HERE = Path(__file__).parent
SURNAMES = "钟卞葛狄凌霍柏水窦云戚路倪滕闵席麻强"
GIVEN = "晨 小北 立新 芸 大鹏 佩佩 东升 一凡 美玲 国庆 思思 冬 阿宝 嘉禾 卫红".split()
LEVELS = {"普通": (6, 40), "银卡": (3, 34), "金卡": (2, 28)}  # weight, fee an hour


def write(name, header, table):
    with (HERE / name).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header.split(), *table])


def main():
    dice = random.Random(21)
    names = dice.sample([surname + given for surname in SURNAMES for given in GIVEN], 48)
    members = []
    for number, name in enumerate(names, 1):
        level = dice.choices(list(LEVELS), [weight for weight, _ in LEVELS.values()])[0]
        joined = dt.date(2019, 3, 1) + dt.timedelta(days=int(2190 * dice.random() ** 0.7))
        balance = round(max(0, dice.gauss(320, 260)), 1)
        members.append((f"M{number:03d}", name, dice.choice("男男女"), dice.randint(17, 66), level, joined, balance))
    bookings = []
    for day in (dt.date(2025, 3, 1) + dt.timedelta(days=n) for n in range(92)):
        for _ in range(dice.choices((1, 2, 3, 4, 5), (2, 4, 5, 3, 2))[0] + (2 if day.weekday() > 4 else 0)):
            member = members[int(dice.expovariate(0.07)) % 48]
            hours = dice.choices((1, 2, 3), (5, 6, 1))[0]
            hour = dice.choices((9, 10, 14, 16, 18, 19, 20), (2, 2, 1, 2, 6, 7, 4))[0]
            status = dice.choices(("已使用", "已取消", "爽约"), (20, 3, 1))[0]
            fee = LEVELS[member[4]][1] * hours
            court = f"{dice.choices((1, 2, 3, 4, 5, 6), (5, 4, 4, 3, 2, 2))[0]}号场"
            bookings.append((day, f"{hour:02d}:00", court, member[0], hours, fee, status))
    bookings.sort(key=lambda booking: booking[:3])
    write("会员.csv", "会员号 姓名 性别 年龄 等级 入会日期 余额", members)
    numbered = [(20250000 + number, *booking) for number, booking in enumerate(bookings, 1)]
    write("订场.csv", "订单号 日期 开始时间 场地 会员号 时长 费用 状态", numbered)


if __name__ == "__main__":
    main()
