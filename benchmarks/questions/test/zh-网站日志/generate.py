"""Requests to the web site of a small shop on 10 to 12 June 2025, with the usual English names. Invented (CC0); the addresses
are those kept for documentation.

    python generate.py      # writes access_log.csv
"""

import csv
import datetime as dt
import random
from pathlib import Path

HERE = Path(__file__).parent
PATHS = {  # path: weight, usual milliseconds, usual bytes
    "/": (14, 60, 18000),
    "/product/teapot": (9, 95, 26000),
    "/product/cup": (7, 90, 24500),
    "/product/tray": (3, 92, 23000),
    "/search": (6, 310, 9000),
    "/cart": (5, 120, 7000),
    "/api/login": (4, 180, 600),
    "/api/order": (3, 420, 900),
    "/static/app.js": (9, 12, 154000),
    "/admin.php": (1.2, 8, 300),
}
DEVICES = {"mobile": 11, "desktop": 6, "bot": 3}
POST = ("/api/login", "/api/order")


def main():
    dice = random.Random(80)
    addresses = [f"203.0.113.{number}" for number in dice.sample(range(2, 250), 40)]
    addresses += [f"198.51.100.{number}" for number in dice.sample(range(2, 250), 15)]
    countries = {address: dice.choices(("CN", "SG", "US", "JP"), (12, 3, 2, 1))[0] for address in addresses}
    start = dt.datetime(2025, 6, 10)
    times = sorted(start + dt.timedelta(seconds=int(259200 * dice.betavariate(1.4, 1.1))) for _ in range(420))
    with (HERE / "access_log.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow("ts ip country method path status bytes response_ms device".split())
        for time in times:
            address = addresses[min(54, int(dice.expovariate(0.09)))]
            path = dice.choices(list(PATHS), [weight for weight, *_ in PATHS.values()])[0]
            _, wait, size = PATHS[path]
            status = dice.choices((200, 304, 404, 500), (80, 9, 3, 2 if path.startswith("/api") else 0.6))[0]
            status = 404 if path == "/admin.php" else 401 if path == "/api/login" and dice.random() < 0.4 else status
            sent = {200: int(size * dice.uniform(0.9, 1.1)), 304: 0}.get(status, dice.randint(180, 420))
            took = max(3, int(wait * dice.lognormvariate(0, 0.6)) * (6 if status == 500 else 1))
            device = "bot" if path == "/admin.php" else dice.choices(list(DEVICES), list(DEVICES.values()))[0]
            method = "POST" if path in POST else "GET"
            writer.writerow((time, address, countries[address], method, path, status, sent, took, device))


if __name__ == "__main__":
    main()
