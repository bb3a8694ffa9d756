"""A village library in one workbook: its books, its readers and the loans of the first half of 2025. Invented (CC0).

python generate.py      # writes 图书馆.xlsx
"""

import datetime as dt
import random
from pathlib import Path

from openpyxl import Workbook

HERE = Path(__file__).parent
BOOKS = [  # title, author, class, publisher, year, price, copies
    ("稻田里的星星", "穆青禾", "儿童文学", "青芽出版社", 2019, 29.8, 4),
    ("会飞的灶台", "穆青禾", "儿童文学", "青芽出版社", 2021, 32.0, 3),
    ("小水獭找家", "安迪", "绘本", "青芽出版社", 2022, 45.0, 5),
    ("月亮磨坊", "安迪", "绘本", "蓝桥书局", 2018, 42.0, 2),
    ("北风客栈", "燕三省", "武侠小说", "大河文艺", 2006, 38.5, 3),
    ("断桥雪", "燕三省", "武侠小说", "大河文艺", 2009, 36.0, 2),
    ("铁衣", "燕三省", "武侠小说", "大河文艺", 2014, 49.0, 2),
    ("第七个证人", "傅寒生", "推理小说", "蓝桥书局", 2016, 39.9, 3),
    ("雾港疑案", "傅寒生", "推理小说", "蓝桥书局", 2020, 46.8, 3),
    ("果树修剪百问", "农技站编", "农业", "田园科技", 2011, 18.0, 6),
    ("土鸡散养手册", "农技站编", "农业", "田园科技", 2015, 22.5, 4),
    ("温室番茄栽培", "尚德全", "农业", "田园科技", 2018, 35.0, 2),
    ("家常川菜一百道", "辛小椒", "生活", "味道书社", 2013, 42.8, 3),
    ("老人用手机", "辛小椒", "生活", "味道书社", 2020, 26.0, 5),
    ("唐朝的一天", "史可鉴", "历史", "大河文艺", 2012, 58.0, 2),
    ("运河两岸", "史可鉴", "历史", "蓝桥书局", 2017, 68.0, 1),
    ("趣味数学八十课", "陶理", "科普", "青芽出版社", 2010, 33.0, 3),
    ("身边的昆虫", "陶理", "科普", "青芽出版社", 2023, 55.0, 2),
]
READERS = """桑榆 教师 明月村|卓玛 学生 柳河村|宫小勇 学生 明月村|鲍春生 农民 柳河村
褚红 农民 石桥村|阮文静 教师 石桥村|荣大爷 退休 明月村|池田田 学生 石桥村
项前 农民 明月村|盛夏 学生 柳河村|甘露 个体户 柳河村|费先生 退休 石桥村"""


def main():
    dice = random.Random(44)
    book = Workbook()
    titles = book.active
    titles.title = "图书"
    titles.append("图书编号 书名 作者 类别 出版社 出版年 定价 馆藏册数".split())
    for number, row in enumerate(BOOKS, 101):
        titles.append([f"B{number}", *row])
    readers = book.create_sheet("读者")
    readers.append("借书证号 姓名 身份 村 办证日期".split())
    people = [line.split() for line in READERS.replace("\n", "|").split("|")]
    for number, person in enumerate(people, 1):
        readers.append([f"R{number:02d}", *person, dt.date(2021, 5, 1) + dt.timedelta(days=dice.randrange(1200))])
    loans = book.create_sheet("借阅")
    loans.append("借阅号 借书证号 图书编号 借出日期 归还日期".split())
    days = sorted(dt.date(2025, 1, 3) + dt.timedelta(days=dice.randrange(176)) for _ in range(140))
    for number, day in enumerate(days, 1):
        reader = min(11, int(dice.expovariate(0.2)))
        title = dice.choices(range(18), (9, 7, 10, 3, 8, 5, 4, 7, 9, 3, 6, 2, 4, 2, 5, 1, 3, 6))[0]
        back = day + dt.timedelta(days=dice.choices((dice.randint(3, 30), dice.randint(31, 58)), (5, 1))[0])
        back = None if back > dt.date(2025, 6, 30) else back
        loans.append([number, f"R{reader + 1:02d}", f"B{title + 101}", day, back])
    for sheet in book.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                if isinstance(cell.value, dt.date):
                    cell.number_format = "yyyy-mm-dd"
    book.save(HERE / "图书馆.xlsx")


if __name__ == "__main__":
    main()
