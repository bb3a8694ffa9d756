"""Daily air quality at three stations in an invented city, December 2024 to February 2025, with gaps. Invented (CC0).

python generate.py      # writes 空气质量.parquet
"""

import datetime as dt
import random
from pathlib import Path

import duckdb

HERE = Path(__file__).parent
STATIONS = {"钢厂路": 1.35, "人民公园": 0.85, "大学城": 1.0}


def main():
    dice = random.Random(66)
    rows = []
    haze = 55.0
    for day in (dt.date(2024, 12, 1) + dt.timedelta(days=n) for n in range(90)):
        wind = round(dice.lognormvariate(0.7, 0.5), 1)
        haze = min(260, max(9, haze * dice.lognormvariate(0, 0.4) * (0.6 if wind > 3 else 1.08)))
        warmth = round(dice.gauss(3 - 3 * (day.month == 1), 4), 1)
        for station, factor in STATIONS.items():
            fine = max(5, round(haze * factor * dice.uniform(0.85, 1.2)))
            coarse = round(fine * dice.uniform(1.3, 1.9))
            ozone = max(4, round(48 + 1.5 * warmth - fine / 9 + dice.gauss(0, 9)))
            level = next(
                name
                for top, name in ((35, "优"), (75, "良"), (115, "轻度"), (150, "中度"), (999, "重度"))
                if fine <= top
            )
            if dice.random() < 0.03:
                fine = coarse = level = None
            rows.append((day, station, fine, coarse, ozone, warmth, wind, level))
    columns = "日期 站点 PM2.5 PM10 臭氧 气温 风速 等级".split()
    with duckdb.connect() as connection:
        kinds = "DATE VARCHAR INTEGER INTEGER INTEGER DOUBLE DOUBLE VARCHAR".split()
        header = ", ".join(f'"{column}" {kind}' for column, kind in zip(columns, kinds, strict=True))
        connection.execute(f"CREATE TABLE 空气质量 ({header})")
        connection.executemany("INSERT INTO 空气质量 VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
        connection.table("空气质量").write_parquet(str(HERE / "空气质量.parquet"))


if __name__ == "__main__":
    main()
