"""Make the staff list of an invented furniture maker, its departments, and the absences of 2025 (CC0)."""

import csv
import datetime as dt
import random
from pathlib import Path

from openpyxl import Workbook

HERE = Path(__file__).parent
DEPARTMENTS = [
    ("PRD", "Production", "Hall 1"),
    ("LOG", "Logistics", "Hall 2"),
    ("SAL", "Sales", "Front house"),
    ("DES", "Design", "Front house"),
    ("FIN", "Finance", "Front house"),
]
STAFF = [  # name, title, department, hired, salary, weekly hours
    ("Anton Fairweather", "Head of production", "PRD", "2009-03-16", 71200, 40),
    ("Bridget Okonjo", "Joiner", "PRD", "2014-08-01", 41800, 40),
    ("Cem Haldane", "Joiner", "PRD", "2018-05-14", 39500, 40),
    ("Dorota Wexler", "Machine operator", "PRD", "2021-10-04", 36400, 40),
    ("Emil Strand", "Machine operator", "PRD", "2024-02-12", 34100, 40),
    ("Fatou Grange", "Upholsterer", "PRD", "2016-01-11", 40300, 32),
    ("Gareth Ibsen", "Apprentice", "PRD", "2024-09-02", 18600, 40),
    ("Henrike Paull", "Warehouse lead", "LOG", "2012-06-18", 47900, 40),
    ("Ismael Torrance", "Driver", "LOG", "2019-11-25", 34800, 40),
    ("Jelena Brack", "Driver", "LOG", "2023-04-03", 33600, 40),
    ("Kit Amadi", "Packer", "LOG", "2022-07-11", 29900, 24),
    ("Linnea Dover", "Sales manager", "SAL", "2011-02-07", 66500, 40),
    ("Marek Salter", "Key account manager", "SAL", "2017-09-18", 56200, 40),
    ("Nina Calloway", "Sales assistant", "SAL", "2024-05-20", 32700, 30),
    ("Olu Sternberg", "Sales assistant", "SAL", "2020-03-30", 34900, 40),
    ("Paloma Reiss", "Designer", "DES", "2015-04-27", 54700, 40),
    ("Quinn Ashby", "Designer", "DES", "2022-01-17", 48800, 36),
    ("Ruth Eberhart", "Chief designer", "DES", "2010-10-11", 73900, 40),
    ("Stefan Malory", "Accountant", "FIN", "2013-12-02", 55100, 40),
    ("Thandi Voss", "Payroll clerk", "FIN", "2021-05-31", 38200, 28),
]
KINDS = (("sick", 6), ("holiday", 9), ("training", 2), ("parental leave", 1))


def main() -> None:
    dice = random.Random(15)
    book = Workbook()
    staff = book.active
    assert staff is not None
    staff.title = "staff"
    staff.append(["emp_no", "name", "title", "dept", "hired", "salary", "weekly_hours"])
    for number, (name, title, dept, hired, salary, hours) in enumerate(STAFF, 301):
        staff.append([number, name, title, dept, dt.date.fromisoformat(hired), salary, hours])
    departments = book.create_sheet("departments")
    departments.append(["code", "department", "building"])
    for department in DEPARTMENTS:
        departments.append(department)
    book.save(HERE / "staff.xlsx")
    with (HERE / "absences.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["emp_no", "first_day", "days", "kind"])
        for day in sorted(dt.date(2025, 1, 7) + dt.timedelta(days=dice.randrange(340)) for _ in range(85)):
            kind = dice.choices([name for name, _ in KINDS], [weight for _, weight in KINDS])[0]
            days = {"sick": dice.choice((1, 2, 2, 3, 5, 8)), "holiday": dice.choice((1, 2, 5, 5, 10)), "training": 2}
            writer.writerow([dice.randint(301, 320), day, days.get(kind, 20), kind])


if __name__ == "__main__":
    main()
