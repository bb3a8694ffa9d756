"""Make the workbook of an invented village vet: the animals on the books, and their visits in 2024 and 2025 (CC0).

Two animals are called Bella, one owner has three animals, and two fees are still unpaid at the end.
"""

import datetime as dt
import random
from pathlib import Path

from openpyxl import Workbook

HERE = Path(__file__).parent
ANIMALS = [  # name, species, breed, born, owner
    ("Bella", "dog", "Labrador", 2016, "Hartley"),
    ("Bella", "cat", "Siamese", 2021, "Okafor"),
    ("Rusty", "dog", "Terrier", 2012, "Lindqvist"),
    ("Smokey", "cat", "Domestic", 2019, "Hartley"),
    ("Pickle", "rabbit", "Dwarf lop", 2022, "Hartley"),
    ("Duke", "dog", "Boxer", 2018, "Marsh"),
    ("Minnow", "cat", "Domestic", 2014, "Perrault"),
    ("Clover", "rabbit", "Angora", 2020, "Vance"),
    ("Juno", "dog", "Collie", 2020, "Perrault"),
    ("Pepper", "cat", "Maine Coon", 2017, "Quigley"),
    ("Zephyr", "horse", "Welsh cob", 2009, "Ashdown"),
    ("Bramble", "horse", "Exmoor", 2013, "Ashdown"),
    ("Otto", "dog", "Dachshund", 2023, "Yilmaz"),
    ("Socks", "cat", "Domestic", 2023, "Marsh"),
    ("Nugget", "parrot", "Cockatiel", 2015, "Tran"),
    ("Figaro", "cat", "Persian", 2018, "Tran"),
    ("Daisy", "dog", "Labrador", 2019, "Whitlock"),
]
WEIGHTS = [9, 3, 11, 4, 2, 6, 5, 2, 4, 7, 6, 3, 5, 2, 1, 4, 6]
REASONS = {  # reason: usual fee, weight
    "vaccination": (42, 9),
    "check-up": (35, 8),
    "dental": (140, 4),
    "limping": (68, 4),
    "skin trouble": (55, 4),
    "surgery": (480, 2),
    "worming": (18, 5),
}
VETS = (("Dr. Keane", 5), ("Dr. Sorensen", 4), ("Dr. Abbott", 2))


def main() -> None:
    dice = random.Random(41)
    book = Workbook()
    animals = book.active
    assert animals is not None
    animals.title = "animals"
    animals.append(["animal_id", "name", "species", "breed", "birth_year", "owner"])
    for number, animal in enumerate(ANIMALS, 1):
        animals.append([number, *animal])
    visits = book.create_sheet("visits")
    visits.append(["visit_no", "date", "animal_id", "reason", "vet", "fee", "paid"])
    days = sorted(dt.date(2024, 1, 8) + dt.timedelta(days=dice.randrange(700)) for _ in range(96))
    for number, day in enumerate(days, 501):
        animal = dice.choices(range(1, len(ANIMALS) + 1), WEIGHTS)[0]
        reason = dice.choices(list(REASONS), [weight for _, weight in REASONS.values()])[0]
        fee = round(REASONS[reason][0] * dice.uniform(0.85, 1.3) * (1.6 if ANIMALS[animal - 1][1] == "horse" else 1), 1)
        vet = dice.choices([name for name, _ in VETS], [weight for _, weight in VETS])[0]
        visits.append([number, day, animal, reason, vet, fee, "no" if number in (588, 594) else "yes"])
    book.save(HERE / "vet.xlsx")


if __name__ == "__main__":
    main()
