"""Make the readings of an invented weather station on a school roof, every three hours in April 2025 (CC0).

Messy: semicolons and decimal commas, times such as 01.04.2025 03:00, `---` where the station was off, units in a second
header line. `clean/` has it tidy.
"""

import csv
import datetime as dt
import math
import random
from pathlib import Path

HERE = Path(__file__).parent


def main() -> None:
    dice = random.Random(13)
    (HERE / "clean").mkdir(exist_ok=True)
    with (
        (HERE / "station.csv").open("w", encoding="utf-8", newline="") as messy,
        (HERE / "clean/station.csv").open("w", encoding="utf-8", newline="") as tidy,
    ):
        raw, clean = csv.writer(messy, delimiter=";"), csv.writer(tidy, lineterminator="\n")
        raw.writerow(["Time", "Temperature", "Humidity", "Wind", "Rain"])
        raw.writerow(["", "°C", "%", "km/h", "mm"])
        clean.writerow(["time", "temperature", "humidity", "wind", "rain"])
        weather = 0.0
        for step in range(30 * 8):
            moment = dt.datetime(2025, 4, 1) + dt.timedelta(hours=3 * step)
            weather = 0.93 * weather + dice.gauss(0, 1.1)
            warm = (
                9 + step / 60 + weather + 5 * math.sin((moment.hour - 9) / 24 * 2 * math.pi) + dice.uniform(-0.5, 0.5)
            )
            humid = min(99, max(28, round(70 - 2.2 * (warm - 9) + dice.gauss(0, 7))))
            wind = abs(dice.gauss(14, 9))
            rain = round(dice.expovariate(0.7), 1) if humid > 74 and dice.random() < 0.5 else 0.0
            if 77 <= step <= 80 or step == 190:
                raw.writerow([f"{moment:%d.%m.%Y %H:%M}", "---", "---", "---", "---"])
                clean.writerow([moment, "", "", "", ""])
                continue
            shown = [f"{warm:.1f}", str(humid), f"{wind:.1f}", f"{rain:.1f}"]
            raw.writerow([f"{moment:%d.%m.%Y %H:%M}", *(cell.replace(".", ",") for cell in shown)])
            clean.writerow([moment, *shown])


if __name__ == "__main__":
    main()
