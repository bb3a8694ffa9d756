"""A family's account book of the first eight months of 2025, as a banking app exports it: three lines above the header,
money in and money out in columns of their own, thousands separators, dates as text, totals at the end. Invented (CC0).

    python generate.py      # writes 家庭账本.xlsx and clean/家庭账本.csv
"""

import csv
import datetime as dt
import random
from pathlib import Path

from openpyxl import Workbook

HERE = Path(__file__).parent
HEADER = "日期 类别 商户 支付方式 收入 支出 备注".split()
SHOPS = {  # category: shops, chance a day, usual amount
    "买菜": (("盒盒生鲜", "东门菜场", "大润家超市"), 0.62, 74),
    "外卖": (("小象外卖",), 0.3, 46),
    "下馆子": (("蜀香园", "海记粥铺", "老灶火锅"), 0.12, 210),
    "交通": (("地铁", "顺风出行"), 0.33, 19),
    "加油": (("城西加油站",), 0.055, 320),
    "孩子": (("小红帽绘本馆", "乐动游泳馆", "博文文具"), 0.09, 260),
    "衣服": (("优选服饰", "大润家超市"), 0.06, 330),
    "看病": (("社区医院", "康民药房"), 0.04, 145),
    "宠物": (("汪汪之家",), 0.03, 188),
}
MONTHLY = [  # day, category, shop, amount
    (1, "房贷", "建安银行", 5263.18),
    (5, "物业", "和园物业", 286),
    (18, "话费宽带", "联讯通信", 158),
]
NOTES = {"孩子": "朵朵", "加油": "95号", "看病": "感冒药", "下馆子": "周末聚餐"}


def rows(dice):
    start, days = dt.date(2025, 1, 1), 243
    for day in (start + dt.timedelta(days=n) for n in range(days)):
        if day.day == 10:
            yield day, "工资", "瑞科公司", "银行卡", 14850.0, None, "爸爸"
        if day.day == 15:
            yield day, "工资", "第三中学", "银行卡", 9120.0, None, "妈妈"
        if (day.month, day.day) == (1, 24):
            yield day, "奖金", "瑞科公司", "银行卡", 32000.0, None, "年终奖"
        if (day.month, day.day) == (1, 29):
            yield day, "红包", "亲戚", "微信", 2600.0, None, "压岁钱"
        for when, category, shop, amount in MONTHLY:
            if day.day == when:
                yield day, category, shop, "银行卡", None, amount, None
        if day.day == 20 and day.month in (1, 3, 5, 7):
            yield day, "水电燃气", "市供电局", "支付宝", None, round(dice.uniform(210, 560), 2), f"{day.month}月"
        for category, (shops, chance, usual) in SHOPS.items():
            if dice.random() < chance:
                amount = round(usual * dice.lognormvariate(0, 0.45), 2)
                pay = dice.choices(("微信", "支付宝", "信用卡"), (5, 4, 2 if amount < 200 else 6))[0]
                note = NOTES.get(category) if dice.random() < 0.4 else None
                yield day, category, dice.choice(shops), pay, None, amount, note
        if (day.month, day.day) == (7, 12):
            yield day, "旅游", "途乐旅行社", "信用卡", None, 12680.0, "青岛五日"


def main():
    table = list(rows(random.Random(8)))
    (HERE / "clean").mkdir(exist_ok=True)
    with (HERE / "clean/家庭账本.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([HEADER, *table])
    book = Workbook()
    sheet = book.active
    sheet.title = "家庭账本"
    sheet.append(["家庭收支明细"])
    sheet.append(["导出时间：2025-09-01 08:12", None, None, None, "单位：元"])
    sheet.append([])
    sheet.append(HEADER)
    for day, *words, income, spent, note in table:
        money = [None if value is None else f"{value:,.2f}" for value in (income, spent)]
        sheet.append([f"{day.year}.{day.month}.{day.day}", *words, *money, note])
    totals = [f"{sum(row[place] or 0 for row in table):,.2f}" for place in (4, 5)]
    sheet.append(["合计", None, None, None, *totals])
    sheet.merge_cells("A1:G1")
    book.save(HERE / "家庭账本.xlsx")


if __name__ == "__main__":
    main()
