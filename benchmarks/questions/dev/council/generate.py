"""Make the database of an invented town's complaints desk: wards, and the reports of residents in 2025 (CC0)."""

import datetime as dt
import random
import sqlite3
from pathlib import Path

HERE = Path(__file__).parent
WARDS = [  # ward, residents, councillor, weight
    ("Harbour", 8200, "Cllr. Penrose", 9),
    ("Castle Hill", 5400, "Cllr. Adeyemi", 4),
    ("Millbank", 11300, "Cllr. Strand", 10),
    ("Old Quarry", 3900, "Cllr. Whitlow", 6),
    ("Station", 9700, "Cllr. Bracken", 7),
]
TOPICS = {  # topic: weight, usual days to close
    "Pothole": (14, 12),
    "Street light": (9, 6),
    "Missed bin": (16, 2),
    "Fly-tipping": (8, 5),
    "Graffiti": (5, 14),
    "Noise": (6, 20),
    "Blocked drain": (5, 8),
}
CHANNELS = (("web", 9), ("phone", 6), ("app", 5), ("letter", 1))


def main() -> None:
    dice = random.Random(44)
    target = HERE / "council.db"
    target.unlink(missing_ok=True)
    connection = sqlite3.connect(target)
    with connection:
        connection.execute(
            "CREATE TABLE wards (ward_id INTEGER PRIMARY KEY, ward TEXT, residents INTEGER, councillor TEXT)"
        )
        connection.execute(
            "CREATE TABLE reports (report_id INTEGER PRIMARY KEY, reported TEXT, ward_id INTEGER REFERENCES wards, "
            "topic TEXT, channel TEXT, closed TEXT, cost REAL)"
        )
        connection.executemany("INSERT INTO wards VALUES (?, ?, ?, ?)", [(n, *w[:3]) for n, w in enumerate(WARDS, 1)])
        for number, day in enumerate(sorted(dice.sample(range(334), 240) + dice.choices(range(334), k=60)), 90001):
            reported = dt.date(2025, 1, 1) + dt.timedelta(days=day)
            ward = dice.choices(range(1, 6), [w[3] for w in WARDS])[0]
            topic = dice.choices(list(TOPICS), [weight for weight, _ in TOPICS.values()])[0]
            channel = dice.choices([name for name, _ in CHANNELS], [weight for _, weight in CHANNELS])[0]
            closed = reported + dt.timedelta(days=round(TOPICS[topic][1] * dice.lognormvariate(0, 0.6)))
            done = closed <= dt.date(2025, 11, 30)
            cost = round(dice.lognormvariate(4.2, 0.8), 2) if done and topic != "Noise" else 0.0
            row = (number, reported.isoformat(), ward, topic, channel, closed.isoformat() if done else None, cost)
            connection.execute("INSERT INTO reports VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    connection.close()


if __name__ == "__main__":
    main()
