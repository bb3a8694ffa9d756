"""Make the sales of an invented chain of three tea and coffee shops in Chinese, May and June 2025 (CC0).

Messy: the file is in GBK, its dates read 2025年5月1日, some remarks are empty. `clean/` has it in UTF-8 with ISO dates.
"""

import csv
import datetime as dt
import random
from pathlib import Path

HERE = Path(__file__).parent
HEADER = "日期 门店 品名 类别 数量 单价 金额 支付方式 会员".split()
SHOPS = (("滨江店", 9), ("大学城店", 7), ("老街店", 4))
DRINKS = {  # name: kind, price, weight
    "拿铁": ("咖啡", 24, 16),
    "美式": ("咖啡", 18, 14),
    "手冲瑰夏": ("咖啡", 48, 3),
    "茉莉奶绿": ("奶茶", 17, 13),
    "杨枝甘露": ("果茶", 22, 9),
    "柠檬红茶": ("果茶", 15, 8),
    "桂花乌龙": ("纯茶", 16, 6),
    "巴斯克蛋糕": ("甜点", 29, 6),
    "可颂": ("甜点", 13, 7),
}
PAYMENTS = (("微信", 11), ("支付宝", 8), ("现金", 1), ("银行卡", 2))


def main() -> None:
    dice = random.Random(52)
    (HERE / "clean").mkdir(exist_ok=True)
    with (
        (HERE / "营业.csv").open("w", encoding="gbk", newline="") as messy,
        (HERE / "clean/营业.csv").open("w", encoding="utf-8", newline="") as tidy,
    ):
        raw, clean = csv.writer(messy), csv.writer(tidy, lineterminator="\n")
        raw.writerow(HEADER)
        clean.writerow(HEADER)
        for day in sorted(dt.date(2025, 5, 1) + dt.timedelta(days=dice.randrange(61)) for _ in range(320)):
            shop = dice.choices([name for name, _ in SHOPS], [weight for _, weight in SHOPS])[0]
            drink = dice.choices(list(DRINKS), [weight for *_, weight in DRINKS.values()])[0]
            kind, price, _ = DRINKS[drink]
            cups = dice.choices((1, 2, 3, 4, 6, 10), (40, 30, 12, 8, 4, 1))[0]
            pay = dice.choices([name for name, _ in PAYMENTS], [weight for _, weight in PAYMENTS])[0]
            member = dice.choice(("是", "否", "否"))
            rest = [shop, drink, kind, cups, price, cups * price, pay, member]
            raw.writerow([f"{day.year}年{day.month}月{day.day}日", *rest])
            clean.writerow([day, *rest])


if __name__ == "__main__":
    main()
