"""Make the sales files of this folder: an invented coffee and tea wholesaler, the same bytes of data at every run.

Synthetic on purpose and dedicated to the public domain (CC0): every name and number is made up here, from a fixed seed.
Growth differs by region, so that the best region of 2025 is not the best of all years together.

    python examples/sales/generate.py            # writes sales.csv, sales.xlsx, sales.db and 销售.csv beside itself
"""

import csv
import datetime as dt
import random
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
SEED = 20250101
ORDERS = 1000
CHINESE_ORDERS = 480
FIRST_DAY = dt.date(2023, 1, 1)
DAYS = 1096
"""2023, 2024 (a leap year) and 2025."""

REGIONS = {  # name: cities, share of orders in 2023, 2024, 2025
    "North": (("Ashford", "Norwick", "Pinehaven"), (16, 15, 15)),
    "South": (("Marlow", "Southgate", "Verano"), (22, 20, 17)),
    "East": (("Eastbrook", "Harborough", "Linden"), (30, 31, 20)),
    "West": (("Redcliff", "Stonebridge", "Westerly"), (15, 19, 34)),
    "Central": (("Midvale", "Oakfield"), (17, 15, 14)),
}
PRODUCTS = {  # name: category, price in cents, usual units, weight
    "Espresso Beans 1kg": ("Coffee", 2190, 24, 16),
    "Filter Beans 1kg": ("Coffee", 1980, 20, 13),
    "Decaf Beans 1kg": ("Coffee", 2350, 10, 7),
    "Green Tea 500g": ("Tea", 1450, 16, 9),
    "Earl Grey 500g": ("Tea", 1290, 18, 9),
    "Oolong 250g": ("Tea", 1875, 10, 6),
    "Espresso Machine": ("Equipment", 64900, 1, 5),
    "Burr Grinder": ("Equipment", 18950, 2, 7),
    "Electric Kettle": ("Equipment", 5495, 4, 8),
    "Paper Filters 100": ("Accessories", 420, 60, 9),
    "Milk Jug": ("Accessories", 1680, 8, 6),
    "Cup Set": ("Accessories", 2790, 6, 8),
}
CHANNELS = (("Online", 5), ("Store", 3), ("Phone", 2))
SEGMENTS = ("Café", "Hotel", "Office", "Restaurant")
FIRST_WORDS = "Amber Birch Copper Dawn Elm Fox Golden Harbour Iron Juniper Kite Lantern Maple Nettle Olive".split()
SECOND_WORDS = ("Table", "House", "Corner", "& Co", "Kitchen")
REASONS = ("Damaged", "Late delivery", "Ordered by mistake", "Wrong item")

CHINESE_REGIONS = {
    "华东": (("上海", "杭州", "南京"), (36, 34, 24)),
    "华南": (("广州", "深圳"), (22, 24, 38)),
    "华北": (("北京", "天津"), (24, 22, 20)),
    "西南": (("成都", "重庆", "昆明"), (18, 20, 18)),
}
CHINESE_PRODUCTS = {
    "龙井茶": ("茶叶", 26800, 8, 12),
    "普洱茶": ("茶叶", 19800, 10, 10),
    "铁观音": ("茶叶", 16800, 9, 9),
    "咖啡豆": ("咖啡", 12800, 14, 14),
    "挂耳咖啡": ("咖啡", 6900, 20, 12),
    "紫砂壶": ("茶具", 45800, 2, 6),
    "盖碗": ("茶具", 8800, 6, 8),
    "保温杯": ("杯具", 11900, 7, 9),
}
CHINESE_CHANNELS = (("线上", 5), ("门店", 4), ("批发", 2))
CHINESE_CUSTOMERS = tuple(
    a + b for a in ("云栖", "听雨", "半山", "知味", "清和", "南风") for b in ("茶馆", "酒店", "书店")
)


class Customer(NamedTuple):
    id: int
    name: str
    segment: str
    city: str
    region: str
    since: dt.date


class Order(NamedTuple):
    id: int
    date: dt.date
    customer: Customer
    product: str
    category: str
    channel: str
    units: int
    price: int
    """Cents."""

    @property
    def sales(self) -> str:
        return money(self.units * self.price)


def money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def make_customers(dice: random.Random) -> list[Customer]:
    names = [f"{first} {second}" for first in FIRST_WORDS for second in SECOND_WORDS]
    dice.shuffle(names)
    customers: list[Customer] = []
    for number, name in enumerate(names[:60]):
        region = list(REGIONS)[number % len(REGIONS)]
        since = dt.date(2015, 1, 1) + dt.timedelta(days=dice.randrange(2900))
        city = dice.choice(REGIONS[region][0])
        customers.append(Customer(101 + number, name, dice.choice(SEGMENTS), city, region, since))
    return customers


