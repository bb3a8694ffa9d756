"""Make the mark book of an invented school class, as a teacher keeps it in a workbook (CC0).

Messy: a merged title and an empty row above the header, a header in two rows, `abs` where a pupil was absent, stray
spaces behind names, an average row at the foot; two pupils have the same first name. `clean/` has it tidy.
"""

import csv
import random
from pathlib import Path

from openpyxl import Workbook

HERE = Path(__file__).parent
PUPILS = [  # name, house, how good
    ("Amira Solberg", "Oak", 82),
    ("Ben Castellan", "Elm", 61),
    ("Chloe Winterbourne", "Oak", 74),
    ("Daniel Achterberg", "Ash", 55),
    ("Ella Fontaine", "Elm", 90),
    ("Felix Grunwald", "Ash", 67),
    ("Grace Umarova", "Oak", 71),
    ("Harry Penhallow", "Elm", 48),
    ("Isla Montrose", "Ash", 78),
    ("Jack Thistlewood", "Oak", 64),
    ("Jack Ravensworth", "Ash", 86),
    ("Keira Dunmore", "Elm", 58),
    ("Leo Abernathy", "Oak", 52),
    ("Maya Kingsolver", "Ash", 93),
    ("Noah Birkbeck", "Elm", 69),
    ("Olive Trevanion", "Oak", 76),
    ("Priya Sandhurst", "Ash", 84),
    ("Quentin Marchbanks", "Elm", 41),
    ("Rosa Delacroix", "Oak", 88),
    ("Sam Holloway", "Elm", 66),
    ("Tess Yarrow", "Ash", 60),
    ("Umar Blackwood", "Oak", 57),
    ("Violet Carrick", "Elm", 79),
    ("Will Eastwick", "Ash", 72),
]
SUBJECTS = {"Maths": 0, "English": 3, "Science": -4, "History": 5, "French": -6}


def main() -> None:
    dice = random.Random(5)
    rows: list[tuple[str, str, list[int | None]]] = []
    for name, house, level in PUPILS:
        marks = [max(12, min(100, round(dice.gauss(level + shift, 8)))) for shift in SUBJECTS.values()]
        rows.append((name, house, [None if dice.random() < 0.05 else mark for mark in marks]))
    (HERE / "clean").mkdir(exist_ok=True)
    with (HERE / "clean/marks.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["Name", "House", *SUBJECTS])
        for name, house, marks in rows:
            writer.writerow([name, house, *marks])
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Form 8B"
    sheet.append(["Form 8B - summer examinations 2025"])
    sheet.merge_cells("A1:H1")
    sheet.append([])
    sheet.append(["No.", "Pupil", None, "Mark (out of 100)"])
    sheet.merge_cells("D3:H3")
    sheet.append([None, "Name", "House", *SUBJECTS])
    for number, (name, house, marks) in enumerate(rows, 1):
        padded = name + "  " if number % 5 == 0 else name
        sheet.append([number, padded, house, *("abs" if mark is None else mark for mark in marks)])
    columns = [[mark for mark in column if mark is not None] for column in zip(*(m for _, _, m in rows), strict=True)]
    sheet.append([])
    sheet.append([None, "Class average", None, *(round(sum(column) / len(column), 1) for column in columns)])
    book.save(HERE / "marks.xlsx")


if __name__ == "__main__":
    main()
