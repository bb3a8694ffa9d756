"""Make the bank statement of an invented household for the first half of 2025, as a German bank exports it (CC0).

Messy: five lines above the header, semicolons, decimal commas with points for thousands, days first in dates, newest
entry first, Latin-1 letters in UTF-8 with a byte order mark, empty payees at cash machines. `clean/` has it tidy.
"""

import csv
import datetime as dt
import random
from pathlib import Path

HERE = Path(__file__).parent
MONTHLY = [  # day, payee, purpose, category, cents
    (1, "Hausverwaltung Brandt", "Rent flat 4", "Housing", -98000),
    (3, "Stadtwerke", "Electricity", "Utilities", -7450),
    (5, "TelNet GmbH", "Internet and phone", "Utilities", -3999),
    (15, "Allsafe Versicherung", "Household insurance", "Insurance", -2310),
    (28, "Nordlicht Verlag GmbH", "Salary", "Income", 284615),
]
SHOPS = [  # payee, purpose, category, usual cents, spread, weight
    ("REWE Markt", "Card payment", "Groceries", 4200, 0.7, 16),
    ("Bäckerei Lorenz", "Card payment", "Groceries", 780, 0.5, 9),
    ("ALDI Süd", "Card payment", "Groceries", 3100, 0.6, 9),
    ("", "Cash withdrawal ATM", "Cash", 10000, 0.0, 5),
    ("Deutsche Bahn", "Train ticket", "Transport", 3890, 0.8, 5),
    ("Shell Station 114", "Fuel", "Transport", 6100, 0.25, 4),
    ("Café Rosenrot", "Card payment", "Eating out", 1450, 0.5, 6),
    ("Trattoria Da Nino", "Card payment", "Eating out", 4780, 0.4, 4),
    ("Buchhandlung am Markt", "Books", "Leisure", 2290, 0.6, 3),
    ("Kino Odeon", "Cinema tickets", "Leisure", 2200, 0.3, 2),
    ("Apotheke am Tor", "Card payment", "Health", 1830, 0.6, 3),
]
ONCE = [
    ("2025-01-20", "Möbelhaus Kraft", "Desk and chair", "Household", -43790),
    ("2025-02-11", "Finanzamt Mitte", "Tax refund 2023", "Income", 41230),
    ("2025-03-08", "Zahnarzt Dr. Wolff", "Invoice 2025-118", "Health", -18640),
    ("2025-04-17", "Reisebüro Alpenblick", "Holiday deposit", "Leisure", -60000),
    ("2025-05-30", "Reisebüro Alpenblick", "Holiday balance", "Leisure", -124950),
    ("2025-06-12", "Elektro Hansen", "Washing machine", "Household", -54900),
]


def german(cents: int) -> str:
    whole = f"{abs(cents) // 100:,}".replace(",", ".")
    return f"{'-' if cents < 0 else ''}{whole},{abs(cents) % 100:02d}"


def main() -> None:
    dice = random.Random(77)
    entries = [(dt.date.fromisoformat(day), *rest) for day, *rest in ONCE]
    for month in range(1, 7):
        entries += [(dt.date(2025, month, day), *rest) for day, *rest in MONTHLY]
        for _ in range(dice.randint(14, 20)):
            payee, purpose, category, usual, spread, _ = dice.choices(SHOPS, [shop[5] for shop in SHOPS])[0]
            cents = -round(usual * dice.uniform(1 - spread, 1 + spread))
            if payee == "":
                cents = -5000 * dice.choice((1, 2, 2, 4))
            entries.append((dt.date(2025, month, dice.randint(1, 28)), payee, purpose, category, cents))
    entries.sort(key=lambda entry: str(entry[0]), reverse=True)
    (HERE / "clean").mkdir(exist_ok=True)
    with (
        (HERE / "statement.csv").open("w", encoding="utf-8-sig", newline="") as messy,
        (HERE / "clean/statement.csv").open("w", encoding="utf-8", newline="") as tidy,
    ):
        messy.write('"Girokonto";"DE00 0000 0000 0000 0000 00"\r\n')
        messy.write('"Zeitraum";"01.01.2025 - 30.06.2025"\r\n"Kontostand vom 30.06.2025";"3.412,08 EUR"\r\n\r\n\r\n')
        header = ["Date", "Payee", "Purpose", "Category", "Amount"]
        raw = csv.writer(messy, delimiter=";", quoting=csv.QUOTE_ALL)
        raw.writerow([*header[:4], "Amount (EUR)"])
        clean = csv.writer(tidy, lineterminator="\n")
        clean.writerow(header)
        for day, payee, purpose, category, cents in entries:
            raw.writerow([f"{day:%d.%m.%Y}", payee, purpose, category, german(int(cents))])
            clean.writerow([day, payee, purpose, category, f"{int(cents) / 100:.2f}"])


if __name__ == "__main__":
    main()
