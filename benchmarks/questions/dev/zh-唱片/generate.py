"""A collector's database of records and of when they were played in 2025, with English column names. Invented (CC0).

python generate.py      # writes records.db
"""

import datetime as dt
import random
import sqlite3
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).parent
ALBUMS = """河灯|陆小舟|2004|folk|LP|180|9
北站|陆小舟|2009|folk|CD|60|7
蓝色脚踏车|陆小舟|2015|folk|LP|220|8
Night Ferry|The Paper Kites Club|1998|rock|CD|45|6
Harbour Songs|The Paper Kites Club|2001|rock|LP|160|8
铁皮屋|黑砖乐队|1994|rock|cassette|20|7
没有窗的房间|黑砖乐队|1997|rock|CD|55|9
再见工厂|黑砖乐队|2003|rock|LP|310|10
Blue Lantern|Mina Arden Trio|1988|jazz|LP|260|9
Five Past Three|Mina Arden Trio|1992|jazz|LP|240|8
雨落在琴键上|沈寒舟|2012|classical|CD|75|8
冬日变奏|沈寒舟|2018|classical|CD|88|7
沙漠电台|驼铃|2019|electronic|LP|198|8
零点地铁|驼铃|2022|electronic|LP|215|7
Slow Machines|Velvet Ohm|2016|electronic|CD|70|6
小镇青年|周渔|2007|pop|cassette|25|5
夏天的尾巴|周渔|2010|pop|CD|50|6
Paper Moonlight|Mina Arden Trio|1995|jazz|CD|110|7""".split("\n")


def main():
    dice = random.Random(33)
    path = HERE / "records.db"
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(
            "CREATE TABLE albums (album_id INTEGER PRIMARY KEY, title TEXT, artist TEXT, year INTEGER, genre TEXT,"
            " format TEXT, price_paid REAL, rating INTEGER);"
            "CREATE TABLE plays (play_id INTEGER PRIMARY KEY, album_id INTEGER REFERENCES albums, played_on DATE,"
            " listener TEXT, minutes INTEGER);"
        )
        for number, line in enumerate(ALBUMS, 1):
            connection.execute("INSERT INTO albums VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (number, *line.split("|")))
        days = sorted(dt.date(2025, 1, 1) + dt.timedelta(days=int(300 * dice.random() ** 0.8)) for _ in range(160))
        for number, day in enumerate(days, 1):
            album = dice.choices(range(1, 19), (9, 2, 6, 1, 5, 2, 7, 12, 8, 4, 5, 3, 6, 2, 1, 1, 2, 4))[0]
            listener = dice.choices(("我", "小棠", "客人"), (6, 3, 1))[0]
            play = (number, album, day.isoformat(), listener, dice.randint(15, 52))
            connection.execute("INSERT INTO plays VALUES (?, ?, ?, ?, ?)", play)


if __name__ == "__main__":
    main()
