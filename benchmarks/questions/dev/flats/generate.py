"""Make the list of an invented flat hunter in a German town (CC0).

Messy: rents such as "1.180 €", areas such as "68,5 m²", rooms with a comma, dates day first as text, `ja`/`nein` mixed with
yes/no, an empty column in the middle. `clean/` has it tidy.
"""

import csv
import datetime as dt
from pathlib import Path

from openpyxl import Workbook

HERE = Path(__file__).parent
FLATS = [  # address, district, rooms, area, cold rent, extra costs, floor, free from, pets, seen
    ("Lindenweg 12", "Südstadt", 2, 54.0, 690, 160, 1, "2025-09-01", "yes", "yes"),
    ("Lindenweg 31", "Südstadt", 3, 78.5, 985, 210, 2, "2025-08-15", "no", "yes"),
    ("Am Wehr 4", "Altstadt", 2, 49.0, 780, 140, 4, "2025-10-01", "no", "yes"),
    ("Gerberplatz 7", "Altstadt", 1, 31.5, 540, 95, 3, "2025-08-01", "no", "no"),
    ("Gerberplatz 9", "Altstadt", 3.5, 92.0, 1340, 255, 2, "2025-11-01", "yes", "yes"),
    ("Hochstraße 118", "Nordend", 2.5, 66.0, 720, 185, 0, "2025-08-15", "yes", "no"),
    ("Hochstraße 140", "Nordend", 4, 104.0, 1120, 290, 1, "2025-09-15", "yes", "yes"),
    ("Mühlgasse 2", "Altstadt", 2, 58.0, 890, 150, 1, "2025-09-01", "no", "no"),
    ("Bahnhofsallee 55", "Westend", 1.5, 42.5, 510, 120, 5, "2025-08-01", "no", "yes"),
    ("Bahnhofsallee 57", "Westend", 3, 81.0, 870, 220, 6, "2025-10-15", "yes", "no"),
    ("Falkenstieg 23", "Nordend", 3, 76.0, 805, 195, 2, "2025-09-01", "yes", "yes"),
    ("Rosenhof 6", "Südstadt", 4.5, 118.0, 1490, 320, 1, "2026-01-01", "yes", "no"),
    ("Rosenhof 8", "Südstadt", 2, 61.5, 765, 170, 3, "2025-10-01", "no", "no"),
    ("Uferstraße 77", "Westend", 2.5, 70.0, 950, 175, 4, "2025-12-01", "no", "yes"),
    ("Uferstraße 79", "Westend", 1, 29.0, 455, 90, 2, "2025-08-15", "no", "no"),
    ("Turmgasse 1", "Altstadt", 5, 131.0, 1950, 360, 3, "2025-11-15", "yes", "no"),
    ("Erlenring 44", "Nordend", 2, 56.5, 610, 165, 1, "2025-09-01", "yes", "yes"),
    ("Erlenring 46", "Nordend", 3, 84.0, 860, 205, 0, "2025-10-01", "yes", "yes"),
]


def german(number: float) -> str:
    return f"{number:,g}".replace(",", " ").replace(".", ",").replace(" ", ".")


def main() -> None:
    header = ["Address", "District", "Rooms", "Area", "Rent", "Extra costs", "Floor", "Free from", "Pets", "Viewed"]
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Flats we found"])
    sheet.append([*header[:4], None, *header[4:]])
    (HERE / "clean").mkdir(exist_ok=True)
    with (HERE / "clean/flats.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for number, flat in enumerate(FLATS):
            address, district, rooms, area, rent, extra, floor, free, pets, seen = flat
            writer.writerow(flat)
            written = {"yes": "ja", "no": "nein"}.get(pets, "") if number % 4 == 0 else pets
            size, money = f"{german(area)} m²", (f"{german(rent)} €", f"{extra} €")
            level, day = floor or "ground", f"{dt.date.fromisoformat(free):%d.%m.%Y}"
            sheet.append([address, district, german(rooms), size, None, *money, level, day, written, seen])
    book.save(HERE / "flats.xlsx")


if __name__ == "__main__":
    main()
