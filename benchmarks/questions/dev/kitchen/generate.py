"""Make the menu of an invented bistro and its orders of two weeks in July 2025 (CC0)."""

import csv
import datetime as dt
import random
from pathlib import Path

HERE = Path(__file__).parent
MENU = [  # dish, course, price, vegetarian, weight
    ("Gazpacho", "Starter", 6.5, "yes", 9),
    ("Goat cheese salad", "Starter", 9.8, "yes", 7),
    ("Smoked trout", "Starter", 11.5, "no", 4),
    ("Garlic prawns", "Starter", 12.9, "no", 6),
    ("Steak frites", "Main", 24.5, "no", 10),
    ("Roast chicken", "Main", 18.9, "no", 11),
    ("Mushroom risotto", "Main", 16.4, "yes", 9),
    ("Aubergine bake", "Main", 15.2, "yes", 6),
    ("Catch of the day", "Main", 22.0, "no", 5),
    ("Cheese board", "Dessert", 10.5, "yes", 3),
    ("Lemon tart", "Dessert", 7.4, "yes", 9),
    ("Chocolate mousse", "Dessert", 6.9, "yes", 10),
    ("House lemonade", "Drink", 4.2, "yes", 16),
    ("Espresso", "Drink", 2.6, "yes", 18),
    ("Carafe of wine", "Drink", 13.5, "yes", 8),
]


def main() -> None:
    dice = random.Random(58)
    with (HERE / "menu.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["dish", "course", "price", "vegetarian"])
        writer.writerows(dish[:4] for dish in MENU)
    with (HERE / "orders.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["bill", "date", "time", "table_no", "waiter", "dish", "quantity"])
        bill = 4100
        for day in range(14):
            date = dt.date(2025, 7, 7) + dt.timedelta(days=day)
            if date.weekday() == 0:
                continue
            for minute in sorted(dice.randrange(18 * 60, 22 * 60) for _ in range(5 + 2 * (date.weekday() > 3))):
                bill += 1
                table, waiter = dice.randint(1, 12), dice.choices(("Ines", "Marlon", "Tova"), (5, 4, 2))[0]
                for number in sorted(
                    set(dice.choices(range(len(MENU)), [dish[4] for dish in MENU], k=dice.randint(2, 6)))
                ):
                    time = f"{minute // 60:02d}:{minute % 60:02d}"
                    writer.writerow([bill, date, time, table, waiter, MENU[number][0], dice.choice((1, 1, 2, 2, 3))])


if __name__ == "__main__":
    main()
