"""Make the job book of an invented bicycle workshop, March to May 2025 (CC0).

Messy: the name of the shop above the header, dates written out as text and merged over the jobs of a day, euro signs in the
cells, hours as "1.5 h", small letters and capitals mixed in the status. `clean/` has it tidy.
"""

import csv
import datetime as dt
import random
from pathlib import Path

from openpyxl import Workbook

HERE = Path(__file__).parent
WORK = {  # work: usual parts and labour in euros, hours, weight
    "Puncture repair": (7, 15, 0.5, 12),
    "Full service": (35, 75, 2.0, 8),
    "Brake pads": (18, 25, 0.5, 7),
    "New chain": (28, 20, 0.5, 6),
    "Wheel truing": (0, 30, 1.0, 5),
    "Gear cable": (9, 22, 0.5, 4),
    "Bottom bracket": (32, 45, 1.0, 2),
    "Battery diagnosis": (0, 60, 1.0, 3),
}
CUSTOMERS = "Adler Bosch Castro Demir Eklund Fischer Gallo Horvat Iversen Janssen Kaya Lemaire Moreau Novak".split()
BIKES = (("City bike", 6), ("E-bike", 5), ("Road bike", 3), ("Cargo bike", 2), ("Child's bike", 2))
MECHANICS = (("Yara", 6), ("Tim", 5), ("Bogdan", 3))


def main() -> None:
    dice = random.Random(12)
    days = sorted(dt.date(2025, 3, 3) + dt.timedelta(days=dice.randrange(88)) for _ in range(74))
    days = [day - dt.timedelta(days=1) if day.weekday() == 6 else day for day in days]
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Jobs"
    sheet.append(["Kettenblatt Cycles - job book spring 2025"])
    sheet.append([])
    sheet.append(
        ["Job no.", "Brought in", "Customer", "Type", "Work", "Mechanic", "Hours", "Parts", "Labour", "Status"]
    )
    (HERE / "clean").mkdir(exist_ok=True)
    with (HERE / "clean/jobs.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["Job", "Date", "Customer", "Type", "Work", "Mechanic", "Hours", "Parts", "Labour", "Status"])
        for number, day in enumerate(days, 1201):
            bike = dice.choices([name for name, _ in BIKES], [weight for _, weight in BIKES])[0]
            work = dice.choices([w for w in WORK if bike == "E-bike" or w != "Battery diagnosis"])[0]
            if dice.random() < 0.5:
                work = dice.choices(list(WORK)[:4], [12, 8, 7, 6])[0]
            parts, labour, hours, _ = WORK[work]
            cost = round(parts * dice.uniform(0.7, 1.9), 1)
            pay = labour + 5 * dice.choice((0, 0, 0, 1, 2))
            time = hours + 0.5 * dice.choice((0, 0, 1))
            who = dice.choice(CUSTOMERS[: dice.choice((5, 14))])
            mechanic = dice.choices([name for name, _ in MECHANICS], [weight for _, weight in MECHANICS])[0]
            status = "done" if number < 1264 else dice.choice(("done", "waiting for parts", "in progress"))
            same = number > 1201 and days[number - 1202] == day
            row = 4 + number - 1201
            written = None if same else f"{day.day} {day:%b %Y}"
            money = (f"€ {cost:.2f}" if cost else "-", f"€ {pay:.2f}")
            shown = status.capitalize() if number % 3 else status
            sheet.append([number, written, who, bike, work, mechanic, f"{time:g} h", *money, shown])
            last = number - 1201 == len(days) - 1 or days[number - 1200] != day
            if same and last:
                sheet.merge_cells(start_row=4 + days.index(day), end_row=row, start_column=2, end_column=2)
            writer.writerow([number, day, who, bike, work, mechanic, time, f"{cost:.2f}", f"{pay:.2f}", status])
    book.save(HERE / "jobs.xlsx")


if __name__ == "__main__":
    main()
