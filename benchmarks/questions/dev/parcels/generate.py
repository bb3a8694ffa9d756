"""Make the dispatch list of an invented pottery shop in Chinese, May 2025 (CC0).

Messy: a title above the header, weights such as 2.3kg, dates such as 2025.5.3 as text, carriage with a yuan sign, empty
remarks, a last row with the number of parcels. `clean/` has it tidy.
"""

import csv
import datetime as dt
import random
from pathlib import Path

from openpyxl import Workbook

HERE = Path(__file__).parent
HEADER = ["单号", "寄件日期", "收件城市", "快递公司", "重量", "运费", "状态", "备注"]
CITIES = (("上海", 8), ("北京", 7), ("广州", 5), ("成都", 5), ("西安", 3), ("哈尔滨", 1))
CARRIERS = (("迅达", 7), ("远航", 5), ("飞燕", 3))
FAR = {"上海": 1.0, "北京": 1.4, "广州": 1.3, "成都": 1.6, "西安": 1.4, "哈尔滨": 2.1}


def main() -> None:
    dice = random.Random(27)
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "五月"
    sheet.append(["陶然居 2025年5月发货登记"])
    sheet.append(HEADER)
    (HERE / "clean").mkdir(exist_ok=True)
    with (HERE / "clean/发货.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        days = sorted(dt.date(2025, 5, 1) + dt.timedelta(days=dice.randrange(31)) for _ in range(90))
        for number, day in enumerate(days, 1):
            city = dice.choices([name for name, _ in CITIES], [weight for _, weight in CITIES])[0]
            carrier = dice.choices([name for name, _ in CARRIERS], [weight for _, weight in CARRIERS])[0]
            weight = round(dice.lognormvariate(0.6, 0.7), 1) + 0.3
            fare = round((8 + 3.2 * weight) * FAR[city] * (1.15 if carrier == "迅达" else 1), 1)
            status = dice.choices(("已签收", "运输中", "退回", "破损"), (80, 4 + 12 * (day.day > 25), 3, 4))[0]
            note = dice.choice(("易碎", "", "", "加固包装", ""))
            code = f"TR{number:04d}"
            sent, cells = f"{day.year}.{day.month}.{day.day}", (f"{weight:.1f}kg", f"￥{fare:.2f}")
            sheet.append([code, sent, city, carrier, *cells, status, note or None])
            writer.writerow([code, day, city, carrier, f"{weight:.1f}", f"{fare:.2f}", status, note])
        sheet.append(["合计", None, None, None, None, None, f"共{len(days)}件", None])
    book.save(HERE / "发货.xlsx")


if __name__ == "__main__":
    main()
