"""The stock list of a hardware shop of 68 articles in August 2025: quantities with their unit, prices with ¥, dates such
as 25.7.8, empty lines, ／ where a cell is unknown. Invented (CC0).

    python generate.py      # writes 库存表.csv and clean/库存表.csv
"""

import csv
import datetime as dt
import random
from pathlib import Path

HERE = Path(__file__).parent
HEADER = "货号 品名 类别 货架 数量 安全库存 进价 供应商 上次进货".split()
GOODS = {  # kind: shelf, supplier, goods and usual price
    "紧固件": (
        "A",
        "永固五金",
        "六角螺栓 0.6|自攻螺丝 0.2|膨胀螺栓 1.5|不锈钢螺母 0.4|平垫圈 0.1|铆钉 0.3|吊环螺钉 3.2|螺纹套 0.9",
    ),
    "手动工具": (
        "B",
        "匠心工具",
        "羊角锤 28|活动扳手 35|老虎钳 24|十字螺丝刀 9.5|卷尺 15|美工刀 6.8|水平尺 42|钢锯 31",
    ),
    "电动工具": ("C", "匠心工具", "手电钻 268|角磨机 235|电锤 496|热风枪 128|曲线锯 312|电动螺丝刀 159"),
    "水暖": ("D", "清源水暖", "铜球阀 22|软管 12.5|生料带 1.2|角阀 18|水龙头 56|地漏 33|PPR弯头 2.6|PPR三通 3.4"),
    "电料": (
        "E",
        "华灯电器",
        "空气开关 26|五孔插座 11|LED灯泡 8.8|电工胶布 2.5|接线端子 0.7|网线 1.8|灯座 4.2|配电箱 88",
    ),
    "油漆": ("F", "彩虹涂料", "白乳胶 16|防锈漆 45|清漆 52|滚筒刷 13|稀释剂 22|腻子粉 36|砂纸 1.1|玻璃胶 14"),
}
SIZES = ("大号", "小号")


def main():
    dice = random.Random(88)
    table, number = [], 1000
    for kind, (shelf, supplier, goods) in GOODS.items():
        for entry in goods.split("|"):
            name, price = entry.rsplit(" ", 1)
            for size in SIZES if dice.random() < 0.4 else ("",):
                number += 1
                dear = float(price) * (1.6 if size == "大号" else 1)
                least = max(2, round(300 / (2 + dear)) // 5 * 5)
                count = int(least * dice.lognormvariate(0.5, 0.7))
                day = dt.date(2025, 8, 20) - dt.timedelta(days=int(dice.expovariate(0.016)))
                last = None if dice.random() < 0.06 else day
                place = f"{shelf}{dice.randint(1, 4)}"
                article = f"{name}（{size}）" if size else name
                table.append((f"H{number}", article, kind, place, count, least, round(dear, 2), supplier, last))
    (HERE / "clean").mkdir(exist_ok=True)
    with (HERE / "clean/库存表.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([HEADER, *table])
    with (HERE / "库存表.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        for place, (article, name, kind, shelf, count, least, price, supplier, day) in enumerate(table):
            if place and kind != table[place - 1][2]:
                writer.writerow([""] * len(HEADER))
            date = f"{day:%y}.{day.month}.{day.day}" if day else "／"
            unit = "台" if kind == "电动工具" else "件"
            writer.writerow((article, name, kind, shelf, f"{count}{unit}", least, f"¥{price:.2f}", supplier, date))


if __name__ == "__main__":
    main()
