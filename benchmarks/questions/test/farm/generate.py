"""Make the picking records of an invented fruit farm, 2024 and 2025, and the list of its fields (CC0).

The hours were not always written down.
"""

import csv
import datetime as dt
import random
from pathlib import Path

HERE = Path(__file__).parent
FIELDS = [  # field, hectares, soil, crop, first and last week of picking, kg a day
    ("Long Acre", 4.2, "loam", "strawberries", (21, 30), 310),
    ("Mill Field", 2.5, "sandy loam", "strawberries", (22, 29), 240),
    ("Church Piece", 1.8, "clay", "raspberries", (25, 35), 95),
    ("Top Orchard", 6.0, "loam", "apples", (35, 42), 820),
    ("Brook Orchard", 3.1, "silt", "pears", (34, 39), 360),
    ("Hollow", 1.1, "silt", "blackcurrants", (27, 31), 130),
]
GROWTH = {"strawberries": 1.1, "raspberries": 0.8, "apples": 1.05, "pears": 1.25, "blackcurrants": 0.7}


def main() -> None:
    dice = random.Random(23)
    rows: list[tuple[dt.date, str, str, int, int, str]] = []
    for year in (2024, 2025):
        for field, _, _, crop, (first, last), usual in FIELDS:
            for week in range(first, last + 1):
                for day in sorted(dice.sample(range(1, 7), dice.choice((1, 2, 2, 3)))):
                    kg = round(usual * dice.uniform(0.45, 1.5) * (GROWTH[crop] if year == 2025 else 1))
                    rejected = round(kg * dice.uniform(0.01, 0.12))
                    hours = f"{kg / dice.uniform(11, 19):.1f}" if dice.random() > 0.08 else ""
                    rows.append((dt.date.fromisocalendar(year, week, day), field, crop, kg, rejected, hours))
    with (HERE / "harvest.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["date", "field", "crop", "picked_kg", "rejected_kg", "picker_hours"])
        writer.writerows(sorted(rows))
    with (HERE / "fields.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["field", "hectares", "soil"])
        writer.writerows(field[:3] for field in FIELDS)


if __name__ == "__main__":
    main()
