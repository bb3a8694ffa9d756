"""Make the database of an invented small-town library: its books, its members, and a year of loans (CC0)."""

import datetime as dt
import random
import sqlite3
from pathlib import Path

HERE = Path(__file__).parent
BOOKS = [  # title, author, published, genre, copies, how often lent
    ("The Salt Road", "Edda Maren", 1998, "Novel", 3, 9),
    ("A Winter of Bees", "Edda Maren", 2007, "Novel", 2, 6),
    ("The Clockmaker's Garden", "Tomas Hale", 2014, "Novel", 2, 7),
    ("Low Tide", "Ngaire Obi", 2019, "Novel", 4, 14),
    ("Murder at Larch House", "P. J. Stroud", 1987, "Crime", 2, 6),
    ("The Quiet Bailiff", "P. J. Stroud", 1991, "Crime", 1, 4),
    ("Ash on the Water", "Lena Korvath", 2021, "Crime", 5, 19),
    ("The Ninth Witness", "Sol Ferreira", 2016, "Crime", 3, 10),
    ("Cold Platform", "Lena Korvath", 2023, "Crime", 4, 12),
    ("Growing Vegetables in Clay", "Ida Pembury", 2009, "Gardening", 2, 5),
    ("The Small Garden Year", "Ida Pembury", 2017, "Gardening", 2, 8),
    ("Roses without Tears", "Hugh Ansel", 1979, "Gardening", 1, 2),
    ("Stars for Beginners", "Mina Castel", 2012, "Science", 2, 5),
    ("How Rivers Think", "Oren Whitby", 2020, "Science", 1, 4),
    ("A Short History of Glass", "Beatriz Lund", 2005, "History", 1, 3),
    ("The Canal Builders", "Oren Whitby", 2011, "History", 2, 4),
    ("Bread in Eleven Countries", "Samir Dahl", 2018, "Cookery", 3, 9),
    ("Soup before Noon", "Samir Dahl", 2022, "Cookery", 2, 6),
    ("The Dragon Who Was Late", "Wren Ellery", 2015, "Children", 6, 21),
    ("Pip and the Lighthouse", "Wren Ellery", 2018, "Children", 5, 16),
    ("Seven Small Bears", "Agnes Tull", 1994, "Children", 3, 8),
    ("The Moon Garden", "Agnes Tull", 2003, "Children", 2, 6),
]
MEMBERS = [  # name, joined, borrows
    ("Petra Lindgren", "2011-04-02", 12),
    ("Owen Marchetti", "2019-09-14", 6),
    ("Sunita Boateng", "2022-01-20", 9),
    ("Carl Ostrander", "2008-11-30", 4),
    ("Freya Nakagawa", "2023-06-05", 15),
    ("Idris Vallance", "2016-02-18", 7),
    ("Joan Pettifer", "1999-05-11", 10),
    ("Mateo Silverthorne", "2024-03-08", 5),
    ("Nell Drummond", "2020-10-01", 8),
    ("Rafael Quist", "2013-07-23", 3),
    ("Tilda Ekberg", "2024-08-27", 6),
    ("Viktor Ames", "2017-12-12", 2),
]


def main() -> None:
    dice = random.Random(19)
    target = HERE / "library.db"
    target.unlink(missing_ok=True)
    connection = sqlite3.connect(target)
    with connection:
        connection.execute(
            "CREATE TABLE books (book_id INTEGER PRIMARY KEY, title TEXT, author TEXT, published INTEGER, genre TEXT, "
            "copies INTEGER)"
        )
        connection.execute("CREATE TABLE members (member_id INTEGER PRIMARY KEY, name TEXT, joined TEXT)")
        connection.execute(
            "CREATE TABLE loans (loan_id INTEGER PRIMARY KEY, book_id INTEGER REFERENCES books, "
            "member_id INTEGER REFERENCES members, borrowed TEXT, due TEXT, returned TEXT)"
        )
        connection.executemany(
            "INSERT INTO books VALUES (?, ?, ?, ?, ?, ?)", [(11 + n, *b[:5]) for n, b in enumerate(BOOKS)]
        )
        connection.executemany("INSERT INTO members VALUES (?, ?, ?)", [(n, *m[:2]) for n, m in enumerate(MEMBERS, 1)])
        days = sorted(dt.date(2024, 9, 2) + dt.timedelta(days=dice.randrange(300)) for _ in range(180))
        for number, day in enumerate(days, 7001):
            book = dice.choices(range(len(BOOKS)), [b[5] for b in BOOKS])[0]
            member = dice.choices(range(len(MEMBERS)), [m[2] for m in MEMBERS])[0]
            back = day + dt.timedelta(days=min(dice.randint(3, 30), dice.randint(5, 40)))
            returned = back.isoformat() if back <= dt.date(2025, 6, 30) else None
            due = (day + dt.timedelta(days=21)).isoformat()
            connection.execute(
                "INSERT INTO loans VALUES (?, ?, ?, ?, ?, ?)",
                (number, 11 + book, member + 1, day.isoformat(), due, returned),
            )
    connection.close()


if __name__ == "__main__":
    main()
