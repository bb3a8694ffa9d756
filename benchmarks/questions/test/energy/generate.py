"""Make the monthly meter readings of three invented town buildings, 2023 to 2025, as a Parquet file (CC0)."""

import datetime as dt
import math
import random
from pathlib import Path

import duckdb

HERE = Path(__file__).parent
BUILDINGS = {  # electricity, gas in winter, gas in summer, water, change of electricity and of gas a year
    "Primary school": (5200, 31000, 900, 140, 0.97, 0.9),
    "Town hall": (8900, 24000, 1500, 75, 0.95, 0.96),
    "Swimming pool": (21500, 52000, 26000, 1650, 1.04, 0.93),
}
PRICES = {2023: (0.31, 0.12), 2024: (0.29, 0.105), 2025: (0.27, 0.098)}


def main() -> None:
    dice = random.Random(31)
    rows: list[tuple[str, dt.date, int, int, int, float]] = []
    for year in (2023, 2024, 2025):
        for month in range(1, 13):
            cold = (1 + math.cos((month - 1) / 6 * math.pi)) / 2
            for building, (power, winter, summer, water, up, warm) in BUILDINGS.items():
                holiday = 0.45 if building == "Primary school" and month in (7, 8) else 1
                kwh = round(power * up ** (year - 2023) * (0.9 + 0.2 * cold) * holiday * dice.uniform(0.94, 1.06))
                gas = round((summer + (winter - summer) * cold) * warm ** (year - 2023) * dice.uniform(0.88, 1.12))
                litres = round(water * holiday * dice.uniform(0.85, 1.2))
                cost = round(kwh * PRICES[year][0] + gas * PRICES[year][1] + litres * 4.1, 2)
                rows.append((building, dt.date(year, month, 1), kwh, gas, litres, cost))
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE energy (building VARCHAR, month DATE, electricity_kwh INTEGER, gas_kwh INTEGER, "
            "water_m3 INTEGER, cost_eur DOUBLE)"
        )
        connection.executemany("INSERT INTO energy VALUES (?, ?, ?, ?, ?, ?)", rows)
        connection.execute(f"COPY energy TO '{HERE / 'energy.parquet'}' (FORMAT parquet)")


if __name__ == "__main__":
    main()
