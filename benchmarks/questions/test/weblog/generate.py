"""Make a week of the access log of an invented community theatre's web site, 10 to 16 November 2025 (CC0)."""

import csv
import datetime as dt
import random
from pathlib import Path

HERE = Path(__file__).parent
PAGES = {  # path: weight, usual bytes, usual milliseconds
    "/": (300, 14200, 90),
    "/programme": (230, 22800, 160),
    "/tickets": (190, 9100, 240),
    "/tickets/checkout": (70, 6400, 610),
    "/about": (60, 8200, 70),
    "/contact": (45, 5100, 65),
    "/news/winter-gala": (120, 17600, 110),
    "/news/new-seats": (35, 15100, 105),
    "/img/stage.jpg": (150, 248000, 60),
    "/files/season-2026.pdf": (40, 1840000, 320),
    "/search": (55, 11800, 480),
    "/wp-login.php": (48, 310, 15),
    "/old/index.htm": (22, 310, 12),
}
HOURS = [2, 1, 1, 1, 1, 2, 4, 8, 12, 14, 15, 14, 16, 15, 13, 13, 14, 17, 21, 25, 24, 17, 9, 4]
DAYS = [9, 10, 10, 11, 16, 20, 14]
AGENTS = (("Chrome", 50), ("Safari", 28), ("Firefox", 12), ("Edge", 8), ("bot", 9))


def main() -> None:
    dice = random.Random(64)
    visitors = [f"10.{dice.randrange(20, 90)}.{dice.randrange(256)}.{dice.randrange(1, 255)}" for _ in range(310)]
    weights = [1 / (rank + 6) for rank in range(len(visitors))]
    rows: list[tuple[dt.datetime, str, str, str, int, int, int, str]] = []
    for _ in range(1800):
        day = dice.choices(range(7), DAYS)[0]
        seconds = dice.choices(range(24), HOURS)[0] * 3600 + dice.randrange(3600)
        moment = dt.datetime(2025, 11, 10) + dt.timedelta(days=day, seconds=seconds)
        path = dice.choices(list(PAGES), [weight for weight, *_ in PAGES.values()])[0]
        agent = dice.choices([name for name, _ in AGENTS], [weight for _, weight in AGENTS])[0]
        ip = dice.choices(visitors, weights)[0]
        status = 404 if path in ("/wp-login.php", "/old/index.htm") else 200
        if path == "/tickets/checkout" and dice.random() < 0.22:
            status = 500 if dice.random() < 0.7 else 503
        elif status == 200 and dice.random() < 0.06:
            status = 304
        _, size, wait = PAGES[path]
        sent = 0 if status == 304 else round(size * dice.uniform(0.9, 1.1)) if status == 200 else 310
        method = "POST" if path.endswith(("checkout", ".php")) else "GET"
        rows.append((moment, ip, method, path, status, sent, round(wait * dice.lognormvariate(0, 0.5)), agent))
    rows.sort(key=lambda row: row[0])
    with (HERE / "access.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["time", "ip", "method", "path", "status", "bytes", "ms", "agent"])
        writer.writerows(rows)


if __name__ == "__main__":
    main()
