"""Daily electricity of four buildings of a school campus, January to June 2025, with column names half of the metering
system, half of the caretaker. Meters of the library failed for some days. Invented (CC0).

    python generate.py      # writes energy_2025h1.csv
"""

import csv
import datetime as dt
import math
import random
from pathlib import Path

HERE = Path(__file__).parent
BUILDINGS = {  # name: meter, usual kWh on a working day, at the weekend, heating and cooling
    "Teaching Block": ("E-101", 620, 140, 210),
    "Dormitory": ("E-102", 840, 910, 330),
    "Library": ("E-103", 390, 360, 160),
    "Canteen": ("E-104", 510, 330, 60),
}


def main():
    dice = random.Random(55)
    with (HERE / "energy_2025h1.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow("日期 building meter_id kwh_day kwh_night 电费 室外气温 is_holiday".split())
        for day in (dt.date(2025, 1, 1) + dt.timedelta(days=n) for n in range(181)):
            temperature = round(12 - 11 * math.cos((day.timetuple().tm_yday - 12) / 58.1) + dice.gauss(0, 3), 1)
            holiday = dt.date(2025, 1, 20) <= day <= dt.date(2025, 2, 14) or (day.month, day.day) in (
                (4, 4),
                (5, 1),
                (5, 2),
            )
            for building, (meter, work, weekend, climate) in BUILDINGS.items():
                usual = 0.22 * work if holiday else weekend if day.weekday() > 4 else work
                usual += (0.2 if holiday else 1) * climate * abs(temperature - 17) / 17
                total = usual * dice.lognormvariate(0, 0.09)
                night = total * dice.uniform(0.34, 0.46) * (1.2 if building == "Dormitory" else 0.8)
                daytime, night = round(total - night, 1), round(night, 1)
                cost = round(0.82 * daytime + 0.41 * night, 2)
                if building == "Library" and dt.date(2025, 3, 11) <= day <= dt.date(2025, 3, 15):
                    daytime = night = cost = None
                writer.writerow((day, building, meter, daytime, night, cost, temperature, "Y" if holiday else "N"))


if __name__ == "__main__":
    main()
