"""Make the race results of an invented running club in 2025 (CC0).

Messy: months first in dates (4/6/2025 is 6 April), times as h:mm:ss or mm:ss, `DNF` for who did not finish, an empty line
between races, the distance with its unit. `clean/` has it tidy, with the time in seconds as well.
"""

import csv
import datetime as dt
import random
from pathlib import Path

HERE = Path(__file__).parent
RACES = [  # race, date, km, share of the club that goes
    ("Frosty Five", "2025-01-12", 5, 0.6),
    ("Spring Dash", "2025-04-06", 10, 0.8),
    ("Harbour Half", "2025-05-04", 21.1, 0.7),
    ("Castle Relay Leg", "2025-05-25", 5, 0.5),
    ("Midsummer Mile Plus", "2025-06-22", 10, 0.6),
    ("Hill & Dale", "2025-08-10", 10, 0.5),
    ("City Marathon", "2025-10-05", 42.2, 0.6),
    ("Turkey Trot", "2025-11-27", 5, 0.7),
]
RUNNERS = [  # name, category, minutes a kilometre
    ("Dana Whitcombe", "W40", 4.75),
    ("Erik Sandoval", "M35", 4.05),
    ("Farah Lockwood", "W35", 4.4),
    ("Gus Tremaine", "M50", 5.2),
    ("Hanna Brightwater", "W20", 4.2),
    ("Ivo Kessler", "M20", 3.75),
    ("June Ardmore", "W60", 6.3),
    ("Kofi Remington", "M40", 4.5),
    ("Lotte Vanderhey", "W50", 5.5),
    ("Miles Corrigan", "M60", 5.9),
    ("Nadia Prescott", "W20", 4.85),
    ("Otis Hargrove", "M35", 4.6),
]


def shown(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60:02d}:{rest % 60:02d}"


def main() -> None:
    dice = random.Random(8)
    (HERE / "clean").mkdir(exist_ok=True)
    with (
        (HERE / "results.csv").open("w", encoding="utf-8", newline="") as messy,
        (HERE / "clean/results.csv").open("w", encoding="utf-8", newline="") as tidy,
    ):
        raw, clean = csv.writer(messy), csv.writer(tidy, lineterminator="\n")
        raw.writerow(["Race", "Date", "Distance", "Runner", "Cat.", "Time"])
        clean.writerow(["Race", "Date", "Distance_km", "Runner", "Category", "Time", "Seconds"])
        for race, iso, km, share in RACES:
            day = dt.date.fromisoformat(iso)
            going = [runner for runner in RUNNERS if dice.random() < share]
            for name, category, pace in dice.sample(going, len(going)):
                seconds = round(km * pace * 60 * (1 + 0.02 * (km / 10)) * dice.uniform(0.96, 1.08))
                out = dice.random() < km / 200
                american, time = f"{day.month}/{day.day}/{day.year}", "" if out else shown(seconds)
                raw.writerow([race, american, f"{km:g} km", name, category, time or "DNF"])
                clean.writerow([race, day, km, name, category, time, "" if out else seconds])
            raw.writerow([])


if __name__ == "__main__":
    main()
