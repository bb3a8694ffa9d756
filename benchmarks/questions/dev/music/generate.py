"""Make the song list of an invented music lover, with plays and ratings (CC0). Not every song is rated."""

import csv
import datetime as dt
import random
from pathlib import Path

HERE = Path(__file__).parent
ALBUMS = [  # artist, album, year, genre, songs
    ("The Paper Kites Club", "Attic Light", 2014, "Folk", "Attic Light|Old Coat|Marigold|Two Rivers"),
    ("The Paper Kites Club", "Northbound", 2019, "Folk", "Northbound|Snow Line|Love in the Slow Lane"),
    ("Vera Lumen", "Electric Orchard", 2021, "Pop", "Electric Orchard|Loveproof|Satellite Girl|Halo Halo|Good Enough"),
    ("Vera Lumen", "Night Swim", 2024, "Pop", "Night Swim|All My Friends Are Clouds|Lovers' Almanac"),
    ("Iron Thicket", "Furnace Town", 1997, "Rock", "Furnace Town|Black Kettle|Rust Never Asks|Hammer Song"),
    ("Iron Thicket", "Slag", 2001, "Rock", "Slag|No Love Lost Here|Overtime"),
    ("Kwame Sorrel Trio", "Blue Hour Sessions", 2008, "Jazz", "Blue Hour|Waltz for Ama|Elevator Rain|Late Bus"),
    ("Odessa Finch", "Small Hours", 1978, "Soul", "Small Hours|Give It a Name|Love Letter Blues|Kitchen Floor"),
    ("Tallow & Wick", "Hearth", 2016, "Folk", "Hearth|The Miller's Daughter|Bonfire"),
    ("Neon Abacus", "Zeroes", 2022, "Electronic", "Zeroes|Carry the One|Modulo|Remainder|Long Division"),
]


def main() -> None:
    dice = random.Random(71)
    with (HERE / "songs.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["title", "artist", "album", "year", "genre", "seconds", "plays", "rating", "added"])
        for artist, album, year, genre, songs in ALBUMS:
            added = dt.date(2024, 3, 1) + dt.timedelta(days=dice.randrange(600))
            liked = dice.uniform(10, 90)
            for song in songs.split("|"):
                length = dice.randint(380, 560) if genre == "Jazz" else dice.randint(148, 330)
                plays = round(liked * dice.lognormvariate(0, 0.7))
                rating = dice.choice(("", 3, 4, 4, 5)) if plays < 40 else dice.choice((4, 5))
                writer.writerow([song, artist, album, year, genre, length, plays, rating, added])


if __name__ == "__main__":
    main()