def make_orders(dice: random.Random, customers: Sequence[Customer]) -> list[Order]:
    days = sorted(FIRST_DAY + dt.timedelta(days=dice.randrange(DAYS)) for _ in range(ORDERS))
    orders: list[Order] = []
    for number, day in enumerate(days):
        shares = [shares[day.year - 2023] for _, shares in REGIONS.values()]
        region = dice.choices(list(REGIONS), shares)[0]
        customer = dice.choice([c for c in customers if c.region == region])
        product = dice.choices(list(PRODUCTS), [weight for *_, weight in PRODUCTS.values()])[0]
        category, price, usual, _ = PRODUCTS[product]
        channel = dice.choices([c for c, _ in CHANNELS], [w for _, w in CHANNELS])[0]
        units = max(1, round(usual * dice.uniform(0.4, 1.7)))
        orders.append(
            Order(10001 + number, day, customer, product, category, channel, units, _price_in(price, day.year))
        )
    return orders


def _price_in(cents: int, year: int) -> int:
    """Prices rise by four in a hundred each year, to whole five cents."""
    return round(cents * 1.04 ** (year - 2023) / 5) * 5


def write_csv(orders: Sequence[Order]) -> None:
    with (HERE / "sales.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow("order_id date region customer channel category product units unit_price sales".split())
        for o in orders:
            row = (o.id, o.date, o.customer.region, o.customer.name, o.channel, o.category, o.product, o.units)
            writer.writerow([*row, money(o.price), o.sales])


def write_database(customers: Sequence[Customer], orders: Sequence[Order]) -> None:
    target = HERE / "sales.db"
    target.unlink(missing_ok=True)
    connection = sqlite3.connect(target)
    with connection:
        connection.execute(
            "CREATE TABLE customers (customer_id INTEGER PRIMARY KEY, name TEXT NOT NULL, segment TEXT NOT NULL, "
            "city TEXT NOT NULL, region TEXT NOT NULL, customer_since TEXT NOT NULL)"
        )
        connection.execute(
            "CREATE TABLE orders (order_id INTEGER PRIMARY KEY, date TEXT NOT NULL, customer_id INTEGER NOT NULL "
            "REFERENCES customers, product TEXT NOT NULL, category TEXT NOT NULL, channel TEXT NOT NULL, "
            "units INTEGER NOT NULL, unit_price REAL NOT NULL, sales REAL NOT NULL)"
        )
        people = [(*c[:5], c.since.isoformat()) for c in customers]
        connection.executemany("INSERT INTO customers VALUES (?, ?, ?, ?, ?, ?)", people)
        rows = [
            (
                o.id,
                o.date.isoformat(),
                o.customer.id,
                o.product,
                o.category,
                o.channel,
                o.units,
                money(o.price),
                o.sales,
            )
            for o in orders
        ]
        connection.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    connection.execute("VACUUM")
    connection.close()


def write_workbook(dice: random.Random, orders: Sequence[Order]) -> None:
    """Two sheets: the orders of 2025, and what came back of them."""
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "orders 2025"
    sheet.append("order_id date region product category channel units unit_price sales".split())
    current = [o for o in orders if o.date.year == 2025]
    for o in current:
        numbers = (o.units, o.price / 100, o.units * o.price / 100)
        sheet.append([o.id, o.date, o.customer.region, o.product, o.category, o.channel, *numbers])
    returns = book.create_sheet("returns")
    returns.append("order_id return_date product units_returned refund reason".split())
    for o in sorted(dice.sample(current, 40)):
        back = dice.randint(1, o.units)
        day = o.date + dt.timedelta(days=dice.randint(2, 30))
        returns.append([o.id, day, o.product, back, back * o.price / 100, dice.choice(REASONS)])
    book.save(HERE / "sales.xlsx")


def write_chinese_csv(dice: random.Random) -> None:
    days = sorted(FIRST_DAY + dt.timedelta(days=dice.randrange(DAYS)) for _ in range(CHINESE_ORDERS))
    with (HERE / "销售.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow("订单号 日期 地区 城市 客户 渠道 类别 产品 数量 单价 销售额".split())
        for number, day in enumerate(days):
            shares = [shares[day.year - 2023] for _, shares in CHINESE_REGIONS.values()]
            region = dice.choices(list(CHINESE_REGIONS), shares)[0]
            product = dice.choices(list(CHINESE_PRODUCTS), [weight for *_, weight in CHINESE_PRODUCTS.values()])[0]
            category, price, usual, _ = CHINESE_PRODUCTS[product]
            channel = dice.choices([c for c, _ in CHINESE_CHANNELS], [w for _, w in CHINESE_CHANNELS])[0]
            units = max(1, round(usual * dice.uniform(0.4, 1.7)))
            place = (region, dice.choice(CHINESE_REGIONS[region][0]), dice.choice(CHINESE_CUSTOMERS))
            figures = (units, money(price), money(units * price))
            writer.writerow([f"DD{number + 1:04d}", day, *place, channel, category, product, *figures])


def main() -> None:
    dice = random.Random(SEED)
    customers = make_customers(dice)
    orders = make_orders(dice, customers)
    write_csv(orders)
    write_database(customers, orders)
    write_workbook(dice, orders)
    write_chinese_csv(dice)


if __name__ == "__main__":
    main()
