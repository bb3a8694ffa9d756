"""Make the expense sheet of an invented engineering office with headings in Chinese and English, spring 2025 (CC0).

Messy: a title above the header, amounts as text with a yuan sign and thousands commas, dates as text with slashes, notes in
both languages, a total row at the foot. `clean/` has it tidy.
"""

import csv
import datetime as dt
import random
from pathlib import Path

from openpyxl import Workbook

HERE = Path(__file__).parent
HEADER = ["日期 Date", "员工 Employee", "城市 City", "类别 Category", "金额 Amount", "备注 Note"]
PEOPLE = (("Tang Moyan", 6), ("Gu Ruoxi", 5), ("Elena Varga", 4), ("Marco Bellini", 3))
CITIES = (("上海 Shanghai", 7), ("深圳 Shenzhen", 5), ("成都 Chengdu", 3), ("新加坡 Singapore", 2))
CATEGORIES = {  # category: usual yuan, weight
    "机票 Flight": (1450, 5),
    "酒店 Hotel": (680, 9),
    "高铁 Train": (540, 5),
    "出租车 Taxi": (62, 11),
    "餐饮 Meals": (145, 10),
}
NOTES = {
    "机票 Flight": ("客户拜访", "site visit", ""),
    "酒店 Hotel": ("2晚", "3 nights", "1 night", ""),
    "高铁 Train": ("二等座", ""),
    "出租车 Taxi": ("airport", "机场", "", ""),
    "餐饮 Meals": ("client dinner", "团队晚餐", "", ""),
}


def main() -> None:
    dice = random.Random(3)
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "报销 Expenses"
    sheet.append(["2025年3-5月差旅报销 / Travel expenses March - May 2025"])
    sheet.append(HEADER)
    total = 0.0
    (HERE / "clean").mkdir(exist_ok=True)
    with (HERE / "clean/trips.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        for day in sorted(dt.date(2025, 3, 3) + dt.timedelta(days=dice.randrange(88)) for _ in range(82)):
            person = dice.choices([name for name, _ in PEOPLE], [weight for _, weight in PEOPLE])[0]
            city = dice.choices([name for name, _ in CITIES], [weight for _, weight in CITIES])[0]
            category = dice.choices(list(CATEGORIES), [weight for _, weight in CATEGORIES.values()])[0]
            if "Singapore" in city and "Train" in category:
                category = "机票 Flight"
            far = 2.2 if "Singapore" in city else 1
            amount = round(CATEGORIES[category][0] * far * dice.uniform(0.6, 1.7), 1)
            note = dice.choice(NOTES[category])
            sheet.append([f"{day.year}/{day.month}/{day.day}", person, city, category, f"¥{amount:,.2f}", note or None])
            writer.writerow([day, person, city, category, f"{amount:.2f}", note])
            total += amount
    sheet.append(["合计 Total", None, None, None, f"¥{total:,.2f}", None])
    book.save(HERE / "trips.xlsx")


if __name__ == "__main__":
    main()
