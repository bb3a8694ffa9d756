"""A trip through Yunnan in October 2025, in one workbook: where four people slept and what they spent. Invented (CC0).

python generate.py      # writes 云南旅行.xlsx
"""

import datetime as dt
import random
from pathlib import Path

from openpyxl import Workbook

HERE = Path(__file__).parent
NIGHTS = [  # city, lodging, nights, price of a night, rooms
    ("昆明", "翠湖边客栈", 2, 268, 2),
    ("大理", "洱海月民宿", 3, 420, 2),
    ("沙溪", "马店小院", 1, 238, 2),
    ("丽江", "古城听雨楼", 2, 358, 2),
    ("香格里拉", "独克宗雪山居", 2, 486, 2),
]
SPENDING = {  # kind: chance a day, usual amount, what for
    "餐饮": (2.4, 165, ("过桥米线", "菌子火锅", "乳扇和烤饵块", "酥油茶和牦牛肉", "早餐")),
    "交通": (0.9, 240, ("包车", "打车", "加油", "动车票")),
    "门票": (0.5, 310, ("雪山索道", "古镇博物馆", "国家公园")),
    "购物": (0.45, 280, ("鲜花饼", "银手镯", "扎染布", "普洱茶")),
}
PEOPLE = ("阿南", "小鹿", "豆子", "老周")


def main():
    dice = random.Random(1010)
    book = Workbook()
    stays = book.active
    stays.title = "住宿"
    stays.append("入住日期 城市 酒店 晚数 每晚房价 房间数".split())
    spent = book.create_sheet("花费")
    spent.append("日期 城市 类别 说明 金额 付款人".split())
    day = dt.date(2025, 10, 9)
    for city, lodging, nights, price, rooms in NIGHTS:
        stays.append([day, city, lodging, nights, price, rooms])
        for _ in range(nights):
            for kind, (times, usual, what) in SPENDING.items():
                for _ in range(int(times + dice.random())):
                    amount = round(usual * dice.lognormvariate(0, 0.5))
                    payer = dice.choices(PEOPLE, (6, 4, 3, 2))[0]
                    spent.append([day, city, kind, dice.choice(what), amount, payer])
            day += dt.timedelta(days=1)
    for sheet in book.worksheets:
        for cell in sheet["A"][1:]:
            cell.number_format = "yyyy-mm-dd"
    book.save(HERE / "云南旅行.xlsx")


if __name__ == "__main__":
    main()
