"""Make the gift book of an invented village hall charity in 2025 (CC0).

Messy: a title above the header, commas in thousands, dates such as 03-Nov-2025, names of regular donors in different
capitals and with stray spaces, a total row at the foot. `clean/` has it tidy.
"""

import csv
import datetime as dt
import random
from pathlib import Path

HERE = Path(__file__).parent
DONORS = [  # name, weight, usual gift
    ("Anonymous", 14, 30),
    ("Calder Family Trust", 2, 1500),
    ("Mr & Mrs Hollis", 5, 100),
    ("Ridgeway Bakery", 4, 150),
    ("P. Ostler", 8, 25),
    ("Sheila Quarmby", 7, 40),
    ("Thornbury Parish Council", 1, 2500),
    ("Green Lane Garage", 3, 200),
    ("J. Abiola", 5, 60),
    ("The Walking Group", 3, 120),
    ("Marchmont Ltd", 2, 750),
    ("Ursula Kemp", 6, 20),
]
APPEALS = (("Roof", 9), ("Kitchen", 4), ("Youth club", 5), ("General", 5))
METHODS = (("Cash", 6), ("Bank transfer", 7), ("Cheque", 3), ("Card", 5))


def main() -> None:
    dice = random.Random(90)
    days = sorted(dt.date(2025, 1, 4) + dt.timedelta(days=int(358 * dice.random() ** 0.8)) for _ in range(118))
    (HERE / "clean").mkdir(exist_ok=True)
    with (
        (HERE / "gifts.csv").open("w", encoding="utf-8", newline="") as messy,
        (HERE / "clean/gifts.csv").open("w", encoding="utf-8", newline="") as tidy,
    ):
        raw, clean = csv.writer(messy), csv.writer(tidy, lineterminator="\n")
        raw.writerow(["Thornbury Village Hall - gifts received 2025"])
        raw.writerow([])
        raw.writerow(["Receipt", "Date", "Donor", "Appeal", "Amount (GBP)", "How", "Gift Aid"])
        clean.writerow(["Receipt", "Date", "Donor", "Appeal", "Amount", "How", "Gift Aid"])
        total = 0
        for number, day in enumerate(days, 1):
            donor, _, usual = dice.choices(DONORS, [weight for _, weight, _ in DONORS])[0]
            amount = max(5, round(usual * dice.lognormvariate(0, 0.6) / 5) * 5)
            appeal = dice.choices([name for name, _ in APPEALS], [weight for _, weight in APPEALS])[0]
            how = dice.choices([name for name, _ in METHODS], [weight for _, weight in METHODS])[0]
            how = "Bank transfer" if amount > 600 else how
            aid = "yes" if donor[0] in "PSJU" and dice.random() < 0.8 else "no"
            written = dice.choice((donor, donor, donor, donor.upper(), donor.lower() + " "))
            raw.writerow([f"R{number:03d}", f"{day:%d-%b-%Y}", written, appeal, f"{amount:,}.00", how, aid])
            clean.writerow([f"R{number:03d}", day, donor, appeal, amount, how, aid])
            total += amount
        raw.writerow(["", "", "TOTAL", "", f"{total:,}.00", "", ""])


if __name__ == "__main__":
    main()
